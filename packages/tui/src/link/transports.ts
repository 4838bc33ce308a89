import { err, ok, type Result } from '@towline/core/result';
import type { AgentAddress } from './agent-url.ts';
import { REMOTE_BACKOFF } from './backoff.ts';
import type { Transport } from './transport.ts';
import { unixTransport } from './unix-transport.ts';

/** The ways to all agents of a map, with what several of them share. */
export interface Transports {
  /** Errors: as a link tells them. */
  to(address: AgentAddress): Result<Transport>;
}

export function createTransports(): Transports {
  return {
    to(address) {
      switch (address.kind) {
        case 'unix':
          return ok(unixTransport(address));
        case 'ssh':
          return ok({
            name: address.host,
            backoff: REMOTE_BACKOFF,
            open: async () =>
              err({
                code: 'not-available',
                message: `Links over SSH are not available yet, so ${address.host} can't be reached: run towline on the agent's machine and use its socket: unix:///PATH.`,
              }),
          });
      }
    },
  };
}
