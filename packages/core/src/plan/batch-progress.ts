import { type BuildRun, isRunEnded, whyNoImage } from '../build/index.ts';
import { isEnded, type Job } from '../job/index.ts';
import type { Failure } from '../result/index.ts';
import { type Choice, REFUSAL_CODES, type Refusal } from '../rules/index.ts';
import { nothingDeployed } from './await-builds.ts';
import type { PlannedTask, ServerPlan } from './execute-plan.ts';
import { combineExitCodes, type ExitCode, exitCodeOfJob, exitCodeOfRefusal } from './exit-code.ts';
import type { Pipeline } from './pipeline.ts';

/** One build run of a batch, and the tasks that share it. */
export interface PlannedBuild {
  build: string;
  /** The agent that it runs on. */
  agent: string;
  /** Whether jobs on its agent wait for it by themselves. */
  awaitable: boolean;
  tasks: readonly { server: string; container: string }[];
}

/** A build of a batch. `READY` to be asked for, `SENT` while there is no answer yet. */
export interface BuildProgress extends PlannedBuild {
  state: 'READY' | 'SENT' | 'RUNNING' | 'DONE' | 'FAILED';
  /** What its agent answered: the run is there. */
  begun?: { id: string; tag: string };
  run?: BuildRun;
  /** Why there is no image. */
  failure?: Failure;
}

/** Why an armed task was not deployed: a refusal's code, `build-failed`, `batch-stopped`, or that of a call. */
export interface TaskFailure extends Failure {
  container: string;
}

/** What a call to an agent failed with. */
export interface CallOutcome extends Failure {
  refusal?: Refusal | undefined;
}

/** A server of a batch. It waits for the builds of its own tasks, and for no other. */
export interface ServerProgress {
  plan: ServerPlan;
  /** The builds of its tasks. */
  waitsFor: readonly string[];
  /** Those of them that have to be over before its job can begin: its agent does not wait for them. */
  carries: readonly string[];
  state: 'WAIT' | 'READY' | 'SENT' | 'RUNNING' | 'ENDED' | 'REFUSED';
  jobId?: string;
  job?: Job;
  /** Why it was not deployed, for each of its armed tasks. */
  failures: readonly TaskFailure[];
}

/** How far a batch is. The fold of what happened (`reduceBatch`); what to do next is read off it (`nextActions`). */
export interface BatchProgress {
  builds: readonly BuildProgress[];
  servers: readonly ServerProgress[];
}

export type BatchEvent =
  | { type: 'build-sent'; build: string }
  | { type: 'build-refused'; build: string; failure: CallOutcome }
  | { type: 'build-begun'; build: string; begun: { id: string; tag: string } }
  | { type: 'build-run'; build: string; run: BuildRun }
  | { type: 'deploy-sent'; server: string }
  | { type: 'deploy-begun'; server: string; jobId: string }
  | { type: 'deploy-refused'; server: string; failure: CallOutcome }
  | { type: 'job'; server: string; job: Job }
  /** The operator wants no more of it: what was not sent yet is not begun. What runs, runs on. */
  | { type: 'stopped' };

/** What the executor of a batch does next; it says `…-sent` before it does. */
export type BatchAction =
  | { type: 'run-build'; build: string; agent: string }
  /** `plan` has the tags that are built, for `toExecuteInput`. */
  | { type: 'deploy'; server: string; agent: string; plan: ServerPlan };

/**
 * The runs that plans need, in the order that they are first needed: tasks of one build share one, on whatever servers
 * they are.
 */
export function sharedBuilds(plans: readonly ServerPlan[], builds: Pipeline['builds']): PlannedBuild[] {
  const shared = new Map<string, { server: string; container: string }[]>();
  for (const { server, armed } of plans) {
    for (const { container, build } of armed) {
      if (build === undefined) continue;
      shared.set(build, [...(shared.get(build) ?? []), { server, container }]);
    }
  }
  return [...shared].flatMap(([build, tasks]) => {
    const known = Object.hasOwn(builds, build) ? builds[build] : undefined;
    if (known === undefined) return [];
    return [{ build, agent: known.definition.agent, awaitable: known.awaitable, tasks }];
  });
}

/**
 * The builds that a server's job can't wait for: those of another agent, and those of one that is too old. Whoever began
 * them has to stay until they are over, and begins the job then.
 */
export function carriedBuilds(plan: ServerPlan, shared: readonly PlannedBuild[]): PlannedBuild[] {
  const own = shared.filter(({ build }) => plan.armed.some((task) => task.build === build));
  return own.filter(({ agent, awaitable }) => !awaitable || agent !== plan.agent);
}

