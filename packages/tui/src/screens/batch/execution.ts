import { type BuildEvent, type BuildRun, isRunEnded, reduceBuildRun } from '@towline/core/build';
import { isEnded } from '@towline/core/job';
import {
  type BatchAction,
  type BatchProgress,
  beginBatch,
  type CallOutcome,
  isBatchOver,
  nextActions,
  type Pipeline,
  reduceBatch,
  type ServerPlan,
  taskKey,
} from '@towline/core/plan';
import type { Choice } from '@towline/core/rules';
import type { World } from '../world.ts';

/** One Execute or Batch Execute that was begun here: its builds, and the servers that wait for them. */
export interface Execution {
  id: number;
  place: { service: string; map: string };
  /** Batch Execute, or Execute of one server. */
  batch: boolean;
  progress: BatchProgress;
  /** The build runs that its agents began, by build, as their events say. */
  runs: Readonly<Record<string, { agent: string; id: string; run: BuildRun | undefined }>>;
  /** The tags that were chosen for it, by row: taken back when they are deployed. */
  chosen: readonly { server: string; row: string; tag: string }[];
  /** Servers and builds whose end was noticed. */
  told: readonly string[];
}

export function beginExecution(
  id: number,
  place: Execution['place'],
  batch: boolean,
  plans: readonly ServerPlan[],
  builds: Pipeline['builds'],
): Execution {
  return {
    id,
    place,
    batch,
    progress: beginBatch(plans, builds),
    runs: {},
    chosen: plans.flatMap(({ server, armed }) =>
      armed.flatMap(({ container, choice }) => {
        const tag = tagOf(choice);
        return tag === undefined ? [] : [{ server, row: taskKey(server, container), tag }];
      }),
    ),
    told: [],
  };
}

export function tagOf(choice: Choice | undefined): string | undefined {
  return choice?.mode === 'image-tag' || choice?.mode === 'designated' ? choice.tag : undefined;
}

/** What is to be done for it now; done once, for it counts as sent from here on. */
export function advance(execution: Execution): { execution: Execution; actions: readonly BatchAction[] } {
  const actions = nextActions(execution.progress);
  const progress = actions.reduce(
    (so, action) =>
      reduceBatch(
        so,
        action.type === 'run-build'
          ? { type: 'build-sent', build: action.build }
          : { type: 'deploy-sent', server: action.server },
      ),
    execution.progress,
  );
  return { execution: actions.length === 0 ? execution : { ...execution, progress }, actions };
}

export function buildAnswered(
  execution: Execution,
  build: string,
  answer: { agent: string; id: string } | { failure: CallOutcome },
): Execution {
  if ('failure' in answer) {
    const event = { type: 'build-refused', build, failure: answer.failure } as const;
    return { ...execution, progress: reduceBatch(execution.progress, event) };
  }
  return { ...execution, runs: { ...execution.runs, [build]: { ...answer, run: undefined } } };
}

export function buildEventsCame(execution: Execution, id: string, events: readonly BuildEvent[]): Execution {
  const found = Object.entries(execution.runs).find(([, known]) => known.id === id);
  if (found === undefined) return execution;
  const [build, known] = found;
  const run = events.reduce<BuildRun | undefined>(reduceBuildRun, known.run);
  if (run === undefined || run === known.run) return execution;
  return {
    ...execution,
    runs: { ...execution.runs, [build]: { ...known, run } },
    progress: reduceBatch(execution.progress, { type: 'build-run', build, run }),
  };
}

/** A run that can't be watched any more is one of which nobody knows whether it makes an image. */
export function buildLost(execution: Execution, id: string, message: string): Execution {
  const found = Object.entries(execution.runs).find(([, known]) => known.id === id);
  if (found === undefined) return execution;
  const failure = { code: 'internal', message };
  return {
    ...execution,
    progress: reduceBatch(execution.progress, { type: 'build-refused', build: found[0], failure }),
  };
}

export function deployAnswered(
  execution: Execution,
  server: string,
  answer: { jobId: string } | { failure: CallOutcome },
): Execution {
  const progress = reduceBatch(
    execution.progress,
    'jobId' in answer
      ? { type: 'deploy-begun', server, jobId: answer.jobId }
      : { type: 'deploy-refused', server, failure: answer.failure },
  );
  return { ...execution, progress };
}

/** What the agents' watches say by now of its jobs. */
export function syncExecution(execution: Execution, world: World): Execution {
  let { progress } = execution;
  for (const { plan, jobId, job } of progress.servers) {
    const seen = jobId === undefined ? undefined : world.fleet.agents[plan.agent]?.jobs[jobId];
    if (seen === undefined || seen === job || seen.lastSeq < (job?.lastSeq ?? 0)) continue;
    progress = reduceBatch(progress, { type: 'job', server: plan.server, job: seen });
  }
  return progress === execution.progress ? execution : { ...execution, progress };
}

/** Its build runs that have to be watched for it to go on. */
export function watchedRuns({ runs }: Execution): { agent: string; id: string }[] {
  return Object.values(runs).flatMap(({ agent, id, run }) =>
    run !== undefined && isRunEnded(run.state) ? [] : [{ agent, id }],
  );
}

/** A server that was asked for, and has no job yet. */
export interface SentServer {
  server: string;
  /** The builds that it waits for. */
  builds: readonly string[];
}

export function sentServers({ progress }: Execution): SentServer[] {
  return progress.servers.flatMap(({ plan, state, waitsFor }) =>
    state === 'WAIT' || state === 'READY' || state === 'SENT'
      ? [{ server: plan.server, builds: state === 'WAIT' ? waitsFor : [] }]
      : [],
  );
}

/** The servers that nobody would deploy if the dashboard were left now: their builds go on, and that is all. */
export function waitingServers({ progress }: Execution): string[] {
  return progress.servers.flatMap(({ plan, state }) =>
    state === 'WAIT' || state === 'READY' ? [plan.server] : [],
  );
}

export function isOver({ progress }: Execution): boolean {
  return isBatchOver(progress);
}

export interface Ending {
  /** For `told`. */
  key: string;
  good: boolean;
  text: string;
  /** Of a job. */
  agent?: string;
  jobId?: string;
  /** Rows whose choice is deployed now. */
  deployed: Execution['chosen'];
}

/** What has ended of it, and is not told yet. */
export function newEndings({ progress, told, chosen }: Execution): Ending[] {
  const builds = progress.builds.flatMap(({ build, state, failure }): Ending[] =>
    state === 'FAILED' && failure !== undefined
      ? [
          {
            key: `build:${build}`,
            good: false,
            text: `${failure.message} Nothing was deployed: what runs keeps running.`,
            deployed: [],
          },
        ]
      : [],
  );
  const servers = progress.servers.flatMap(({ plan, state, job, failures, waitsFor }): Ending[] => {
    const key = `server:${plan.server}`;
    if (state === 'REFUSED') {
      // What a build did is said once, by the build.
      const byBuild = progress.builds.some((one) => one.state === 'FAILED' && waitsFor.includes(one.build));
      const text = byBuild ? undefined : failures[0]?.message;
      return text === undefined ? [] : [{ key, good: false, text, deployed: [] }];
    }
    if (job === undefined || !isEnded(job.state)) return [];
    const good = job.state === 'DONE';
    return [
      {
        key,
        good,
        text: `${job.server}: ${job.state}`,
        agent: plan.agent,
        jobId: job.id,
        deployed: good ? chosen.filter(({ server }) => server === plan.server) : [],
      },
    ];
  });
  return [...builds, ...servers].filter(({ key }) => !told.includes(key));
}
