import type { Duplex } from 'node:stream';
import { err, ok, type Result } from '@towline/core/result';
import { CONNECT_MS, dial } from './dial.ts';
import { connectHop, type HopConnection } from './hop-connection.ts';
import { hopName } from './hop-name.ts';
import { type AskPassphrase, createKeyRing } from './key-ring.ts';
import type { Hop } from './route.ts';
import { createSlots, type Slots } from './slots.ts';
import { jumpFailure } from './ssh-failure.ts';
import { WayStream } from './way-stream.ts';

/** A machine's connection in use: it stays for as long as somebody has it. */
export interface Lease {
  connection: HopConnection;
  release(): void;
}

/** One SSH connection per machine, shared by all that goes there or on from there. */
export interface Machines {
  /** Errors: `agent-unreachable`, with the hop that failed. */
  connect(hops: readonly Hop[]): Promise<Result<Lease>>;
  /** From the next try on, passphrases are asked for again that were not given, or were wrong. */
  askAgain(): void;
  /** Ends all connections. */
  close(): void;
}

export interface MachinesOptions {
  ask: AskPassphrase;
  uid: number | undefined;
  /** How long a connection that nobody uses is kept, in milliseconds: an agent that restarts is reached by it again. */
  lingerMs?: number;
  keepaliveMs?: number;
}

/** A sshd drops some of what comes when more than ten are logging in (MaxStartups). */
const AT_ONE_SSHD = 6;
/** Machines that do not answer, each of which is waited for, must not keep those from their turn that do. */
const IN_ALL = 64;
/** A machine that is gone without a word is found out within ten seconds: asked twice, three seconds apart. */
const KEEPALIVE_MS = 3_000;
const LINGER_MS = 5_000;

const UNUSED = 'Nobody used the SSH connection any more.';

interface Entry {
  users: number;
  opened: Promise<Result<HopConnection>>;
  lingering?: NodeJS.Timeout;
}

export function createMachines({
  ask,
  uid,
  lingerMs = LINGER_MS,
  keepaliveMs = KEEPALIVE_MS,
}: MachinesOptions): Machines {
  const closing = new AbortController();
  const keyRing = createKeyRing(ask, closing.signal);
  const inAll = createSlots(IN_ALL);
  const atSshd = new Map<string, Slots>();
  const entries = new Map<string, Entry>();

  /** Once it is its turn at the sshd of the last of these. */
  const inTurn = <T>(hops: readonly Hop[], work: () => Promise<T>): Promise<T> => {
    const key = hops.map(({ host, port }) => `${host}:${port}`).join(' ');
    const slots = atSshd.get(key) ?? createSlots(AT_ONE_SSHD);
    atSshd.set(key, slots);
    return slots.run(() => inAll.run(work));
  };

  const open = async (hops: readonly Hop[]): Promise<Result<HopConnection>> => {
    const hop = hops.at(-1);
    if (hop === undefined) throw new Error('A route has a hop at least.');
    const name = hopName(hops);
    const shake = (stream: Duplex) =>
      connectHop({ hop, name, stream, keyRing, uid, keepaliveMs, signal: closing.signal });
    if (hops.length === 1) {
      return inTurn(hops, async () => {
        const socket = await dial(hop, name, closing.signal);
        return socket.ok ? shake(socket.value) : socket;
      });
    }
    const before = hops.slice(0, -1);
    const gate = await connect(before);
    if (!gate.ok) return gate;
    const { connection, release } = gate.value;
    const found = await inTurn(hops, async () => {
      const stream = await connectOn(connection, before, hop, name);
      return stream.ok ? shake(stream.value) : stream;
    });
    if (!found.ok) {
      release();
      return found;
    }
    // The gate's reason is what is to be told: all that is seen from here is a stream that ended.
    const inner = found.value;
    const off = connection.onEnd(inner.end);
    inner.onEnd(() => {
      off();
      release();
    });
    return found;
  };

  const connect = async (hops: readonly Hop[]): Promise<Result<Lease>> => {
    if (closing.signal.aborted) return err({ code: 'agent-unreachable', message: 'The link was closed.' });
    const key = JSON.stringify(hops);
    let entry = entries.get(key);
    if (entry === undefined) {
      const made: Entry = { users: 0, opened: open(hops) };
      entry = made;
      entries.set(key, made);
      const forget = () => {
        clearTimeout(made.lingering);
        if (entries.get(key) === made) entries.delete(key);
      };
      void made.opened.then((opened) => (opened.ok ? opened.value.onEnd(forget) : forget()));
    }
    const taken = entry;
    clearTimeout(taken.lingering);
    taken.users++;
    const opened = await taken.opened;
    if (!opened.ok) {
      taken.users--;
      return opened;
    }
    let released = false;
    return ok({
      connection: opened.value,
      release() {
        if (released) return;
        released = true;
        // A connection that is no more is nothing to wait for: it would keep a command from its end.
        if (--taken.users > 0 || entries.get(key) !== taken) return;
        taken.lingering = setTimeout(() => opened.value.end(UNUSED), lingerMs);
      },
    });
  };

  return {
    connect,
    askAgain: () => keyRing.askAgain(),
    close() {
      closing.abort();
    },
  };
}

/** A stream from one machine's sshd on to the next machine's. */
async function connectOn(
  gate: HopConnection,
  before: readonly Hop[],
  hop: Hop,
  name: string,
): Promise<Result<Duplex>> {
  const { host, port, connectTimeoutMs = CONNECT_MS } = hop;
  const answer = Promise.withResolvers<Result<Duplex>>();
  let over = false;
  const fail = (said: string, reason?: number) => {
    const message = jumpFailure(name, hopName(before), hop, { reason, said });
    answer.resolve(err({ code: 'agent-unreachable', message }));
  };
  const off = gate.onEnd((message) => answer.resolve(err({ code: 'agent-unreachable', message })));
  // Its sshd waits for as long as its system does: minutes where a firewall drops what comes.
  const patience = setTimeout(() => fail('it does not answer in time'), connectTimeoutMs);
  try {
    gate.client.forwardOut('127.0.0.1', 0, host, port, (error, channel) => {
      if (error !== undefined && error !== null) fail(error.message, reasonOf(error));
      else if (over) channel.close();
      else answer.resolve(ok(new WayStream(channel)));
    });
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error));
  }
  try {
    return await answer.promise;
  } finally {
    over = true;
    clearTimeout(patience);
    off();
  }
}

/** The number by which SSH says why a channel was not opened. */
function reasonOf(error: Error): number | undefined {
  return 'reason' in error && typeof error.reason === 'number' ? error.reason : undefined;
}