/** What that comes to, as a sentence for whoever has to stay; `carried` are that server's. */
export function describeCarried(
  { server, agent }: Pick<ServerPlan, 'server' | 'agent'>,
  carried: readonly Pick<PlannedBuild, 'build' | 'agent'>[],
): string {
  const elsewhere = carried.find((build) => build.agent !== agent);
  const why =
    elsewhere === undefined
      ? `its agent ${agent} is too old to wait for it`
      : `its agent ${agent} can't wait for a build on ${elsewhere.agent}`;
  return `${server} is deployed from here when ${carried.map(({ build }) => build).join(', ')} is built: ${why}.`;
}

/** A batch before anything of it was done. Plans that arm nothing are no part of it. */
export function beginBatch(plans: readonly ServerPlan[], builds: Pipeline['builds']): BatchProgress {
  const shared = sharedBuilds(plans, builds);
  return {
    builds: shared.map((build) => ({ ...build, state: 'READY' })),
    servers: plans
      .filter(({ armed }) => armed.length > 0)
      .map((plan): ServerProgress => {
        const waitsFor = [...new Set(plan.armed.flatMap(({ build }) => build ?? []))];
        const carries = carriedBuilds(plan, shared).map(({ build }) => build);
        return { plan, waitsFor, carries, state: waitsFor.length === 0 ? 'READY' : 'WAIT', failures: [] };
      }),
  };
}

/**
 * Folds what happened into a batch. A server is ready as soon as its own builds are there; of those that its agent waits
 * for by itself, as soon as they are begun. A build that makes no image deploys nothing: every armed task of the servers
 * that wait for it is refused, because a server is one update. Where a job waits, its agent says so.
 */
export function reduceBatch(batch: BatchProgress, event: BatchEvent): BatchProgress {
  switch (event.type) {
    case 'build-sent':
      return changeBuild(batch, event.build, (build) =>
        build.state === 'READY' ? { ...build, state: 'SENT' } : build,
      );
    case 'build-refused':
      return changeBuild(batch, event.build, (build) => ({
        ...build,
        state: 'FAILED',
        failure: noRun(build, failureOf(event.failure)),
      }));
    case 'build-begun':
      return changeBuild(batch, event.build, (build) =>
        build.state === 'READY' || build.state === 'SENT'
          ? { ...build, state: 'RUNNING', begun: event.begun }
          : build,
      );
    case 'build-run':
      return changeBuild(batch, event.build, (build) => withRun(build, event.run));
    case 'deploy-sent':
      return changeServer(batch, event.server, (server) =>
        server.state === 'READY' ? { ...server, state: 'SENT' } : server,
      );
    case 'deploy-begun':
      return changeServer(batch, event.server, (server) =>
        server.job === undefined ? { ...server, state: 'RUNNING', jobId: event.jobId } : server,
      );
    case 'deploy-refused':
      return changeServer(batch, event.server, (server) => refuseServer(server, failureOf(event.failure)));
    case 'job':
      return changeServer(batch, event.server, (server) => ({
        ...server,
        jobId: event.job.id,
        job: event.job,
        state: isEnded(event.job.state) ? 'ENDED' : 'RUNNING',
      }));
    case 'stopped':
      return {
        builds: batch.builds.map((build) =>
          build.state === 'READY' ? { ...build, state: 'FAILED', failure: STOPPED } : build,
        ),
        servers: batch.servers.map((server) =>
          server.state === 'READY' || server.state === 'WAIT' ? refuseServer(server, STOPPED) : server,
        ),
      };
  }
}

const STOPPED: Failure = {
  code: 'batch-stopped',
  message: 'The batch was stopped before this began. Nothing was deployed; execute it again to go on.',
};

/** What to do now, in order: builds first, because others wait for them. Nothing while all that is left is under way. */
export function nextActions(batch: BatchProgress): BatchAction[] {
  return [
    ...batch.builds.flatMap(({ state, build, agent }): BatchAction[] =>
      state === 'READY' ? [{ type: 'run-build', build, agent }] : [],
    ),
    ...batch.servers.flatMap(({ state, plan }): BatchAction[] =>
      state === 'READY'
        ? [
            {
              type: 'deploy',
              server: plan.server,
              agent: plan.agent,
              plan: { ...plan, armed: plan.armed.map((task) => withBuilt(task, batch.builds)) },
            },
          ]
        : [],
    ),
  ];
}

/** Whether nothing of it is left to do or to wait for. A build that only others wait for counts too. */
export function isBatchOver({ builds, servers }: BatchProgress): boolean {
  return (
    builds.every(({ state }) => state === 'DONE' || state === 'FAILED') &&
    servers.every(({ state }) => state === 'ENDED' || state === 'REFUSED')
  );
}

