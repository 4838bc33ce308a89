import { randomUUID } from 'node:crypto';
import { BUILD_STEP_KINDS, type BuildStepKind, buildStepName } from '@towline/core/build';
import { exitCodeOfBuildRun } from '@towline/core/plan';
import { type Command, Option } from 'commander';
import { followBuildRun } from '../fleet/index.ts';
import { describeBuildEvent, describeBuildNow, describeRun, explainRun, runDocument } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { whyAway } from './find-run.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import { findBuild, type OpenBuilds, withBuilds } from './with-fleet.ts';

interface RunOptions {
  note?: string;
  only?: BuildStepKind;
  detach?: boolean;
}

export function addBuildRun(build: Command, run: Run): void {
  build
    .command('run')
    .description('run a build, and follow it to its end; nothing is deployed')
    .argument('<build>', 'its name in the map file')
    .option('--note <note>', 'a note on the run')
    .addOption(new Option('--only <step>', 'one step alone').choices(BUILD_STEP_KINDS))
    .option('--detach', "print the run's tag and return, without waiting for its end")
    .action((name: string, options: RunOptions) =>
      run((context) => withBuilds(context, (open) => runBuild(context, open, name, options))),
    );
}

async function runBuild(
  context: Context,
  open: OpenBuilds,
  name: string,
  { note, only, detach = false }: RunOptions,
): Promise<number> {
  const { output, options } = context;
  const build = findBuild(open, name);
  if ('exitCode' in build) return fail(context, build);
  const { definition } = build;
  const { agent } = definition;
  const away = whyAway(build);
  if (away !== undefined) return fail(context, away);
  const { fleet, service } = open;
  const begun = await fleet.runBuild(agent, {
    key: randomUUID(),
    service: service.name,
    definition,
    operator: fleet.operator,
    ...(note !== undefined && { note }),
    ...(only !== undefined && { only }),
  });
  if (!begun.ok) return fail(context, callFailed(begun.error));
  const { runId: id, tag, queue } = begun.value;
  if (queue !== undefined) output.note(`${name}: ${tag} waits: ${queue.reason}.`);
  if (detach) {
    const run = await fleet.buildRun(agent, id);
    if (!options.json) await output.result(tag);
    else await printJson(context, run.ok ? runDocument(run.value, agent) : { id, build: name, agent, tag });
    return 0;
  }
  return interruptible(async (leave) => {
    const end = await followBuildRun(
      fleet,
      agent,
      { id, build: name, tag },
      {
        signal: leave,
        onLink: (said) => output.note(`towline: ${name}: ${said}`),
        onEvent(run, event) {
          if (output.noteTty) output.status(describeBuildNow(run));
          else {
            const said = describeBuildEvent(run, event);
            if (said !== undefined) output.note(said);
          }
        },
      },
    );
    output.status(undefined);
    if (options.json && end.last !== undefined) await printJson(context, runDocument(end.last, agent));
    if (end.kind === 'lost') {
      output.note(`towline: ${name}: ${end.failure.message}`);
      return callFailed(end.failure).exitCode;
    }
    if (end.kind === 'detached') {
      output.note(`${name}: the run ${tag} goes on. \`towline build log ${name} ${tag} --follow\` shows it.`);
      return INTERRUPTED;
    }
    if (!options.json) await output.result(describeRun(end.last));
    for (const line of explainRun(end.last)) output.note(line);
    const failed = end.last.steps.find(({ state }) => state === 'ERROR');
    if (failed !== undefined) {
      output.note(`\`towline build log ${name} ${tag}\` shows the log of ${buildStepName(failed.kind)}.`);
    }
    return exitCodeOfBuildRun(end.last);
  });
}
