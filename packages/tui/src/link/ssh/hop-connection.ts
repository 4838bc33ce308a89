import { appendFile, mkdir, readFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Duplex } from 'node:stream';
import { err, ok, type Result } from '@towline/core/result';
import ssh2, { type AnyAuthMethod, type SigningRequestOptions, type Client as SshClient } from 'ssh2';
import { type AgentKey, type KeyAttempt, keyAttempts } from './identities.ts';
import { blobOf, lookAtKeyFile, publicKey } from './key-file.ts';
import type { KeyRing } from './key-ring.ts';
import {
  fingerprintOf,
  KnownHost,
  type KnownHostsFile,
  keyTypeOf,
  knownHostsLine,
  knownHostsName,
  revokedLine,
} from './known-hosts.ts';
import { keysOfAgent, OneKey, signByAgent } from './one-key.ts';
import type { Hop } from './route.ts';
import { shellWord } from './shell-word.ts';
import { authenticationFailure, hostKeyFailure, type TriedKey } from './ssh-failure.ts';

const { Client } = ssh2;

/** So often nothing at all may come; the next time ends the connection. */
const QUIET_TIMES = 2;
/** For the handshake and each answer of sshd; the time that a person is asked for something is not counted. */
const PATIENCE_MS = 20_000;

/** The host key algorithms that ssh2 knows and OpenSSH still offers, by the type of the key. */
const HOST_KEY_ALGORITHMS: Readonly<Record<string, readonly ServerHostKey[]>> = {
  'ssh-ed25519': ['ssh-ed25519'],
  'ecdsa-sha2-nistp256': ['ecdsa-sha2-nistp256'],
  'ecdsa-sha2-nistp384': ['ecdsa-sha2-nistp384'],
  'ecdsa-sha2-nistp521': ['ecdsa-sha2-nistp521'],
  'ssh-rsa': ['rsa-sha2-512', 'rsa-sha2-256'],
};
type ServerHostKey =
  | 'ssh-ed25519'
  | 'ecdsa-sha2-nistp256'
  | 'ecdsa-sha2-nistp384'
  | 'ecdsa-sha2-nistp521'
  | 'rsa-sha2-512'
  | 'rsa-sha2-256';

export interface HopOptions {
  hop: Hop;
  /** For people. */
  name: string;
  /** The connection to its sshd: over the network, or through the hop before. */
  stream: Duplex;
  keyRing: KeyRing;
  uid: number | undefined;
  /** How often a quiet machine is asked whether it is there, in milliseconds. */
  keepaliveMs: number;
  signal: AbortSignal;
}

/** One machine's sshd that took a key of this user. */
export interface HopConnection {
  client: SshClient;
  /**
   * Tells the reason, for people, when it is no more, and at once where it is no more already: before its channels end, whose
   * users would have nothing to say but that. Returns what takes the listener back.
   */
  onEnd(listener: (reason: string) => void): () => void;
  /** Lets go of it, for this reason. */
  end(reason: string): void;
}

