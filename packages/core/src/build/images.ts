import type { BuildRun } from './build-run.ts';
import { isRunEnded } from './reduce-build-run.ts';

/** An image that a build made, for pickers and for what Latest resolves to. */
export interface BuiltImage {
  tag: string;
  number: number;
  runId: string;
  imageId: string;
  /** When its run was done. */
  createdAt: string;
  /** Bytes on the engine. */
  size?: number;
  note?: string;
  /** All its digits, and the first line of its message. */
  commit?: { commit: string; subject: string };
  /** The registry's; absent where it was not pushed. */
  digest?: string;
}

/**
 * The images that a build's runs made and that can be deployed still, newest first. Only of runs that succeeded: an image
 * whose push failed is on one engine and nowhere else. One that was pruned from the agent is there as long as a registry
 * has it.
 */
export function imagesOf(runs: Iterable<BuildRun>): BuiltImage[] {
  return [...runs].flatMap((run) => imageOf(run) ?? []).sort((a, b) => b.number - a.number);
}

/** What Latest resolves to: the newest image whose build run succeeded; undefined where none has. */
export function latestOf(runs: Iterable<BuildRun>): BuiltImage | undefined {
  return imagesOf(runs)[0];
}

function imageOf(run: BuildRun): BuiltImage | undefined {
  const { imageId, pushed, commit } = run;
  if (run.state !== 'DONE' || imageId === undefined) return undefined;
  if (run.imageRemoved === true && pushed === undefined) return undefined;
  return {
    tag: run.tag,
    number: run.number,
    runId: run.id,
    imageId,
    createdAt: run.endedAt ?? run.queuedAt,
    ...(run.size !== undefined && { size: run.size }),
    ...(run.note !== undefined && { note: run.note }),
    ...(commit !== undefined && { commit: { commit: commit.commit, subject: commit.subject } }),
    ...(pushed !== undefined && { digest: pushed.digest }),
  };
}

/** The run with the highest number: what the build stage of the table shows. */
export function lastRunOf(runs: Iterable<BuildRun>): BuildRun | undefined {
  let last: BuildRun | undefined;
  for (const run of runs) if (last === undefined || run.number > last.number) last = run;
  return last;
}

/** The run that is not over: the one that runs, else the one that waits longest. */
export function activeRunOf(runs: Iterable<BuildRun>): BuildRun | undefined {
  const active = [...runs]
    .filter(({ state }) => !isRunEnded(state))
    .sort((a, b) => Number(b.state === 'RUNNING') - Number(a.state === 'RUNNING') || a.number - b.number);
  return active[0];
}

/** The state of a run for the table, with the step that it is at: `RUNNING 2/4`, `ERROR 3/4`, `DONE`. */
export function runStateWords(run: Pick<BuildRun, 'state' | 'steps'>): string {
  if (run.state === 'DONE' || run.state === 'QUEUED') return run.state;
  const begun = run.steps.filter(({ state }) => state !== 'WAIT').length;
  return begun === 0 ? run.state : `${run.state} ${begun}/${run.steps.length}`;
}

/** How many ended runs of a build the watch has. */
export const RECENT_RUNS = 20;

/**
 * The runs of one build that the watch has: all that are not over, the last `RECENT_RUNS` that are, and the one that
 * Latest resolves to, however long ago. Newest first. The whole history is for `buildRuns`.
 */
export function recentRuns(runs: Iterable<BuildRun>): BuildRun[] {
  const sorted = [...runs].sort((a, b) => b.number - a.number);
  const latest = latestOf(sorted)?.runId;
  let ended = 0;
  return sorted.filter((run) => !isRunEnded(run.state) || ended++ < RECENT_RUNS || run.id === latest);
}
