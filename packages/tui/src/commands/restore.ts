import { randomUUID } from 'node:crypto';
import { planExecute, toRestoreInput } from '@towline/core/plan';
import type { Command } from 'commander';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, type Run, usage } from './context.ts';
import { followJobToEnd } from './follow-job.ts';
import { withMap } from './with-fleet.ts';

interface RestoreOptions {
  detach?: boolean;
}

export function addRestore(program: Command, run: Run): void {
  program
    .command('restore')
    .description('have a degraded server’s agent bring its old version back, once more')
    .argument('<server>', 'SERVER')
    .option('--detach', "print the job's id and return, without waiting for its end")
    .action((server: string, options: RestoreOptions) => run((context) => restore(context, server, options)));
}

function restore(context: Context, name: string, { detach = false }: RestoreOptions): Promise<number> {
  return withMap(context, async (open) => {
    const { fleet, service, map } = open;
    const pipeline = open.pipeline();
    const named = planExecute(pipeline, { server: name }, new Map());
    if (!named.ok) return fail(context, usage(named.error.message));
    const definition = map.servers.find((server) => server.name === name);
    if (definition === undefined) throw new Error(`the pipeline has a server ${name} that its map has not`);
    const { operator } = fleet;
    const from = {
      service: service.name,
      map: map.name,
      builds: pipeline.builds,
      operator,
      key: randomUUID(),
    };
    const begun = await fleet.restore(definition.agent, toRestoreInput(definition, from));
    if (!begun.ok) return fail(context, callFailed(begun.error));
    const { jobId } = begun.value;
    if (!detach) return await followJobToEnd(context, fleet, definition.agent, jobId);
    await context.output.result(jobId);
    return 0;
  });
}
