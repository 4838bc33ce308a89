import { chmod, mkdir, rm, statfs, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import { execa } from 'execa';
import { words } from '../../store/index.ts';
import type { StepLog } from '../log/index.ts';
import { createMasker, type Masker } from '../secrets/index.ts';
import { checkSource } from './check-source.ts';
import { classifyFailure, diskFull, type GitFailure, noAnswer, saidBy } from './classify-failure.ts';
import { gitEnvironment, gitFiles } from './git-environment.ts';
import { type DownloadFailure, type GitSource, secretsOf, serverName } from './git-source.ts';
import { offeredKey } from './host-key.ts';
import { endLeftovers } from './leftovers.ts';

/** Where what git says goes to. */
export type DownloadLog = Pick<StepLog, 'line' | 'sink'>;

export interface GitOptions {
  source: GitSource;
  /** The source's own folder under the agent's, made where it is not there. One call at a time. */
  folder: string;
  signal: AbortSignal;
  log?: DownloadLog;
  /** How long a server may say nothing, in ms. */
  patienceMs?: number;
}

/** Git, as a source's settings and credentials have it. */
export interface GitSession {
  readonly source: GitSource;
  readonly lfs: boolean;
  /** A line of the download's own in the log. */
  say(line: string): void;
  /** Talks to a server: what it says goes to the log, and what goes wrong is told by a code. Returns stdout. */
  remote(args: readonly string[], options?: { cwd?: string }): Promise<Result<string, GitFailure>>;
  /** Works on what is there. What goes wrong is the clone's fault, where it is not the disk's. */
  local(args: readonly string[], options?: { cwd?: string }): Promise<Result<string, GitFailure>>;
}

const PATIENCE_MS = 120_000;
const MAX_STDOUT_BYTES = 64 * 1024 * 1024;
const KEPT_STDERR = 32 * 1024;
const TERM_MS = 5_000;
const COULD_NOT_WRITE =
  /(?:unable to|can(?:no|')t|could not|failed to) (?:write|create|open|append)|write error|short write/i;
/** A disk with less room is full for all that git does. */
const LITTLE_BYTES = 1024 * 1024;

/**
 * Prepares what git reads its settings and credentials from, gives it to `work`, and takes it away again. Nothing else
 * of git runs on the source meanwhile: what a killed agent left is ended first.
 */
export async function withGit<T>(
  options: GitOptions,
  work: (git: GitSession) => Promise<Result<T, GitFailure>>,
): Promise<Result<T, DownloadFailure>> {
  const { source, folder, signal, log } = options;
  const masker = createMasker(secretsOf(source));
  const checked = checkSource(source);
  if (!checked.ok) return checked;
  // Beside the source, and under one name: what a killed agent leaves is written over.
  const files = `${folder}.git-files`;
  try {
    await mkdir(dirname(folder), { recursive: true, mode: 0o700 });
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await endLeftovers(folder);
    const lfs = await hasLfs();
    await writeFiles(files, gitFiles(source, { lfs }));
    const env = gitEnvironment(source, { folder, files, env: process.env });
    const run = (args: readonly string[], kind: 'remote' | 'local', cwd = folder) =>
      runGit({ args, cwd, env, kind, options, masker });
    const result = await work({
      source,
      lfs,
      say: (line) => log?.line(masker.text(line)),
      remote: (args, { cwd } = {}) => run(args, 'remote', cwd),
      local: (args, { cwd } = {}) => run(args, 'local', cwd),
    });
    if (result.ok) return result;
    const { error } = result;
    if (error.code === 'host-key-unknown') return err(await offeredKey(source, env));
    if (error.code !== 'clone-broken') return err({ ...error, message: masker.text(error.message) });
    return err({
      code: 'git-failed',
      message: masker.text(
        `git can't work on the kept source: ${error.message}. Clear the source and run it again.`,
      ),
    });
  } catch (error) {
    if (signal.aborted) return err(cancelled());
    return err(fileFailure(error));
  } finally {
    await rm(files, { recursive: true, force: true }).catch(() => undefined);
  }
}

function cancelled(): DownloadFailure {
  return { code: 'cancelled', message: 'The download was cancelled.' };
}

async function writeFiles(folder: string, files: object): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o700 });
  for (const [name, text] of Object.entries(files)) {
    const path = join(folder, name);
    await writeFile(path, String(text), { mode: 0o600 });
    if (name === 'askpass') await chmod(path, 0o700);
  }
}

