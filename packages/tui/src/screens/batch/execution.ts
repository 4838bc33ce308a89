import { cancelWords, isEnded } from '@towline/core/job';
import {
  type BatchProgress,
  beginBatch,
  isBatchOver,
  type Pipeline,
  type ServerPlan,
  taskKey,
} from '@towline/core/plan';
import type { Choice } from '@towline/core/rules';

/** One Execute or Batch Execute that was begun here: its builds, and the servers that wait for them. */
export interface Execution {
  id: number;
  place: { service: string; map: string };
  /** Batch Execute, or Execute of one server. */
  batch: boolean;
  /** As whoever carries it out last said. */
  progress: BatchProgress;
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

/** The servers that nobody would deploy if the dashboard were left now: their builds go on, and that is all. Those that wait on their agents have a job. */
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
    if (waitsFor.length > 0 && job.refusal?.code === 'build-failed') return [];
    const good = job.state === 'DONE';
    const by = cancelWords(job);
    return [
      {
        key,
        good,
        text: `${job.server}: ${job.state}${by === undefined ? '' : `, ${by}`}`,
        agent: plan.agent,
        jobId: job.id,
        deployed: good ? chosen.filter(({ server }) => server === plan.server) : [],
      },
    ];
  });
  return [...builds, ...servers].filter(({ key }) => !told.includes(key));
}