/** Shakes hands with an sshd, checks its key, and logs in. The stream is the connection's from then on, also where that fails. */
export async function connectHop(options: HopOptions): Promise<Result<HopConnection>> {
  const { hop, name, stream, keyRing, uid, keepaliveMs, signal } = options;
  const known = await readKnownHosts(hop);
  const knownHost = new KnownHost(known, hop.knownAs);
  const agent = await readAgent(hop.agentSocket);
  const files = await Promise.all(hop.identityFiles.map((path) => lookAtKeyFile(path, uid)));
  const attempts = keyAttempts(files, agent.keys, { identitiesOnly: hop.identitiesOnly });
  const named = files.flatMap((file) =>
    file.state === 'missing' && hop.identityFilesNamed
      ? [
          {
            path: file.path,
            state: 'unusable' as const,
            reason: 'there is no such file (IdentityFile in ~/.ssh/config)',
          },
        ]
      : [file],
  );
  const client = new Client();
  const listeners = new Set<(reason: string) => void>();
  const opened = Promise.withResolvers<Result<HopConnection>>();
  const tried: TriedKey[] = [];
  let failure: string | undefined;
  let ready = false;
  let hostKey: Buffer | undefined;
  let last: string | undefined;

  const fail = (message: string) => {
    if (failure !== undefined) return;
    failure = message;
    clearTimeout(patience);
    clearInterval(quiet);
    signal.removeEventListener('abort', onAbort);
    opened.resolve(err({ code: 'agent-unreachable', message }));
    for (const listener of listeners) listener(message);
    listeners.clear();
    client.end();
    stream.destroy();
  };
  let patience: NodeJS.Timeout | undefined;
  const wait = () => {
    clearTimeout(patience);
    // Keys are changed in the middle of a connection as well: that is nobody's turn.
    if (ready || failure !== undefined) return;
    patience = setTimeout(
      () => fail(`${name}: its sshd does not answer. See whether the machine is up and not too busy.`),
      PATIENCE_MS,
    );
  };
  let quiet: NodeJS.Timeout | undefined;
  const watchQuiet = () => {
    let times = 0;
    stream.on('data', () => {
      times = 0;
    });
    quiet = setInterval(() => {
      if (++times > QUIET_TIMES)
        fail(`${name}: the machine has not answered for some time. It is tried again.`);
    }, keepaliveMs);
  };
  const onAbort = () => fail('The link was closed.');
  signal.addEventListener('abort', onAbort, { once: true });
  const onEnd = (listener: (reason: string) => void) => {
    if (failure === undefined) listeners.add(listener);
    else listener(failure);
    return () => void listeners.delete(listener);
  };

  const left = [...attempts];
  const authenticate = async (accepted: readonly string[] | null, next: (method: AnyAuthMethod) => void) => {
    wait();
    if (accepted === null) {
      // What may be used is told by what an attempt without a key is answered.
      next({ type: 'none', username: hop.user });
      return;
    }
    const attempt = accepted.includes('publickey') ? left.shift() : undefined;
    if (attempt === undefined) {
      fail(
        authenticationFailure(name, hop.user, tried, named, {
          accepted,
          agent: agent.problem,
          hasAgent: hop.agentSocket !== undefined && agent.problem === undefined,
        }),
      );
      return;
    }
    const pause = () => clearTimeout(patience);
    const method = await methodOf(attempt, {
      hop,
      keyRing,
      tried,
      pause,
      wait,
    });
    if (method !== undefined) next(method);
    else await authenticate(accepted, next);
  };

  client.on('ready', () => {
    ready = true;
    clearTimeout(patience);
    watchQuiet();
    opened.resolve(ok({ client, onEnd, end: fail }));
  });
  client.on('error', (error) => {
    // Of one key alone: the next is tried.
    if (
      'level' in error &&
      (error.level === 'agent' || (error.level === 'client-authentication' && left.length > 0))
    ) {
      return;
    }
    last = error.message;
    if (/too many authentication failures/i.test(error.message)) {
      fail(
        `${name}: it was offered too many keys (${tried.map((each) => each.name).join(', ')}). Name the one for it with IdentityFile and IdentitiesOnly yes in ~/.ssh/config.`,
      );
      return;
    }
    if (/no matching/i.test(error.message)) {
      fail(`${name}: its sshd and Towline share no way to talk (${error.message}). Update the sshd there.`);
      return;
    }
    if (!ready && isProtocolError(error)) {
      fail(
        `${name}: what answers there does not speak SSH 2 (${error.message}). Look at the port in the url and in ~/.ssh/config.`,
      );
    }
  });
  client.on('close', () => {
    const reason = last === undefined || ready ? '' : ` (${last})`;
    fail(
      ready
        ? `${name}: the SSH connection was lost. It is tried again.`
        : `${name}: its sshd cut the connection off before anybody was logged in${reason}. Its log says why; it may be too busy (MaxStartups), or no sshd at all.`,
    );
  });

  const offered = [...new Set([...knownHost.keyTypes(), ...Object.keys(HOST_KEY_ALGORITHMS)])];
  try {
    wait();
    client.connect({
      sock: stream,
      username: hop.user,
      // Others than OpenSSH's sshd may know sockets as well: they say so themselves.
      strictVendor: false,
      readyTimeout: 0,
      keepaliveInterval: keepaliveMs,
      // It asks, and counts its own answers alone: behind what a slow line brings they come late.
      keepaliveCountMax: Number.MAX_SAFE_INTEGER,
      algorithms: { serverHostKey: offered.flatMap((type) => HOST_KEY_ALGORITHMS[type] ?? []) },
      hostVerifier: (key: Buffer, verify: (permitted: boolean) => void) => {
        if (hostKey !== undefined) {
          // When keys are changed in the middle, ssh2 does not wait for an answer: one that comes later breaks the connection.
          if (!hostKey.equals(key))
            fail(`${name}: it showed another host key in the middle of the connection.`);
          verify(hostKey.equals(key));
          return;
        }
        wait();
        void judge({ hop, name, known, knownHost }, key).then((refusal) => {
          if (refusal === undefined) hostKey = Buffer.from(key);
          else fail(refusal);
          verify(refusal === undefined);
        });
      },
      authHandler: (accepted, _partial, next) =>
        void authenticate(accepted, next).catch((error: unknown) =>
          fail(`${name}: ${error instanceof Error ? error.message : String(error)}.`),
        ),
    });
  } catch (error) {
    fail(`${name}: ${error instanceof Error ? error.message : String(error)}.`);
  }
  return opened.promise;
}

