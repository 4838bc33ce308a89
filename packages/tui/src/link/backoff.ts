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
