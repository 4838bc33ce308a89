import { err, ok, type Result } from '@towline/core/result';
import type { SshAddress } from '../agent-url.ts';
import { WayBroken } from '../transport.ts';
import { hopName } from './hop-name.ts';
import type { AskPassphrase } from './key-ring.ts';
import { createMachines, type Lease } from './machines.ts';
import { openAgentSocket } from './open-socket.ts';
import { readWorld } from './read-world.ts';
import { type RemoteShell, remoteShell } from './remote-shell.ts';
import { sshRoute } from './route.ts';
import { WayStream } from './way-stream.ts';

export type { AskPassphrase } from './key-ring.ts';
export type { RemoteShell } from './remote-shell.ts';

/** The ways over SSH, with the connections that they share. */
export interface SshWays {
  /** Errors: `agent-unreachable` and those of the configuration, each with the hop that failed. */
  open(address: SshAddress, signal: AbortSignal): Promise<Result<WayStream>>;
  /** A shell of the machine, over the connection that the agents there are reached by. Errors: as `open`. */
  shell(address: SshAddress, signal: AbortSignal): Promise<Result<RemoteShell>>;
  /** From the next try on, passphrases are asked for again that were not given, or were wrong. */
  askAgain(): void;
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
  const reach = async (address: SshAddress, signal: AbortSignal) => {
    // Read again for each try: what is wrong with it may have been put right meanwhile.
    const route = sshRoute(address, readWorld(env));
    if (!route.ok) return route;
    const { hops } = route.value;
    const lease = await orAborted(machines.connect(hops), signal);
    const user = hops.at(-1)?.user ?? '';
    return lease.ok ? ok({ ...lease.value, name: hopName(hops), user }) : lease;
  };
  return {
    async open(address, signal) {
      const reached = await reach(address, signal);
      if (!reached.ok) return reached;
      const { connection, release, name, user } = reached.value;
      const opened = await openAgentSocket(connection, address, { name, user });
      if (!opened.ok) {
        release();
        return opened;
      }
      const stream = new WayStream(opened.value.channel, opened.value.foundAt);
      const off = connection.onEnd((reason) => stream.destroy(new WayBroken(reason)));
      stream.once('close', () => {
        off();
        release();
      });
      // Its user hears of it by its close.
      stream.on('error', () => {});
      return ok(stream);
    },
    async shell(address, signal) {
      const reached = await reach(address, signal);
      return reached.ok ? ok(remoteShell(reached.value)) : reached;
    },
    askAgain: () => machines.askAgain(),
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
