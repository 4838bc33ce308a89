import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';

/**
 * How often a quiet connection is looked at, in milliseconds. One that has been quiet for two looks is asked, and is gone if it
 * has not answered at the next: within ten seconds of the last that was heard of it.
 */
export const KEEPALIVE_MS = 3_000;

/**
 * Ends a half-open connection: one whose other end is gone without having said so (a machine that lost its power, a
 * stopped process). Anything that arrives on `stream`, which it goes over, counts as a sign of life: a line that is slow
 * brings a part of a message, and the answer long after. Returns what ends the watch.
 */
export function watchHalfOpen(
  socket: WebSocket,
  stream: Duplex,
  onDead: () => void,
  everyMs: number,
): () => void {
  let alive = true;
  let asked = false;
  const heard = () => {
    alive = true;
    asked = false;
  };
  stream.on('data', heard);
  const timer = setInterval(() => {
    // What is held back here on purpose says nothing about the other end.
    if (socket.isPaused) heard();
    if (alive) alive = false;
    else if (!asked) {
      asked = true;
      socket.ping();
    } else {
      clearInterval(timer);
      onDead();
    }
  }, everyMs);
  return () => {
    clearInterval(timer);
    stream.off('data', heard);
  };
}
