import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';
import { fail } from './failure.ts';
import type { Flow } from './flow.ts';

/** As much may wait in the agent for one connection to take it. */
const MAX_BUFFERED_BYTES = 1024 * 1024;

/** A dashboard has one watch, and a stream for each log and job that is open. */
const MAX_STREAMS = 64;

/** A connection, as far as a stream must mind it. */
export interface Outlet {
  client: Pick<WebSocket, 'bufferedAmount'>;
  socket: Socket;
  flow: Flow;
  /** How many streams it has now. */
  streams: number;
}

/**
 * The same stream, held back while the connection has more to send than it may keep, or more is on its way than its line
 * carries: a slow reader slows the source down, and does not fill the agent's memory. What is on its way is looked at after
 * `every` values: where they are small it costs more than they do. Ends with `signal`. Errors: `bad-request` where the connection
 * has too many.
 */
export async function* paced<T>(
  source: AsyncIterable<T>,
  outlet: Outlet,
  signal: AbortSignal,
  every = 1,
): AsyncGenerator<T> {
  if (outlet.streams >= MAX_STREAMS) {
    throw fail({
      code: 'bad-request',
      message: `A connection has at most ${MAX_STREAMS} streams. Close some first.`,
    });
  }
  outlet.streams++;
  let values = 0;
  try {
    for await (const value of source) {
      yield value;
      // What was yielded is sent by now.
      while (
        !signal.aborted &&
        outlet.client.bufferedAmount > MAX_BUFFERED_BYTES &&
        !outlet.socket.destroyed
      ) {
        await drained(outlet.socket, signal);
      }
      if (++values % every === 0) {
        while (!signal.aborted && outlet.flow.full) await outlet.flow.moves(signal);
      }
      if (signal.aborted) return;
    }
  } finally {
    outlet.streams--;
  }
}

/** A socket with more than its mark waiting tells when that is gone: nothing is asked again and again. */
function drained(socket: Socket, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      socket.off('drain', done);
      socket.off('close', done);
      signal.removeEventListener('abort', done);
      resolve();
    };
    socket.on('drain', done);
    socket.on('close', done);
    signal.addEventListener('abort', done, { once: true });
    if (socket.destroyed || signal.aborted || !socket.writableNeedDrain) setImmediate(done);
  });
}
