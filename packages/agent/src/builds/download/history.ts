import { existsSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { ok, type Result } from '@towline/core/result';
import type { GitFailure } from './classify-failure.ts';
import type { GitSession } from './git-session.ts';
import { removeLocks } from './leftovers.ts';

/** Without files and folders, where the server can leave them out. */
const COMMITS_ONLY = '--filter=tree:0';
const FETCH = ['fetch', '--quiet', '--no-tags', '--force', '--no-write-fetch-head', COMMITS_ONLY];
const ALL = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];

/** Makes the history's repository where there is none, and takes away what a killed git left in it. */
async function prepare(git: GitSession, history: string): Promise<Result<string[], GitFailure>> {
  await removeLocks(history);
  const made = await git.local(['init', '--quiet', '--bare', '--template=', history]);
  return made.ok ? ok([`--git-dir=${history}`]) : made;
}

/** Runs `work` on the history, and once more on a new one where it turns out broken. */
export async function withHistory<T>(
  git: GitSession,
  history: string,
  work: (base: readonly string[]) => Promise<Result<T, GitFailure>>,
): Promise<Result<T, GitFailure>> {
  const once = async () => {
    const base = await prepare(git, history);
    return base.ok ? await work(base.value) : base;
  };
  const first = await once();
  if (first.ok || first.error.code !== 'clone-broken') return first;
  await rm(history, { recursive: true, force: true });
  return await once();
}

/** Fetches all commits that branches and tags reach. */
export function fetchAllCommits(git: GitSession, history: string): Promise<Result<void, GitFailure>> {
  return withHistory(git, history, async (base) => {
    const whole = existsSync(join(history, 'shallow')) ? ['--unshallow'] : [];
    const fetched = await git.remote([...base, ...FETCH, '--prune', ...whole, '--', git.source.url, ...ALL]);
    return fetched.ok ? ok(undefined) : fetched;
  });
}

/** Fetches commits by their digits, with at most `depth` of those before each. */
export async function fetchCommits(
  git: GitSession,
  base: readonly string[],
  commits: readonly string[],
  depth: number,
): Promise<Result<void, GitFailure>> {
  const refs = commits.map((commit) => `+${commit}:refs/towline/${commit}`);
  const fetched = await git.remote([...base, ...FETCH, `--depth=${depth}`, '--', git.source.url, ...refs]);
  return fetched.ok ? ok(undefined) : fetched;
}
