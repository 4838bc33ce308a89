import { randomBytes } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { endDaemon, startDaemon } from './daemon.ts';
import type { Host } from './host.ts';
import { waitUntil } from './process-mark.ts';
import { programFiles } from './programs.ts';

const NETWORK_MS = 25_000;

export interface RunningAgentProcess {
  /** Its Unix socket, a path. */
  socket: string;
  pid: number;
  /** TERM by default; returns when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** What it wrote so far. */
  output(): Promise<string>;
  /** Its port on the network, once it listens there. */
  networkPort(): Promise<number>;
}

interface AgentOptions {
  host: Host;
  /** For its socket, its state and its log; an agent that is started again here finds its state. */
  dir: string;
  /** More words for its command line. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** The program's file; that of `programFiles` by default. */
  program?: string;
  /** What starts it instead of that, a path. */
  launcher?: string;
  /** In the host's own network, as an agent beside its engine is: it can ask the containers there. */
  inside?: boolean;
  /** A home of its own, an absolute path: the known hosts and keys of the user who runs the test are not looked at. */
  home?: string;
}

/** An agent of a host's engine, as a process of its own. */
export async function startAgent(options: AgentOptions): Promise<RunningAgentProcess> {
  const { host, dir, args = [] } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const socket = join(dir, 'agent.sock');
  const logFile = join(dir, 'agent.log');
  const name = `agent-${host.name}-${randomBytes(4).toString('hex')}`;
  const own = ['--socket', socket, '--state-dir', join(dir, 'state'), '--engine', `unix://${host.socket}`];
  const files = programFiles();
  const compiled = files.compileCache === undefined ? {} : { NODE_COMPILE_CACHE: files.compileCache };
  const env = { ...compiled, ...(options.env ?? process.env) };
  const started =
    options.launcher === undefined ? [process.execPath, options.program ?? files.agent] : [options.launcher];
  const words = [...started, ...own, ...args];
  const atItsHome = options.home === undefined ? words : await atHome(options.home, dir, words);
  const [command = '', ...rest] = options.inside === true ? host.inside(atItsHome) : atItsHome;
  const mark = await startDaemon({
    sandboxDir: host.sandboxDir,
    name,
    command,
    args: rest,
    env: options.home === undefined ? env : { ...env, HOME: options.home },
    logFile,
    ready: () => acceptsConnections(socket),
  });
  const output = () => readFile(logFile, 'utf8');
  return {
    socket,
    pid: mark.pid,
    stop: (signal) => endDaemon(host.sandboxDir, name, signal),
    output,
    async networkPort() {
      const port = async () => /"port":(\d+),"msg":"listening on the network"/.exec(await output())?.[1];
      if (await waitUntil(async () => (await port()) !== undefined, NETWORK_MS)) return Number(await port());
      throw new Error(`${name} does not listen on the network. Its log:\n${await output()}`);
    },
  };
}

/** The words that start a program whose user has another home: OpenSSH goes by the user's entry, and not by HOME. */
async function atHome(home: string, dir: string, words: readonly string[]): Promise<string[]> {
  await mkdir(home, { recursive: true, mode: 0o700 });
  const { username } = userInfo();
  const entries = (await readFile('/etc/passwd', 'utf8')).split('\n').map((line) => {
    const fields = line.split(':');
    return fields[0] === username ? fields.with(5, home).join(':') : line;
  });
  const file = join(dir, 'passwd');
  await writeFile(file, entries.join('\n'));
  // What is mounted elsewhere meanwhile is seen in there, and this is seen in there alone. The pid stays the program's.
  const enter = ['unshare', '--mount', '--propagation', 'slave', 'sh', '-c'];
  // The umask is that of machines where nobody reads another's files.
  const begin = 'umask 077 && mount --bind "$1" /etc/passwd && shift && exec "$@"';
  return [...enter, begin, 'sh', file, ...words];
}

/** Whether somebody listens on a Unix socket. */
export function acceptsConnections(socket: string): Promise<boolean> {
  return new Promise((resolve) => {
    const connection = connect(socket);
    connection.once('connect', () => {
      connection.destroy();
      resolve(true);
    });
    connection.once('error', () => resolve(false));
  });
}
