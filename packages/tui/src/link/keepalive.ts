import type { Duplex } from 'node:stream';

/**
 * How often a quiet connection is looked at, in milliseconds. One that has been quiet for two looks is asked, and is gone if it
 * has not answered at the next: within ten seconds of the last that was heard of it.
 */
export const KEEPALIVE_MS = 3_000;
/** For so many looks one that is there may be quiet before it is asked. */
const QUIET_LOOKS = 2;

/** What is known of a connection by listening to it. */
export interface HalfOpenWatch {
  /**
   * Until when, in milliseconds since 1970, its other end was there for all that is known: now, unless it has been quiet for longer than
   * one that is there is, as one that ends after this machine slept has.
   */
  thereUntil(): number;
  end(): void;
}

/**
 * Ends a half-open connection: one whose other end is gone without having said so (a machine that lost its power, a
 * stopped process). Anything that arrives on `stream`, which it goes over, counts as a sign of life: a line that is slow
 * brings a part of a message, and the answer long after.
 */
export function watchHalfOpen(
  socket: { isPaused: boolean; ping(): void },
  stream: Duplex,
  onDead: () => void,
  everyMs: number,
): HalfOpenWatch {
  let alive = true;
  let asked = false;
  let heardAt = Date.now();
  const live = () => {
    alive = true;
    asked = false;
  };
  const heard = () => {
    heardAt = Date.now();
    live();
  };
  stream.on('data', heard);
  const timer = setInterval(() => {
    // What is held back here on purpose says nothing about the other end.
    if (socket.isPaused) live();
    if (alive) alive = false;
    else if (!asked) {
      asked = true;
      socket.ping();
    } else {
      clearInterval(timer);
      onDead();
    }
  }, everyMs);
  return {
    thereUntil() {
      const now = Date.now();
      return now - heardAt > QUIET_LOOKS * everyMs ? heardAt : now;
    },
    end() {
      clearInterval(timer);
      stream.off('data', heard);
    },
  };
}