async function hasLfs(): Promise<boolean> {
  const found = await execa('git-lfs', ['version'], { reject: false, stdin: 'ignore' });
  return found.exitCode === 0;
}

/** A file operation of the agent's own that failed. */
function fileFailure(error: unknown): DownloadFailure {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return diskFull();
  }
  return { code: 'git-failed', message: `The agent can't use the source's folder: ${words(error)}` };
}

async function runGit(call: {
  args: readonly string[];
  cwd: string;
  env: NodeJS.ProcessEnv;
  kind: 'remote' | 'local';
  options: GitOptions;
  masker: Masker;
}): Promise<Result<string, GitFailure>> {
  const { args, cwd, env, kind, options, masker } = call;
  const { source, signal, log, patienceMs = PATIENCE_MS } = options;
  if (signal.aborted) return err(cancelled());
  // A group of its own: git's children end with it.
  const child = execa('git', args, {
    cwd,
    env,
    extendEnv: false,
    detached: true,
    buffer: false,
    reject: false,
    stdin: 'ignore',
    stripFinalNewline: false,
  });
  let killer: NodeJS.Timeout | undefined;
  const end = () => {
    signalGroup(child.pid, 'SIGTERM');
    killer ??= setTimeout(() => signalGroup(child.pid, 'SIGKILL'), TERM_MS);
  };
  signal.addEventListener('abort', end, { once: true });
  let silent = false;
  const watch = setTimeout(() => {
    silent = true;
    end();
  }, patienceMs);
  if (kind === 'local') clearTimeout(watch);

  const sink = kind === 'remote' ? log?.sink() : undefined;
  const hidden = masker.stream();
  const out: Buffer[] = [];
  let outBytes = 0;
  let stderr = '';
  child.stdout.on('data', (chunk: Buffer) => {
    if (kind === 'remote') watch.refresh();
    outBytes += chunk.length;
    if (outBytes <= MAX_STDOUT_BYTES) out.push(chunk);
  });
  child.stderr.on('data', (chunk: Buffer) => {
    if (kind === 'remote') watch.refresh();
    stderr = (stderr + chunk.toString('utf8')).slice(-KEPT_STDERR);
    sink?.write(hidden.write(chunk));
  });
  const exit = await child;
  clearTimeout(watch);
  clearTimeout(killer);
  signal.removeEventListener('abort', end);
  sink?.write(hidden.end());
  sink?.end();
  if (signal.aborted || silent) signalGroup(child.pid, 'SIGKILL');

  if (signal.aborted) return err(cancelled());
  if (silent) return err(noAnswer(serverName(source.url)));
  if (exit.code === 'ENOENT') {
    return err({
      code: 'git-missing',
      message: 'The agent’s machine has no git. Install it there (Debian: apt-get install git).',
    });
  }
  if (exit.exitCode === 0) {
    if (outBytes <= MAX_STDOUT_BYTES) return ok(Buffer.concat(out).toString('utf8'));
    return err({ code: 'git-failed', message: `git ${args[0] ?? ''} gave more than can be read.` });
  }
  const failure = (await isOutOfRoom(stderr, cwd)) ? diskFull() : classifyFailure(stderr, source);
  if (kind === 'local' && failure.code !== 'disk-full') {
    return err({
      code: 'clone-broken',
      message: stderr === '' ? `git ended with ${exit.exitCode}` : saidBy(stderr),
    });
  }
  return err(failure);
}

/** Git does not always say why it could not write: then it is the disk that is asked. */
async function isOutOfRoom(stderr: string, folder: string): Promise<boolean> {
  if (!COULD_NOT_WRITE.test(stderr)) return false;
  const disk = await statfs(folder).catch(() => undefined);
  return (
    disk !== undefined && (disk.bavail * disk.bsize < LITTLE_BYTES || (disk.files > 0 && disk.ffree === 0))
  );
}

/** To git and all that it started. */
function signalGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // All of them have ended.
  }
}
