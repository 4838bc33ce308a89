import { randomBytes } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { isIPv6 } from 'node:net';
import { join } from 'node:path';
import { findProgram, run } from './command.ts';
import { endDaemon, findDaemon, startDaemon } from './daemon.ts';
import { freePort } from './free-port.ts';
import type { Host } from './host.ts';
import { signalProcess } from './process-mark.ts';

/** A real sshd, on loopback unless it is told where, with keys of its own. */
export interface Sshd {
  port: number;
  /** A private key that it lets in, and one that it does not. */
  keyFile: string;
  strangerKeyFile: string;
  /** The keys that it lets in, one to a line. */
  authorizedKeysFile: string;
  /** A known_hosts with its host key. */
  knownHostsFile: string;
  /** What its host key is known by, `SHA256:…`. */
  fingerprint(): Promise<string>;
  /** It goes on with another host key, as a machine that was set up anew. */
  changeHostKey(): Promise<void>;
  /** The process that listens. */
  listener(): Promise<number>;
  /** The processes of its connections: each is one's alone. */
  connections(): Promise<number[]>;
  /** Ends them at once, as a line does that breaks. How many there were. */
  killConnections(): Promise<number>;
  /** What it wrote so far. */
  log(): Promise<string>;
  close(): Promise<void>;
}

export interface SshdOptions {
  sandboxDir: string;
  /** Further lines of its `sshd_config`; the first that says something counts. */
  config?: readonly string[];
  /** Where it listens, 127.0.0.1 by default. */
  address?: string;
  /** A machine of the sandbox that it is the sshd of; `address` is one which that has. */
  machine?: Pick<Host, 'inside'>;
}

export async function startSshd(options: SshdOptions): Promise<Sshd> {
  const { sandboxDir, config: further = [], address = '127.0.0.1', machine } = options;
  const name = `sshd-${randomBytes(4).toString('hex')}`;
  const dir = join(sandboxDir, name);
  await mkdir(dir, { mode: 0o700 });
  // Debian's service makes it; sshd does not start without.
  await mkdir('/run/sshd', { recursive: true, mode: 0o755 });
  const file = (part: string) => join(dir, part);
  const sshd = await findProgram('sshd');
  if (sshd === undefined) throw new Error('sshd is not here: install openssh-server.');
  const makeKey = (path: string) =>
    run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', '', '-f', path]);
  await Promise.all(['host', 'client', 'stranger'].map((key) => makeKey(file(key))));
  await writeFile(file('authorized_keys'), await readFile(file('client.pub')), { mode: 0o600 });

  let port = 0;
  async function start(): Promise<void> {
    await writeFile(file('sshd_config'), config());
    const listening = async () =>
      (await readFile(file('sshd.log'), 'utf8').catch(() => '')).split('Server listening on').length;
    const before = await listening();
    const words = [sshd ?? '', '-D', '-e', '-f', file('sshd_config')];
    const [command = '', ...args] = machine === undefined ? words : machine.inside(words);
    await startDaemon({
      sandboxDir,
      name,
      command,
      args,
      logFile: file('sshd.log'),
      ready: async () => (await listening()) > before,
    });
  }
  function config(): string {
    return `${[
      `ListenAddress ${isIPv6(address) ? `[${address}]` : address}:${port}`,
      `HostKey ${file('host')}`,
      `AuthorizedKeysFile ${file('authorized_keys')}`,
      ...further,
      'PidFile none',
      'StrictModes no',
      'UsePAM no',
      'PermitRootLogin yes',
      'PasswordAuthentication no',
      'KbdInteractiveAuthentication no',
      'PrintMotd no',
      'AcceptEnv GIT_PROTOCOL',
    ].join('\n')}\n`;
  }
  async function knowHost(): Promise<void> {
    await writeFile(file('known_hosts'), `[${address}]:${port} ${await readFile(file('host.pub'), 'utf8')}`);
  }
  for (let attempt = 1; ; attempt++) {
    port = await freePort();
    try {
      await start();
      break;
    } catch (error) {
      if (attempt === 5) throw error;
    }
  }
  await knowHost();
  async function connections(): Promise<number[]> {
    const listener = await findDaemon(sandboxDir, name);
    if (listener === undefined) return [];
    const { pid } = listener;
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    return children.split(' ').filter(Boolean).map(Number);
  }
  return {
    port,
    keyFile: file('client'),
    strangerKeyFile: file('stranger'),
    authorizedKeysFile: file('authorized_keys'),
    knownHostsFile: file('known_hosts'),
    fingerprint: async () =>
      (await run('ssh-keygen', ['-l', '-E', 'sha256', '-f', file('host.pub')])).split(' ')[1] ?? '',
    async changeHostKey() {
      await endDaemon(sandboxDir, name);
      await Promise.all([rm(file('host')), rm(file('host.pub'))]);
      await makeKey(file('host'));
      await start();
    },
    async listener() {
      const mark = await findDaemon(sandboxDir, name);
      if (mark === undefined) throw new Error(`${name} does not run.`);
      return mark.pid;
    },
    connections,
    async killConnections() {
      const pids = await connections();
      for (const pid of pids) signalProcess(pid, 'SIGKILL');
      return pids.length;
    },
    log: () => readFile(file('sshd.log'), 'utf8'),
    close: () => endDaemon(sandboxDir, name),
  };
}
