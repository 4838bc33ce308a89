import type { ServerLog } from './agent-server.ts';

const EVERY_MS = 10_000;
const AT_ONCE = 10;

/**
 * For what anybody can cause as often as they like: said ten times in ten seconds at most, so that it does not fill the
 * disk. How many were not said is told with the next, as `unsaid`.
 */
export function sparingly(log: Pick<ServerLog, 'warn'>, now: () => number = Date.now): ServerLog['warn'] {
  let since = Number.NEGATIVE_INFINITY;
  let said = 0;
  let unsaid = 0;
  return (fields, message) => {
    if (now() - since >= EVERY_MS) {
      since = now();
      said = 0;
    }
    if (said >= AT_ONCE) {
      unsaid += 1;
      return;
    }
    said += 1;
    log.warn(unsaid > 0 ? { ...fields, unsaid } : fields, message);
    unsaid = 0;
  };
}
