import { isRunEnded } from '@towline/core/build';
import { isEnded } from '@towline/core/job';
import {
  type BatchProgress,
  type BuildProgress,
  carriedBuilds,
  combineExitCodes,
  describeCarried,
  type ExitCode,
  exitCodeOfBatch,
  exitCodeOfRefusal,
  type ServerPlan,
  type ServerProgress,
  type SkippedTask,
  sharedBuilds,
  taskKey,
} from '@towline/core/plan';
import { type BatchEnd, type CallFailure, runBatch } from '../fleet/index.ts';
import { describeBuildEvent, describeBuildNow, describeRun, explainRun, runDocument } from './build-text.ts';
import { exitCodeOfCall } from './call-exit-code.ts';
import { type Context, printJson } from './context.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import { describeEvent, describeJob, describeNow, explainJob, jobDocument, SHOWN_LINES } from './job-text.ts';
import type { OpenMap } from './with-fleet.ts';

/** Without a terminal a step that takes long says so this often. */
const STILL_MS = 10_000;

/** What was asked for and is not done, because a rule refused it. */
export interface Refused extends SkippedTask {
  server: string;
}

export interface RunOptions {
  /** Begins the jobs and does not wait for their ends. */
  detach: boolean;
  refused: readonly Refused[];
  builds: ReturnType<OpenMap['pipeline']>['builds'];
  /** Whether the plans are of what `planRollback` chose. */
  rollback?: boolean;
  /** `--allow-auto-remove`. */
  allowAutoRemove?: boolean | undefined;
}

/** For each server whose job only a command that stays can begin: a sentence that says why. */
export function carriedServers(plans: readonly ServerPlan[], builds: RunOptions['builds']): string[] {
  const shared = sharedBuilds(plans, builds);
  return plans.flatMap((plan) => {
    const carried = carriedBuilds(plan, shared);
    return carried.length === 0 ? [] : [describeCarried(plan, carried)];
  });
}

/**
 * Carries the plans out, all at once, and follows them to their ends. The exit code is the worst of all, that of what was
 * refused included.
 */
export function runPlans(
  context: Context,
  open: OpenMap,
  plans: readonly ServerPlan[],
  { detach, refused, builds, rollback = false, allowAutoRemove = false }: RunOptions,
): Promise<number> {
  const { fleet, service, map } = open;
  const { output } = context;
  for (const carried of carriedServers(plans, builds)) output.note(`${carried} Keep this command running.`);
  return interruptible(async (leave) => {
    const tell = teller(context);
    const end = await runBatch(fleet, {
      service: service.name,
      map,
      builds,
      plans,
      rollback,
      allowAutoRemove,
      detach,
      signal: leave,
      onLink: (what, said) => output.note(`towline: ${what}: ${said}`),
      onJobEvent: (job, event) =>
        tell(job.server, describeNow(job), describeEvent(job, event), event.type === 'step-progress'),
      onBuildEvent: (run, event) =>
        tell(
          run.build,
          isRunEnded(run.state) ? undefined : describeBuildNow(run),
          describeBuildEvent(run, event),
          event.type === 'step-progress',
        ),
    });
    output.status(undefined);
    await report(context, end, detach);
    if (context.options.json) await printJson(context, document(end, refused));
    if (leave.aborted && goesOn(end)) return INTERRUPTED;
    return combineExitCodes([exitCodeOf(end), ...refused.map(({ refusal }) => exitCodeOfRefusal(refusal))]);
  });
}

/** Says what happens: on a terminal in one line that changes, else in a line for what came to its end. */
function teller({ output }: Context) {
  const now = new Map<string, string>();
  let saidAt = performance.now();
  return (what: string, does: string | undefined, said: string | undefined, progress: boolean) => {
    if (output.noteTty) {
      if (does === undefined) now.delete(what);
      else now.set(what, does);
      output.status([...now.values()].join(' · ') || what);
      return;
    }
    const still = progress && performance.now() - saidAt > STILL_MS;
    if (said === undefined && !still) return;
    saidAt = performance.now();
    output.note(said ?? does ?? what);
  };
}

async function report(context: Context, { batch, lost }: BatchEnd, detach: boolean): Promise<void> {
  for (const build of batch.builds) await reportBuild(context, build, lost.get(build.build));
  for (const server of batch.servers)
    await reportServer(context, server, lost.get(server.plan.server), detach);
}

