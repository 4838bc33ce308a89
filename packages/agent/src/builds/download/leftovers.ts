import { readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SOURCE_MARK } from './git-environment.ts';

const GONE_MS = 5_000;

/**
 * Ends what an agent that was killed left running on a source: git and its children have the source's folder in their
 * environment. Returns once they are gone, and how many they were. Where the system does not show that (no /proc), none.
 */
export async function endLeftovers(folder: string): Promise<number> {
  const found = await workersOn(folder);
  for (const pid of found) {
    try {
      process.kill(pid, 'SIGKILL');
    } catch {
      // It ended in between.
    }
  }
  const deadline = performance.now() + GONE_MS;
  for (let left = found; left.length > 0 && performance.now() < deadline; left = await workersOn(folder)) {
    await sleep(10);
  }
  return found.length;
}

async function workersOn(folder: string): Promise<number[]> {
  const mark = `${SOURCE_MARK}=${folder}`;
  const found: number[] = [];
  for (const entry of await readdir('/proc').catch(() => [])) {
    if (!/^\d+$/.test(entry) || Number(entry) === process.pid) continue;
    // Empty for one that has ended and is not collected yet.
    const environment = await readFile(`/proc/${entry}/environ`, 'utf8').catch(() => '');
    if (environment.split('\0').includes(mark)) found.push(Number(entry));
  }
  return found;
}

/** Removes the locks and half-written packs of a git that was killed. Nobody else works on the clone. */
export async function removeLocks(gitDir: string): Promise<void> {
  const names = await readdir(gitDir, { recursive: true }).catch(() => []);
  const left = names.filter(
    (name) => name.endsWith('.lock') || /(?:^|\/)tmp_(?:pack|idx|obj|rev)_/.test(name),
  );
  await Promise.all(left.map((name) => rm(join(gitDir, name), { recursive: true, force: true })));
}
