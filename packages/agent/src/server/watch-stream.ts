import type { BuildRun } from '@towline/core/build';
import type { Job } from '@towline/core/job';
import type { WatchEvent } from '@towline/core/protocol';
import type { BuildService } from '../builds/index.ts';
import type { EngineWatch } from '../engine/index.ts';
import type { JobService } from '../jobs/index.ts';

/** Looked through for each server's last job: as long as the history is. */
const HISTORY = 1_000;

/**
 * What a dashboard watches: the engine's containers, the agent's jobs and its build runs as one stream, until `signal`. Of what changed
 * several times while the reader was busy, only the latest state is told.
 */
export async function* watchStream(
  engine: EngineWatch,
  jobs: JobService,
  builds: Pick<BuildService, 'recent' | 'onRun'>,
  signal: AbortSignal,
): AsyncGenerator<WatchEvent> {
  const changed = new Map<string, Job>();
  const changedRuns = new Map<string, BuildRun>();
  let wake = Promise.withResolvers<void>();
  const wakeUp = () => wake.resolve();
  const stopListening = jobs.onJob((job) => {
    changed.set(job.id, job);
    wakeUp();
  });
  const stopListeningToRuns = builds.onRun((run) => {
    changedRuns.set(run.id, run);
    wakeUp();
  });
  const containers = engine.subscribe(wakeUp);
  signal.addEventListener('abort', wakeUp, { once: true });
  // There may be no snapshot for long; the jobs and runs are known all the same.
  let jobsTold = false;
  try {
    while (!signal.aborted) {
      for (const event of containers.take()) {
        if (event.type === 'snapshot') {
          jobsTold = true;
          const told = { jobs: currentJobs(jobs.list(HISTORY)), degraded: jobs.degraded() };
          yield { ...event, ...told, builds: builds.recent() };
          continue;
        }
        if (event.type === 'engine-lost' && !jobsTold) {
          jobsTold = true;
          for (const job of currentJobs(jobs.list(HISTORY))) yield { type: 'job', job };
          for (const run of builds.recent()) yield { type: 'build-run', run };
        }
        yield event;
      }
      const latest = [...changed.values()];
      changed.clear();
      for (const job of latest) yield { type: 'job', job };
      const latestRuns = [...changedRuns.values()];
      changedRuns.clear();
      for (const run of latestRuns) yield { type: 'build-run', run };
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
  } finally {
    stopListening();
    stopListeningToRuns();
    containers.close();
    signal.removeEventListener('abort', wakeUp);
  }
}

/** Every job that is not ended, and each server's last ended one; `list` has the newest first. */
function currentJobs(list: readonly Job[]): Job[] {
  const told = new Set<string>();
  return list.filter((job) => {
    if (job.endedAt === undefined) return true;
    const server = `${job.service}/${job.map}/${job.server}`;
    if (told.has(server)) return false;
    told.add(server);
    return true;
  });
}
