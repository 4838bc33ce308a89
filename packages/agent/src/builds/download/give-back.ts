import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { removeFolder } from '../remove-folder.ts';
import type { GitSession } from './git-session.ts';
import { removeLocks } from './leftovers.ts';
import type { SourceFolder } from './source-folder.ts';

/** What a clone had before a download. */
export interface Holding {
  commit: string;
  packs: ReadonlySet<string>;
}

/** Undefined where there is no clone, or none that can be used. */
export async function holdingOf(
  git: GitSession,
  { gitDir }: SourceFolder,
  ref: string,
): Promise<Holding | undefined> {
  if (!existsSync(gitDir)) return undefined;
  const kept = await git.local([`--git-dir=${gitDir}`, 'for-each-ref', '--format=%(objectname)', ref]);
  const commit = kept.ok ? kept.value.trim() : '';
  return commit === '' ? undefined : { commit, packs: new Set(await packsIn(gitDir)) };
}

/**
 * Takes away what a download brought that had no room for the rest: a disk that it left full would be so for all that
 * runs on the machine. The clone is what it was before; the files are written anew by the next download in any case.
 */
export async function giveBack(
  git: GitSession,
  { gitDir, files }: SourceFolder,
  ref: string,
  before: Holding | undefined,
): Promise<void> {
  await removeFolder(files);
  if (before === undefined) {
    await rm(gitDir, { recursive: true, force: true });
    return;
  }
  await removeLocks(gitDir);
  const bare = `--git-dir=${gitDir}`;
  await git.local([bare, 'update-ref', ref, before.commit]);
  for (const name of await packsIn(gitDir)) {
    if (!before.packs.has(name)) await rm(join(gitDir, 'objects', 'pack', name), { force: true });
  }
  await git.local([bare, 'prune', '--expire=now']);
}

async function packsIn(gitDir: string): Promise<string[]> {
  return await readdir(join(gitDir, 'objects', 'pack')).catch(() => []);
}
