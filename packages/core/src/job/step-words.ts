import type { StepKind } from './event.ts';
import type { JobStep } from './job.ts';

/** What a step does, in the words of the screen and of the command line. */
export const STEP_WORDS: Readonly<Record<StepKind, string>> = {
  'await-build': 'wait for the build',
  resolve: 'look up the tag',
  pull: 'pull the image',
  inspect: 'inspect the old container',
  create: 'create the new container',
  'hold-restart': 'hold the restart policy',
  'stop-old': 'stop the old container',
  'start-new': 'start the new container',
  gate: 'check the new container',
  'take-over': 'take over the aliases',
  rename: 'swap the names',
  drain: 'drain the old container',
  commit: 'commit',
  restore: 'restore the old container',
  cleanup: 'clean up',
};

/** A step with what it is done to: `pull the image of gateway`, `commit web`. */
export function stepName(kind: StepKind, container: string): string {
  const words = STEP_WORDS[kind];
  return kind === 'commit' || kind === 'cleanup' ? `${words} ${container}` : `${words} of ${container}`;
}

/** How far a step is that counts no bytes: `2/4 CREATE IMAGE`, of a build that it waits for. */
function countedProgress({ kind, progress }: Pick<JobStep, 'kind' | 'progress'>): string | undefined {
  if (kind !== 'await-build' || progress?.total === undefined) return undefined;
  const { current, total, detail } = progress;
  return [...(current > 0 ? [`${current}/${total}`] : []), ...(detail === undefined ? [] : [detail])].join(
    ' ',
  );
}

/** What a step that runs waits for and how that stands, where there is more to say than its kind; else undefined. */
export function stepWaitsFor({ kind, state, detail, progress }: JobStep): string | undefined {
  if (state !== 'RUNNING') return undefined;
  const standing = kind === 'gate' ? progress?.detail : countedProgress({ kind, progress });
  return [detail, standing].filter((words) => words !== undefined).join('; ') || undefined;
}
