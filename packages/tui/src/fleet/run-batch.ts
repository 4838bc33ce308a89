import { randomUUID } from 'node:crypto';
import type { BuildEvent, BuildRun } from '@towline/core/build';
import type { Job, JobEvent } from '@towline/core/job';
import type { MapDefinition } from '@towline/core/map';
import {
  type BatchAction,
  type BatchEvent,
  type BatchProgress,
  beginBatch,
  nextActions,
  type Pipeline,
  reduceBatch,
  type ServerPlan,
  toExecuteInput,
} from '@towline/core/plan';
import type { CallFailure } from '../link/index.ts';
import type { Fleet } from './fleet.ts';
import { followBuildRun, followJob } from './follow-to-end.ts';

export interface BatchOptions {
  service: string;
  map: MapDefinition;
  /** The pipeline's. */
  builds: Pipeline['builds'];
  plans: readonly ServerPlan[];
  /** Whether they are of what `planRollback` chose. */
  rollback?: boolean;
  /** Whether containers that their engine deletes when they stop may be exchanged. */
  allowAutoRemove?: boolean;
  /** Begins the jobs, and does not wait for their ends. What a job can't wait for by itself is waited for all the same. */
  detach?: boolean;
  /** How long an agent may be away, in milliseconds; as `followJob` has it. */
  patienceMs?: number;
  /** Aborted to turn away: what runs goes on, and what was not begun is not. */
  signal: AbortSignal;
  /** After each change. */
  onProgress?(batch: BatchProgress): void;
  onJobEvent?(job: Job, event: JobEvent, agent: string): void;
  onBuildEvent?(run: BuildRun, event: BuildEvent, agent: string): void;
  /** Of what, and how its agent's link stands: it is away, or back. */
  onLink?(what: string, said: string): void;
}

export interface BatchEnd {
  batch: BatchProgress;
  /** Builds and servers, by name, whose end is not known because their agent was lost. */
  lost: ReadonlyMap<string, CallFailure>;
}

/**
 * Carries a batch out: runs the builds that its tasks share, and begins each server's job as soon as its agent can take it.
 * What is next is `nextActions`' to say; this only does it, and tells what came of it. The dashboard's Execute is this as
 * well as the command line's.
 */
export async function runBatch(fleet: Fleet, options: BatchOptions): Promise<BatchEnd> {
  const { service, map, builds, plans, rollback = false, allowAutoRemove = false } = options;
  const { detach = false, patienceMs, signal } = options;
  const patience = patienceMs === undefined ? {} : { patienceMs };
  const lost = new Map<string, CallFailure>();
  let batch = beginBatch(plans, builds);
  const tell = (event: BatchEvent) => {
    batch = reduceBatch(batch, event);
    options.onProgress?.(batch);
  };

  const build = async ({ build: name, agent }: Extract<BatchAction, { type: 'run-build' }>) => {
    const definition = builds[name]?.definition;
    if (definition === undefined) throw new Error(`the batch has a build ${name} that its pipeline has not`);
    const { operator } = fleet;
    const begun = await fleet.runBuild(agent, { key: randomUUID(), service, definition, operator });
    if (!begun.ok) return tell({ type: 'build-refused', build: name, failure: begun.error });
    const { runId: id, tag } = begun.value;
    tell({ type: 'build-begun', build: name, begun: { id, tag } });
    const carried = batch.servers.some(({ carries }) => carries.includes(name));
    // Jobs that wait for it by themselves are begun now.
    await Promise.all([goOn(), detach && !carried ? ask(name, agent, id) : follow(name, agent, id, tag)]);
  };

  const ask = async (name: string, agent: string, id: string) => {
    const run = await fleet.buildRun(agent, id);
    if (run.ok) tell({ type: 'build-run', build: name, run: run.value });
  };

  const follow = async (name: string, agent: string, id: string, tag: string) => {
    const followed = await followBuildRun(
      fleet,
      agent,
      { id, build: name, tag },
      {
        signal,
        ...patience,
        onLink: (said) => options.onLink?.(name, said),
        onEvent(run, event) {
          tell({ type: 'build-run', build: name, run });
          options.onBuildEvent?.(run, event, agent);
        },
      },
    );
    if (followed.kind === 'lost') {
      lost.set(name, followed.failure);
      tell({ type: 'build-refused', build: name, failure: followed.failure });
    } else if (followed.last === undefined) {
      // Left before its first event: it was begun all the same.
      await ask(name, agent, id);
    }
  };

  const deploy = async ({ server, agent, plan }: Extract<BatchAction, { type: 'deploy' }>) => {
    const definition = map.servers.find(({ name }) => name === server);
    if (definition === undefined) throw new Error(`the batch has a server ${server} that its map has not`);
    const origin = { service, map: map.name, builds, rollback, allowAutoRemove };
    const from = { ...origin, key: randomUUID(), operator: fleet.operator };
    const begun = await fleet.execute(agent, toExecuteInput(plan, definition, from));
    if (!begun.ok) return tell({ type: 'deploy-refused', server, failure: begun.error });
    const { jobId } = begun.value;
    tell({ type: 'deploy-begun', server, jobId });
    if (detach) {
      const job = await fleet.job(agent, jobId);
      if (job.ok) tell({ type: 'job', server, job: job.value });
      return;
    }
    const followed = await followJob(fleet, agent, jobId, {
      signal,
      ...patience,
      onLink: (said) => options.onLink?.(server, said),
      onEvent(job, event) {
        tell({ type: 'job', server, job });
        options.onJobEvent?.(job, event, agent);
      },
    });
    if (followed.kind === 'lost') lost.set(server, followed.failure);
  };

  const goOn = async (): Promise<void> => {
    if (signal.aborted) return;
    await Promise.all(
      nextActions(batch).map(async (action) => {
        if (action.type === 'run-build') {
          tell({ type: 'build-sent', build: action.build });
          await build(action);
        } else {
          tell({ type: 'deploy-sent', server: action.server });
          await deploy(action);
        }
        await goOn();
      }),
    );
  };
  const stop = () => tell({ type: 'stopped' });
  signal.addEventListener('abort', stop, { once: true });
  try {
    await goOn();
    return { batch, lost };
  } finally {
    signal.removeEventListener('abort', stop);
  }
}
