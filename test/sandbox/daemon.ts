import { spawn } from 'node:child_process';
import { mkdir, open, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM_ENV } from './command.ts';
import { endProcess, isRunning, markProcess, type ProcessMark, waitUntil } from './process-mark.ts';

export interface DaemonOptions {
  /** The sandbox's folder: the daemon is noted there, so that it can be found by whoever cleans up. */
  sandboxDir: string;
  name: string;
  command: string;
  args: readonly string[];
  logFile: string;
  env?: NodeJS.ProcessEnv;
  /** Polled until true; a daemon that ends before is an error with the last lines of its log. */
  ready: (mark: ProcessMark) => Promise<boolean>;
}

const READY_TIMEOUT_MS = 60_000;

/** Starts a program that outlives this one, and waits until it is ready. */
export async function startDaemon(options: DaemonOptions): Promise<ProcessMark> {
  const log = await open(options.logFile, 'a');
  let mark: ProcessMark | undefined;
  try {
    const child = spawn(options.command, options.args, {
      detached: true,
      stdio: ['ignore', log.fd, log.fd],
      env: options.env ?? SYSTEM_ENV,
    });
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve);
      child.once('error', reject);
    });
    child.unref();
    if (child.pid !== undefined) mark = await markProcess(child.pid);
  } finally {
    await log.close();
  }
  if (mark === undefined) throw await failedToStart(options, 'ended at once');
  const started = mark;
  await mkdir(daemonFolder(options.sandboxDir), { recursive: true });
  await writeFile(daemonFile(options.sandboxDir, options.name), JSON.stringify(started));
  let running = true;
  const ready = await waitUntil(async () => {
    running = await isRunning(started);
    return !running || (await options.ready(started));
  }, READY_TIMEOUT_MS);
  if (ready && running) return started;
  await endDaemon(options.sandboxDir, options.name, 'SIGKILL');
  throw await failedToStart(options, running ? 'was not ready within a minute' : 'ended');
}

/** Ends it by its pid, where that is still the process that was started. */
export async function endDaemon(sandboxDir: string, name: string, signal?: NodeJS.Signals): Promise<void> {
  const mark = await findDaemon(sandboxDir, name);
  if (mark === undefined) return;
  await endProcess(mark, signal);
  await rm(daemonFile(sandboxDir, name), { force: true });
}

export async function findDaemon(sandboxDir: string, name: string): Promise<ProcessMark | undefined> {
  const text = await readFile(daemonFile(sandboxDir, name), 'utf8').catch(() => undefined);
  return text === undefined ? undefined : parseMark(text);
}

export async function listDaemons(sandboxDir: string): Promise<string[]> {
  const files = await readdir(daemonFolder(sandboxDir)).catch(() => []);
  return files.map((file) => file.replace(/\.json$/, ''));
}

/** Undefined for a note that was being written when its writer was killed. */
function parseMark(text: string): ProcessMark | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('startedAt' in value)) {
      return undefined;
    }
    const { pid, startedAt } = value;
    return typeof pid === 'number' && typeof startedAt === 'string' ? { pid, startedAt } : undefined;
  } catch {
    return undefined;
  }
}

/** The last lines that a daemon wrote. */
async function logTail(file: string, lines = 20): Promise<string> {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text.trimEnd().split('\n').slice(-lines).join('\n');
}

async function failedToStart(options: DaemonOptions, what: string): Promise<Error> {
  return new Error(
    `${options.name} ${what}. Its log, ${options.logFile}:\n${await logTail(options.logFile)}`,
  );
}

function daemonFolder(sandboxDir: string): string {
  return join(sandboxDir, 'daemons');
}

function daemonFile(sandboxDir: string, name: string): string {
  return join(daemonFolder(sandboxDir), `${name}.json`);
}
