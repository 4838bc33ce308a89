/** How long to wait between tries, in milliseconds. */
export interface Backoff {
  firstMs: number;
  capMs: number;
}

/** A socket of this machine costs nothing to try: an agent that was restarted should be seen soon. */
export const LOCAL_BACKOFF: Backoff = { firstMs: 100, capMs: 2_000 };

/** Other machines are many, and a connection costs both ends something: SSH's a key exchange. */
export const REMOTE_BACKOFF: Backoff = { firstMs: 500, capMs: 30_000 };

/**
 * The wait before try `attempt` (from 0): doubled each time up to the cap, and then between half and all of that, so
 * that many dashboards do not come back in step. `random` is from 0 up to 1.
 */
export function retryDelay(attempt: number, random: number, { firstMs, capMs }: Backoff): number {
  const full = Math.min(firstMs * 2 ** Math.min(attempt, 30), capMs);
  return full / 2 + (full / 2) * random;
}

/** A connection that held this long was a good one. */
const STEADY_MS = 5_000;
/** The longest wait after one that held less: who was let in is there, and is not left out of sight for long. */
const BRIEF_WAIT_MS = 2_000;

/**
 * Which try it is that follows on a connection that held for `heldMs`, where try `attempt` had made it. One that breaks as soon as
 * it is made is no reason to begin again from the shortest wait; a line that comes and goes is none to wait as long as for a
 * machine that is down.
 */
export function attemptAfter(attempt: number, heldMs: number, { firstMs }: Backoff): number {
  if (heldMs >= STEADY_MS) return 0;
  return Math.min(attempt, Math.max(0, Math.floor(Math.log2(BRIEF_WAIT_MS / firstMs))));
}
