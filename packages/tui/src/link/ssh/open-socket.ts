import { err, ok, type Result } from '@towline/core/result';
import type { Client, ClientChannel } from 'ssh2';
import type { SshAddress } from '../agent-url.ts';
import {
  type FoundSocket,
  readSocketAnswer,
  SYSTEM_SOCKET,
  socketFailure,
  socketQuestion,
} from './agent-socket.ts';
import type { HopConnection } from './hop-connection.ts';

/** An answer to a question is a few lines. */
const MAX_ANSWER = 64 * 1024;
const PATIENCE_MS = 10_000;

/** A channel, and the socket that it leads to where the address does not say it. */
export interface OpenSocket {
  channel: ClientChannel;
  foundAt?: string;
}

/**
 * A channel to an agent's socket of a machine. Where its address has no path it is the one of an agent that systemd runs, else that of one
 * which this user started. `name` and `user` are the hop's, for people.
 */
export async function openAgentSocket(
  { client, onEnd }: HopConnection,
  address: SshAddress,
  { name, user }: { name: string; user: string },
): Promise<Result<OpenSocket>> {
  const { path } = address;
  const first = path ?? SYSTEM_SOCKET;
  const work = async (): Promise<Result<OpenSocket>> => {
    const channel = await openSocket(client, first);
    if (channel !== undefined) return ok(path === undefined ? { channel, foundAt: first } : { channel });
    // sshd says nothing but that it did not open it.
    const found = await askForSockets(client, first, path === undefined);
    const own = found.find((each) => each.path !== first && each.state === 'listens');
    if (own !== undefined) {
      const other = await openSocket(client, own.path);
      if (other !== undefined) return ok({ channel: other, foundAt: own.path });
    }
    return err({ code: 'agent-unreachable', message: socketFailure({ name, user, address }, first, found) });
  };
  const cut = Promise.withResolvers<Result<OpenSocket>>();
  const off = onEnd((message) => cut.resolve(err({ code: 'agent-unreachable', message })));
  try {
    return await Promise.race([work(), cut.promise]);
  } finally {
    off();
  }
}

function openSocket(client: Client, path: string): Promise<ClientChannel | undefined> {
  return new Promise((resolve) => {
    try {
      client.openssh_forwardOutStreamLocal(path, (error, channel) => resolve(error ? undefined : channel));
    } catch {
      // The connection ended: that is told by its end.
      resolve(undefined);
    }
  });
}

/** Empty where the machine gives no shell, or none that answers. */
function askForSockets(client: Client, path: string, ownToo: boolean): Promise<FoundSocket[]> {
  return new Promise((resolve) => {
    let text = '';
    const patience = setTimeout(() => resolve([]), PATIENCE_MS);
    const finish = (found: FoundSocket[]) => {
      clearTimeout(patience);
      resolve(found);
    };
    try {
      client.exec(socketQuestion([path], { ownToo }), (error, channel) => {
        if (error) {
          finish([]);
          return;
        }
        channel.on('data', (data: Buffer) => {
          if (text.length < MAX_ANSWER) text += data.toString('utf8');
        });
        channel.stderr.resume();
        channel.on('close', () => finish(readSocketAnswer(text)));
        channel.end();
      });
    } catch {
      finish([]);
    }
  });
}
