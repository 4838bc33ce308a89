import type { Job } from './job.ts';
import { isEnded } from './reduce-job.ts';

/**
 * Who cancelled a job, for people; undefined where nobody did, or where it was done all the same. Also of one that failed or could
 * not be restored: whoever finds it so wants to know whom to ask.
 */
export function cancelWords({ state, cancelledBy }: Pick<Job, 'state' | 'cancelledBy'>): string | undefined {
  if (cancelledBy === undefined || state === 'DONE') return undefined;
  return `${isEnded(state) ? 'cancelled' : 'being cancelled'} by ${cancelledBy}`;
}
