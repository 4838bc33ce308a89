import type { Command } from 'commander';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { findRun } from './find-run.ts';
import { type OpenBuilds, withBuilds } from './with-fleet.ts';

export function addBuildNote(build: Command, run: Run): void {
  build
    .command('note')
    .description('write a note on a run; without one it is taken away')
    .argument('<build>', 'its name in the map file')
    .argument('<tag>', "the run's tag")
    .argument('[note]', 'the note')
    .action((name: string, tag: string, note = '') =>
      run((context) => withBuilds(context, (open) => setNote(context, open, { name, tag, note }))),
    );
}

async function setNote(
  context: Context,
  open: OpenBuilds,
  { name, tag, note }: { name: string; tag: string; note: string },
): Promise<number> {
  const found = await findRun(open, name, tag);
  if ('exitCode' in found) return fail(context, found);
  const { agent, run } = found;
  const noted = await open.fleet.setBuildNote(agent, run.id, note);
  if (!noted.ok) return fail(context, callFailed(noted.error));
  if (context.options.json) await printJson(context, { id: run.id, build: name, agent, tag: run.tag, note });
  else await context.output.result(`${name}: ${run.tag}: ${note === '' ? 'no note any more' : note}`);
  return 0;
}
