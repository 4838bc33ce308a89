/** Progress is told at most this often; a busy pull reports hundreds of times a second. */
const INTERVAL_MS = 200;

type Tell = (current: number, total: number | undefined, detail: string) => void;

/** Passes on the first report, then at most five a second, and with `flush` the last one that was held back. */
export function paceProgress(
  tell: Tell,
  now: () => number = () => performance.now(),
): { report: Tell; flush: () => void } {
  let toldAt = Number.NEGATIVE_INFINITY;
  let held: Parameters<Tell> | undefined;
  return {
    report(...args) {
      if (now() - toldAt < INTERVAL_MS) {
        held = args;
        return;
      }
      toldAt = now();
      held = undefined;
      tell(...args);
    },
    flush() {
      if (held !== undefined) tell(...held);
      held = undefined;
    },
  };
}
