import type { JobWriter } from './job-record.ts';
import type { Step } from './steps.ts';

/** A check that asks every 100 ms is told of less often than it asks. */
const INTERVAL_MS = 200;

/**
 * Tells how a check stands as the progress of its step: what is new, at most five times a second. Given how it stands
 * after every try, so that what was held back comes with the next.
 */
export function tellStanding(
  write: JobWriter,
  step: Step,
  now: () => number = () => performance.now(),
): (standing: { tries: number; words: string }) => void {
  let toldAt = Number.NEGATIVE_INFINITY;
  let told: string | undefined;
  return ({ tries, words }) => {
    if (words === told || now() - toldAt < INTERVAL_MS) return;
    told = words;
    toldAt = now();
    write.emit({ type: 'step-progress', step: step.id, current: tries, detail: words });
  };
}