/** Of what ssh2 could make nothing of: it waits then for the other end to go. What has a code is a socket's, or was said by sshd. */
function isProtocolError(error: Error): boolean {
  const level = 'level' in error ? error.level : 'protocol';
  if (level !== 'protocol' && level !== 'handshake') return false;
  return !('code' in error) && !/^Connection lost/.test(error.message);
}

interface Tools {
  hop: Hop;
  keyRing: KeyRing;
  tried: TriedKey[];
  /** While a person is asked. */
  pause(): void;
  wait(): void;
}

/** How a key is offered; undefined where it can't be. What comes of it is noted in `tried`. */
async function methodOf(attempt: KeyAttempt, tools: Tools): Promise<AnyAuthMethod | undefined> {
  const username = tools.hop.user;
  if (attempt.kind === 'agent') {
    const key = publicKey(attempt.key.blob);
    const socket = tools.hop.agentSocket;
    if (key === undefined || socket === undefined) return undefined;
    const note: TriedKey = {
      name: `${attempt.key.comment || fingerprintOf(Buffer.from(attempt.key.blob, 'base64'))} (SSH agent)`,
      outcome: 'not-accepted',
    };
    tools.tried.push(note);
    const sign = async (data: Buffer, how: SigningRequestOptions) => {
      // A person may have to confirm it.
      note.outcome = 'unsigned';
      tools.pause();
      const signature = await signByAgent(socket, key, data, how).finally(() => tools.wait());
      note.outcome = 'taken';
      return signature;
    };
    return { type: 'agent', username, agent: new OneKey(key, sign) };
  }
  const note: TriedKey = { name: attempt.path, outcome: 'not-accepted' };
  tools.tried.push(note);
  const unlock = async () => {
    tools.pause();
    const key = await tools.keyRing.unlock(attempt.path, attempt.encrypted);
    tools.wait();
    if (typeof key !== 'string') return key;
    note.outcome = key;
    return undefined;
  };
  const sign = async (data: Buffer, how: SigningRequestOptions) => {
    const key = await unlock();
    if (key === undefined) throw new Error('The key was not unlocked');
    const signature = key.sign(data, how);
    note.outcome = 'taken';
    return signature;
  };
  // Without its public part a key has to be unlocked to be offered.
  const blob = attempt.blob ?? (await unlock())?.blob;
  const offered = blob === undefined ? undefined : publicKey(blob);
  return offered && { type: 'agent', username, agent: new OneKey(offered, sign) };
}

