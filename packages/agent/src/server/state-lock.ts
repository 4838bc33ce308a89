import { link, mkdir, open, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import * as z from 'zod';
import { isFull } from '../store/index.ts';

const ownerSchema = z.object({ pid: z.int().positive(), started: z.string() });
type Owner = z.infer<typeof ownerSchema>;

export interface StateLock {
  release(): Promise<void>;
}

/**
 * Takes the state folder (made, 0700, where it is not there) for this process alone. The lock of a process that is gone,
 * or whose number another one has by now, is replaced. Errors: `state-in-use`, `state-dir`.
 */
export async function lockState(stateDir: string): Promise<Result<StateLock>> {
  const path = join(stateDir, 'agent.lock');
  const draft = `${path}.${process.pid}`;
  const own = JSON.stringify({ pid: process.pid, started: (await startOf(process.pid)) ?? '' });
  try {
    await mkdir(stateDir, { recursive: true, mode: 0o700 });
    const full: unknown = await writeFile(draft, own, { mode: 0o600 }).catch((error: unknown) => error);
    if (full !== undefined && !isFull(full)) throw full;
    let written = full === undefined;
    // Twice: the first may find, and remove, what a dead agent left.
    for (let attempt = 0; attempt < 2; attempt++) {
      if (written && (await linked(draft, path))) {
        return ok({
          async release() {
            if ((await readFile(path, 'utf8').catch(() => '')) === own) await rm(path, { force: true });
          },
        });
      }
      const text = await readFile(path, 'utf8').catch(() => '');
      const owner = parseOwner(text);
      if (owner !== undefined && (await lives(owner))) return err(inUse(stateDir, owner.pid));
      if (written) await removeStale(path, text);
      else if (await rewriteStale(path, text, draft, own)) written = true;
      else throw full;
    }
    return err(inUse(stateDir, undefined));
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    return err({
      code: 'state-dir',
      message: `The agent can't use the state folder ${stateDir}: ${reason}. Choose another with --state-dir.`,
    });
  } finally {
    await rm(draft, { force: true }).catch(() => {});
  }
}

/** Puts the lock in its place whole, or not at all. False where there is one. */
async function linked(draft: string, path: string): Promise<boolean> {
  try {
    await link(draft, path);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') return false;
    throw error;
  }
}

/** Takes away the lock that was read, and no other: one who found it stale as well may have put its own there. */
async function removeStale(path: string, text: string): Promise<void> {
  const aside = `${path}.stale.${process.pid}`;
  try {
    await rename(path, aside);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return;
    throw error;
  }
  if ((await readFile(aside, 'utf8')) !== text) await linked(aside, path);
  await rm(aside, { force: true });
}

/**
 * Makes the own draft of the lock that was read, in the space that this has: an agent that was killed may have left a server
 * to restore, and a disk that is full must not keep the next one from it. False where there is no lock, or another one by now.
 */
async function rewriteStale(path: string, text: string, draft: string, own: string): Promise<boolean> {
  try {
    await rename(path, draft);
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
  if ((await readFile(draft, 'utf8')) !== text) {
    await linked(draft, path);
    return false;
  }
  const file = await open(draft, 'r+');
  try {
    await file.write(own, 0);
    await file.truncate(Buffer.byteLength(own));
  } finally {
    await file.close();
  }
  return true;
}

function inUse(stateDir: string, pid: number | undefined) {
  const who = pid === undefined ? 'Another agent' : `Another agent (process ${pid})`;
  const message = `${who} uses the state folder ${stateDir}. Use that one, or choose another folder with --state-dir.`;
  return { code: 'state-in-use', message };
}

/** Undefined where it is damaged: nobody counts on it. */
function parseOwner(text: string): Owner | undefined {
  try {
    return ownerSchema.parse(JSON.parse(text));
  } catch {
    return undefined;
  }
}

async function lives(owner: Owner): Promise<boolean> {
  // Where the system does not say when a process started, its number has to do.
  if (owner.started === '') return exists(owner.pid);
  return (await startOf(owner.pid)) === owner.started;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // It is somebody else's.
    return error instanceof Error && 'code' in error && error.code === 'EPERM';
  }
}

/**
 * When a process started, in the kernel's ticks; undefined where there is none, or where it is dead and only waits to be
 * taken note of: killed in a container whose first process reaps nobody, it does so for good. proc(5), fields 3 and 22
 * of `stat`.
 */
async function startOf(pid: number): Promise<string | undefined> {
  try {
    const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
    // The name, in parentheses, may have spaces in it.
    const [state = '', ...more] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return 'ZXx'.includes(state) ? undefined : more[18];
  } catch {
    return undefined;
  }
}
