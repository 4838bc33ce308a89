import { randomBytes } from 'node:crypto';
import { mkdir, readFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { endDaemon, startDaemon } from './daemon.ts';
import type { Host } from './host.ts';

export interface RunningAgentProcess {
  /** Its Unix socket, a path. */
  socket: string;
  pid: number;
  /** TERM by default; returns when it has ended. */
  stop(signal?: NodeJS.Signals): Promise<void>;
  /** What it wrote so far. */
  output(): Promise<string>;
}

interface AgentOptions {
  host: Host;
  /** For its socket, its state and its log; an agent that is started again here finds its state. */
  dir: string;
  /** More words for its command line. */
  args?: string[];
  env?: NodeJS.ProcessEnv;
  /** The program's file; its source by default. */
  program?: string;
}

const SOURCE = fileURLToPath(new URL('../../packages/agent/src/main.ts', import.meta.url));

/** An agent of a host's engine, as a process of its own. */
export async function startAgent(options: AgentOptions): Promise<RunningAgentProcess> {
  const { host, dir, args = [] } = options;
  await mkdir(dir, { recursive: true, mode: 0o700 });
  const socket = join(dir, 'agent.sock');
  const logFile = join(dir, 'agent.log');
  const name = `agent-${host.name}-${randomBytes(4).toString('hex')}`;
  const own = ['--socket', socket, '--state-dir', join(dir, 'state'), '--engine', `unix://${host.socket}`];
  const mark = await startDaemon({
    sandboxDir: host.sandboxDir,
    name,
    command: process.execPath,
    args: [options.program ?? SOURCE, ...own, ...args],
    env: options.env ?? process.env,
    logFile,
    ready: () => acceptsConnections(socket),
  });
  return {
    socket,
    pid: mark.pid,
    stop: (signal) => endDaemon(host.sandboxDir, name, signal),
    output: () => readFile(logFile, 'utf8'),
  };
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
