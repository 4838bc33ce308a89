import type { Command } from 'commander';
import { explainRun, runDocument, runSheet, vertexLines } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { findRun } from './find-run.ts';
import { type OpenBuilds, withBuilds } from './with-fleet.ts';

export function addBuildShow(build: Command, run: Run): void {
  build
    .command('show')
    .description("show one run: its steps, the Dockerfile's steps, what it made")
    .argument('<build>', 'its name in the map file')
    .argument('[tag]', 'the run of this tag; else the last one')
    .action((name: string, tag: string | undefined) =>
      run((context) => withBuilds(context, (open) => show(context, open, name, tag))),
    );
}

async function show(
  context: Context,
  open: OpenBuilds,
  name: string,
  tag: string | undefined,
): Promise<number> {
  const found = await findRun(open, name, tag);
  if ('exitCode' in found) return fail(context, found);
  const { agent } = found;
  // What a list has of it leaves the Dockerfile's steps out.
  const whole = await open.fleet.buildRun(agent, found.run.id);
  if (!whole.ok) return fail(context, callFailed(whole.error));
  const run = whole.value;
  if (context.options.json) {
    const { vertices, verticesLeftOut = 0 } = run;
    await printJson(context, { ...runDocument(run, agent), vertices, verticesLeftOut });
    return 0;
  }
  for (const line of [...runSheet(run), ...vertexLines(run), ...explainRun(run)]) {
    await context.output.result(line);
  }
  return 0;
}
