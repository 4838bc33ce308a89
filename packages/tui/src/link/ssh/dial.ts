import { connect, type Socket } from 'node:net';
import { err, ok, type Result } from '@towline/core/result';
import { EVERY_ADDRESS } from '../every-address.ts';
import type { Hop } from './route.ts';
import { dialFailure } from './ssh-failure.ts';

/** How long a machine may take to take a connection, where the configuration does not say (`ConnectTimeout`). */
export const CONNECT_MS = 15_000;

/** A TCP connection to a machine. `name` is for people. */
export function dial(hop: Hop, name: string, signal: AbortSignal): Promise<Result<Socket>> {
  const { host, port, connectTimeoutMs = CONNECT_MS } = hop;
  return new Promise((resolve) => {
    const socket = connect({ host, port, noDelay: true, signal, ...EVERY_ADDRESS });
    const fail = (code: string) => {
      socket.destroy();
      resolve(err({ code: 'agent-unreachable', message: dialFailure(name, hop, code) }));
    };
    const patience = setTimeout(() => fail('ETIMEDOUT'), connectTimeoutMs);
    socket.once('error', (error) => {
      clearTimeout(patience);
      fail('code' in error ? String(error.code) : error.message);
    });
    socket.once('connect', () => {
      clearTimeout(patience);
      socket.removeAllListeners('error');
      // What breaks from here on its user hears of; before that nobody listens.
      socket.on('error', () => {});
      resolve(ok(socket));
    });
  });
}
