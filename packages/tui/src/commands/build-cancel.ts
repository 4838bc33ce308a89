import { isRunEnded } from '@towline/core/build';
import type { Command } from 'commander';
import { callFailed } from './call-exit-code.ts';
import { type CommandFailure, type Context, fail, printJson, type Run } from './context.ts';
import { type FoundRun, findRun, whyAway } from './find-run.ts';
import { findBuild, type OpenBuilds, withBuilds } from './with-fleet.ts';

export function addBuildCancel(build: Command, run: Run): void {
  build
    .command('cancel')
    .description('cancel the run of a build that runs or waits')
    .argument('<build>', 'its name in the map file')
    .argument('[tag]', 'the run of this tag; else the one that runs')
    .action((name: string, tag: string | undefined) =>
      run((context) => withBuilds(context, (open) => cancel(context, open, name, tag))),
    );
}

async function cancel(
  context: Context,
  open: OpenBuilds,
  name: string,
  tag: string | undefined,
): Promise<number> {
  const found = await runToCancel(open, name, tag);
  if ('exitCode' in found) return fail(context, found);
  const { agent, run } = found;
  const cancelled = await open.fleet.cancelBuild(agent, run.id);
  if (!cancelled.ok) return fail(context, callFailed(cancelled.error));
  if (context.options.json) await printJson(context, { id: run.id, build: name, agent, tag: run.tag });
  else await context.output.result(`${name}: ${run.tag} is being cancelled.`);
  return 0;
}

async function runToCancel(
  open: OpenBuilds,
  name: string,
  tag: string | undefined,
): Promise<FoundRun | CommandFailure> {
  if (tag !== undefined) {
    const found = await findRun(open, name, tag);
    return 'exitCode' in found || !isRunEnded(found.run.state)
      ? found
      : nothingRuns(`${tag} of ${name} is over: ${found.run.state}.`);
  }
  const build = findBuild(open, name);
  if ('exitCode' in build) return build;
  const { activeRun, definition } = build;
  if (activeRun !== undefined) return { agent: definition.agent, run: activeRun };
  return whyAway(build) ?? nothingRuns(`No run of ${name} runs or waits: there is nothing to cancel.`);
}

function nothingRuns(message: string): CommandFailure {
  return { code: 'nothing-runs', message, exitCode: 2 };
}
