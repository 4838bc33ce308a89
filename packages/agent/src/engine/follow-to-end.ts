import { type LogLine, LogPlace } from '@towline/core/protocol';

/** Podman leaves no line out of the middle until 250 ms after the end of a container, Docker never. */
const SURE_MS = 200;

export interface FollowedLog {
  /** Names one run of the container; undefined where it does not run. */
  run(): Promise<string | undefined>;
  /** Its lines as it grows, the last ones first. */
  grows(): AsyncIterable<LogLine>;
  /** What is written now: from a second on, of those since 1970, or the last ones where that is undefined. */
  written(since: number | undefined): AsyncIterable<LogLine>;
}

/**
 * The lines of a log up to the end of its container, all of them. Where one is followed whose container has ended, Podman reads on
 * to its end at once and leaves out each line that its reader does not wait for, and Docker at times all that its reader has not
 * taken. So no line is believed that came after the end, and the rest is read when nothing is written any more. Source:
 * `docs/engines.md`.
 */
export async function* followToEnd(log: FollowedLog): AsyncGenerator<LogLine> {
  const place = new LogPlace();
  place.begin();
  let sureAt = performance.now();
  const run = await log.run();
  if (run !== undefined) {
    for await (const line of log.grows()) {
      const now = performance.now();
      if (now - sureAt > SURE_MS) {
        if ((await log.run()) !== run) break;
        sureAt = now;
      }
      place.take(line);
      yield line;
    }
  }
  for await (const line of log.written(place.begin())) if (place.take(line)) yield line;
}
