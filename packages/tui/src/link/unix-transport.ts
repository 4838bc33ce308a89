import { connect, type Socket } from 'node:net';
import { err, ok, type Result } from '@towline/core/result';
import type { UnixAddress } from './agent-url.ts';
import { LOCAL_BACKOFF } from './backoff.ts';
import { connectFailure } from './connect-failure.ts';
import type { Transport } from './transport.ts';

/** The way to an agent of this machine. */
export function unixTransport({ path }: UnixAddress): Transport {
  return {
    name: path,
    backoff: LOCAL_BACKOFF,
    open: (signal) =>
      new Promise<Result<Socket>>((resolve) => {
        // Connected to by its path: the url form `ws+unix:` has no way to write one with a colon in it.
        const socket = connect({ path, signal });
        const failed = (error: Error) =>
          resolve(err({ code: 'agent-unreachable', message: connectFailure(path, error) }));
        socket.once('error', failed);
        socket.once('connect', () => {
          // The signal ends it by an error, also before its user listens to one.
          socket.on('error', () => {});
          resolve(ok(socket));
        });
      }),
  };
}