async function readAgent(
  socket: string | undefined,
): Promise<{ keys: AgentKey[]; problem: string | undefined }> {
  if (socket === undefined) return { keys: [], problem: undefined };
  const keys = await keysOfAgent(socket);
  if (keys instanceof Error) return { keys: [], problem: `${socket} does not answer` };
  return { keys: keys.map((key) => ({ blob: blobOf(key), comment: key.comment })), problem: undefined };
}

async function readKnownHosts(hop: Hop): Promise<KnownHostsFile[]> {
  const paths = [...hop.userKnownHostsFiles, ...hop.globalKnownHostsFiles];
  return Promise.all(
    paths.map(async (path) => {
      try {
        return { path, text: await readFile(path, 'utf8') };
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
        return { path, text: '', ...(code !== 'ENOENT' && code !== 'ENOTDIR' && { unread: code }) };
      }
    }),
  );
}

/** As a person would write it, where that is one word. */
function pathWord(path: string): string {
  return /^[\w./~@%+-]+$/.test(path) ? path : shellWord(path);
}

/** Why a key is not taken that RevokedHostKeys speaks of; where that can't be read no key is, as to OpenSSH. */
async function whyRevoked(hop: Hop, name: string, key: Buffer): Promise<string | undefined> {
  const path = hop.revokedHostKeys;
  if (path === undefined) return undefined;
  let text: string;
  try {
    text = await readFile(path, 'latin1');
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    return `${name}: whether its host key is revoked can't be told: the RevokedHostKeys ${path} can't be read (${code}).`;
  }
  if (text.startsWith('SSHKRL\n')) {
    return `${name}: whether its host key is revoked can't be told: the RevokedHostKeys ${path} is a KRL, which Towline does not read. Name a file with a key on each line.`;
  }
  const line = revokedLine(text, key);
  const offered = { type: keyTypeOf(key), fingerprint: fingerprintOf(key) };
  return line === undefined
    ? undefined
    : hostKeyFailure(
        name,
        offered,
        { verdict: 'revoked', at: { path, line } },
        { add: '', forget: () => '' },
      );
}

/** Why the machine's key is not taken; undefined where it is. */
async function judge(
  seen: { hop: Hop; name: string; known: readonly KnownHostsFile[]; knownHost: KnownHost },
  key: Buffer,
): Promise<string | undefined> {
  const { hop, name, known: files, knownHost } = seen;
  const against = await whyRevoked(hop, name, key);
  if (against !== undefined) return against;
  const verdict = knownHost.judge(key);
  if (verdict.verdict === 'known') return undefined;
  const [path = '~/.ssh/known_hosts'] = hop.userKnownHostsFiles;
  const unread = files.find((file) => file.unread !== undefined);
  // It may be the one that knows this host by another key.
  if (verdict.verdict === 'unknown' && unread !== undefined) {
    return `${name}: whether its host key is known can't be told: ${unread.path} can't be read (${unread.unread}). Make it readable for you, or name another with UserKnownHostsFile in ~/.ssh/config.`;
  }
  // A last line that an editor left without an end would become one with what is added.
  const cut = /[^\n]$/.test(files.find((file) => file.path === path)?.text ?? '');
  if (verdict.verdict === 'unknown' && hop.unknownHost === 'accept-new') {
    const line = knownHostsLine(hop.knownAs, key, { hashed: hop.hashKnownHosts });
    try {
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await appendFile(path, cut ? `\n${line}` : line, { mode: 0o600 });
      return undefined;
    } catch (error) {
      return `${name}: its host key can't be added to ${path}: ${error instanceof Error ? error.message : String(error)}.`;
    }
  }
  const line = knownHostsLine(hop.knownAs, key, { hashed: false }).trim();
  const offered = { type: keyTypeOf(key), fingerprint: fingerprintOf(key) };
  return hostKeyFailure(name, offered, verdict, {
    add: `${cut ? "printf '\\n%s\\n'" : 'echo'} ${shellWord(line)} >> ${pathWord(path)}`,
    forget: (file) => `ssh-keygen -R ${shellWord(knownHostsName(hop.knownAs))} -f ${pathWord(file)}`,
  });
}