/** What a command that ran the batch ends with: the worst of its servers. Of one that is not over, of what is known. */
export function exitCodeOfBatch({ servers }: BatchProgress): ExitCode {
  return combineExitCodes(
    servers.map(({ job, failures }): ExitCode => {
      if (job !== undefined) return exitCodeOfJob(job);
      if (failures.length === 0) return 0;
      return combineExitCodes(failures.map(exitCodeOfFailure));
    }),
  );
}

/** What following a build run ends with. A failed one counts as restored, like a job: what was deployed serves. */
export function exitCodeOfBuildRun({ state }: Pick<BuildRun, 'state'>): ExitCode {
  return state === 'ERROR' || state === 'CANCELLED' ? 3 : 0;
}

/** As if it had been asked for alone: a build that failed is one that failed, and what a rule refused is refused. */
function exitCodeOfFailure({ code }: Failure): ExitCode {
  switch (code) {
    case 'batch-stopped':
    case 'refused':
      return 2;
    case 'engine-unreachable':
    case 'protocol-mismatch':
      return 5;
    default:
      break;
  }
  const refusal = REFUSAL_CODES.find((known) => known === code);
  return refusal === undefined ? 1 : exitCodeOfRefusal({ code: refusal });
}

/** Told of one that runs, it is that nobody could follow it to its end. */
function noRun({ build, begun, run }: BuildProgress, { code, message }: Failure): Failure {
  const tag = run?.tag ?? begun?.tag;
  const what =
    tag === undefined
      ? `The build ${build} did not begin`
      : `What became of the build ${build} (${tag}) is not known`;
  return { code, message: `${what}: ${message}` };
}

function withRun(build: BuildProgress, run: BuildRun): BuildProgress {
  if (build.state === 'DONE' || build.state === 'FAILED') return build;
  if (!isRunEnded(run.state)) return { ...build, state: 'RUNNING', run };
  const message = whyNoImage(run);
  if (message === undefined) return { ...build, state: 'DONE', run };
  return { ...build, state: 'FAILED', run, failure: { code: 'build-failed', message } };
}

function changeBuild(
  batch: BatchProgress,
  name: string,
  change: (build: BuildProgress) => BuildProgress,
): BatchProgress {
  const builds = batch.builds.map((build) => (build.build === name ? change(build) : build));
  return { builds, servers: batch.servers.map((server) => settle(server, builds)) };
}

function changeServer(
  batch: BatchProgress,
  name: string,
  change: (server: ServerProgress) => ServerProgress,
): BatchProgress {
  return {
    ...batch,
    servers: batch.servers.map((server) => (server.plan.server === name ? change(server) : server)),
  };
}

/** A server that waits, after one of its builds changed. */
function settle(server: ServerProgress, builds: readonly BuildProgress[]): ServerProgress {
  if (server.state !== 'WAIT') return server;
  const own = builds.filter(({ build }) => server.waitsFor.includes(build));
  const failed = own.find(({ state }) => state === 'FAILED');
  if (failed?.failure !== undefined) return refuseServer(server, failed.failure, failed.build);
  const isThere = ({ build, state, begun, run }: BuildProgress) =>
    state === 'DONE' || (!server.carries.includes(build) && (begun ?? run) !== undefined);
  return own.every(isThere) ? { ...server, state: 'READY' } : server;
}

/** Says it on every armed task; on those that need no build, whose update they would have been part of. */
function refuseServer(server: ServerProgress, failure: Failure, build?: string): ServerProgress {
  const { plan } = server;
  const waiting = plan.armed.find((task) => task.build === build);
  return {
    ...server,
    state: 'REFUSED',
    failures: plan.armed.map(({ container, build: own }) => {
      if (build === undefined) return { ...failure, container };
      const why = own === build ? '' : `${container} is in one update with ${waiting?.container}. `;
      return {
        code: failure.code,
        message: `${why}${failure.message} ${nothingDeployed(plan.server)}`,
        container,
      };
    }),
  };
}

/** A refusal is worth more than the call that brought it. */
function failureOf({ code, message, refusal }: CallOutcome): Failure {
  return refusal === undefined ? { code, message } : { code: refusal.code, message: refusal.message };
}

function withBuilt(task: PlannedTask, builds: readonly BuildProgress[]): PlannedTask {
  const { begun, run } = builds.find(({ build }) => build === task.build) ?? {};
  const tag = run?.tag ?? begun?.tag;
  if (task.choice.mode !== 'build-deploy' || tag === undefined) return task;
  const choice: Choice = { ...task.choice, built: tag };
  return { ...task, choice, to: tag };
}
