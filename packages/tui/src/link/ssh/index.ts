import { err, ok, type Result } from '@towline/core/result';
import type { SshAddress } from '../agent-url.ts';
import { WayBroken } from '../transport.ts';
import { hopName } from './hop-name.ts';
import type { AskPassphrase } from './key-ring.ts';
import { createMachines, type Lease } from './machines.ts';
import { openAgentSocket } from './open-socket.ts';
import { readWorld } from './read-world.ts';
import { sshRoute } from './route.ts';
import { WayStream } from './way-stream.ts';

export type { AskPassphrase } from './key-ring.ts';

/** The ways over SSH, with the connections that they share. */
export interface SshWays {
  /** Errors: `agent-unreachable` and those of the configuration, each with the hop that failed. */
  open(address: SshAddress, signal: AbortSignal): Promise<Result<WayStream>>;
  close(): void;
}

export interface SshWaysOptions {
  env: Readonly<Record<string, string | undefined>>;
  ask: AskPassphrase;
  /** How often a quiet machine is asked whether it is there, in milliseconds; after two that it did not answer it is lost. */
  keepaliveMs?: number;
}

export function createSshWays({ env, ask, keepaliveMs }: SshWaysOptions): SshWays {
  const machines = createMachines({
    ask,
    uid: readWorld(env).uid,
    ...(keepaliveMs !== undefined && { keepaliveMs }),
  });
  return {
    async open(address, signal) {
      // Read again for each try: what is wrong with it may have been put right meanwhile.
      const route = sshRoute(address, readWorld(env));
      if (!route.ok) return route;
      const { hops } = route.value;
      const user = hops.at(-1)?.user ?? '';
      const lease = await orAborted(machines.connect(hops), signal);
      if (!lease.ok) return lease;
      const { connection, release } = lease.value;
      const channel = await openAgentSocket(connection, address.path, { name: hopName(hops), user });
      if (!channel.ok) {
        release();
        return channel;
      }
      const stream = new WayStream(channel.value);
      const off = connection.onEnd((reason) => stream.destroy(new WayBroken(reason)));
      stream.once('close', () => {
        off();
        release();
      });
      // Its user hears of it by its close.
      stream.on('error', () => {});
      return ok(stream);
    },
    close: () => machines.close(),
  };
}

/** Others may wait for the same connection: it is not theirs to give up. */
async function orAborted(opening: Promise<Result<Lease>>, signal: AbortSignal): Promise<Result<Lease>> {
  const aborted = Promise.withResolvers<Result<Lease>>();
  const onAbort = () => aborted.resolve(err({ code: 'agent-unreachable', message: 'The link was closed.' }));
  if (signal.aborted) onAbort();
  signal.addEventListener('abort', onAbort, { once: true });
  const first = await Promise.race([opening, aborted.promise]);
  signal.removeEventListener('abort', onAbort);
  if (signal.aborted) void opening.then((late) => late.ok && late.value.release());
  return first;
}