async function reportBuild(
  { options, output }: Context,
  { build, run, failure }: BuildProgress,
  lost: CallFailure | undefined,
): Promise<void> {
  if (lost !== undefined) output.note(`towline: ${build}: ${lost.message}`);
  else if (run === undefined) {
    if (failure !== undefined) output.note(`towline: ${failure.message}`);
  } else if (isRunEnded(run.state)) {
    if (!options.json) await output.result(describeRun(run));
    for (const line of explainRun(run)) output.note(line);
    if (run.state === 'ERROR') output.note(`\`towline build log ${build} ${run.tag}\` shows its log.`);
  } else {
    output.note(
      `${build}: the run ${run.tag} goes on. \`towline build log ${build} ${run.tag} --follow\` shows it.`,
    );
  }
}

async function reportServer(
  { options, output }: Context,
  { plan: { server }, state, job, jobId, failures }: ServerProgress,
  lost: CallFailure | undefined,
  detach: boolean,
): Promise<void> {
  if (lost !== undefined) output.note(`towline: ${server}: ${lost.message}`);
  else if (state === 'REFUSED') {
    for (const { container, message } of failures) {
      output.note(`towline: ${taskKey(server, container)}: ${message}`);
    }
  } else if (detach) {
    if (!options.json && jobId !== undefined) await output.result(jobId);
  } else if (job !== undefined && isEnded(job.state)) {
    if (!options.json) await output.result(describeJob(job));
    for (const line of explainJob(job, SHOWN_LINES)) output.note(line);
  } else if (jobId !== undefined) {
    output.note(`${server}: the job ${jobId} goes on. \`towline job ${jobId} --follow\` shows it.`);
  }
}

/** Whether something was begun, and goes on without us. */
function goesOn({ batch, lost }: BatchEnd): boolean {
  return (
    batch.builds.some(({ build, state }) => state === 'RUNNING' && !lost.has(build)) ||
    batch.servers.some(({ plan, state }) => state === 'RUNNING' && !lost.has(plan.server))
  );
}

function exitCodeOf({ batch, lost }: BatchEnd): ExitCode {
  // A server whose build was lost says so by its failures.
  const known = batch.servers.filter(({ plan }) => !lost.has(plan.server));
  return combineExitCodes([
    ...[...lost.values()].map(exitCodeOfCall),
    ...(known.length > 0 ? [exitCodeOfBatch({ ...batch, servers: known })] : []),
  ]);
}

/** `--json` of what runs jobs: one document, however many there were. */
function document({ batch, lost }: BatchEnd, refused: readonly Refused[]) {
  return {
    builds: batch.builds.flatMap(({ run, agent }) => (run === undefined ? [] : [runDocument(run, agent)])),
    jobs: batch.servers.flatMap(({ job, jobId, plan: { server, agent } }) => {
      if (job !== undefined) return [jobDocument(job, agent)];
      return jobId === undefined ? [] : [{ id: jobId, server, agent }];
    }),
    failures: failuresOf(batch, lost),
    refused: refusedDocument(refused),
  };
}

function failuresOf({ servers }: BatchProgress, lost: BatchEnd['lost']) {
  return servers.flatMap(({ plan: { server, agent }, failures }) => {
    const away = lost.get(server);
    if (away !== undefined) return [{ server, agent, code: away.code, message: away.message }];
    return failures.map(({ container, code, message }) => ({ server, agent, container, code, message }));
  });
}

export function refusedDocument(refused: readonly Refused[]) {
  return refused.map(({ server, container, refusal }) => ({
    server,
    container,
    code: refusal.code,
    message: refusal.message,
  }));
}

/**
 * Nothing is armed: says why, each reason once. What was refused is said by its own reasons alone; `message` is for what
 * nothing was chosen of.
 */
export async function nothingArmed(
  context: Context,
  message: string,
  refused: readonly Refused[],
): Promise<number> {
  const reasons = new Set(refused.map(({ refusal }) => refusal.message));
  if (reasons.size === 0) context.output.note(`towline: ${message}`);
  for (const reason of reasons) context.output.note(`towline: ${reason}`);
  if (context.options.json) {
    await printJson(context, document({ batch: { builds: [], servers: [] }, lost: new Map() }, refused));
  }
  return combineExitCodes(refused.map(({ refusal }) => exitCodeOfRefusal(refusal)));
}
