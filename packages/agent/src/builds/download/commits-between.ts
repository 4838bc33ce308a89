import type { Commit } from '@towline/core/build';
import { ok, type Result } from '@towline/core/result';
import type { GitFailure } from './classify-failure.ts';
import { COMMIT_FORMAT, parseCommits } from './commit-log.ts';
import { type GitOptions, type GitSession, withGit } from './git-session.ts';
import type { DownloadFailure } from './git-source.ts';
import { fetchAllCommits, fetchCommits, withHistory } from './history.ts';
import { sourceFolder } from './source-folder.ts';

/** How far back the history is fetched. */
const DEPTH = 1_000;
const MAX_COMMITS = 500;

export interface CommitsBetween {
  /** In the one, and not yet in the other; newest first. */
  added: Commit[];
  /** The other way around: what is taken back. */
  removed: Commit[];
  /** Whether these are all; else there are more, or the server has one of the two no more. */
  complete: boolean;
}

/**
 * The commits from `from` to `to`, both with all their digits: at most `limit` in each direction, of the last 1,000
 * before each. The files of the commits are not fetched, where the server can leave them out.
 */
export async function commitsBetween(
  options: GitOptions & { from: string; to: string; limit?: number },
): Promise<Result<CommitsBetween, DownloadFailure>> {
  const { folder, from, to } = options;
  const limit = Math.min(options.limit ?? 100, MAX_COMMITS);
  if (!isCommit(from) || !isCommit(to)) throw new Error('commits are given with all their digits');
  if (from === to) return ok({ added: [], removed: [], complete: true });
  const { history } = sourceFolder(folder);
  return await withGit(options, (git) =>
    withHistory(git, history, async (base) => {
      const there = await bothThere(git, base, history, from, to);
      if (!there.ok) return there;
      const log = async (range: readonly string[]): Promise<Result<Commit[], GitFailure>> => {
        const words = ['log', '-z', COMMIT_FORMAT, `--max-count=${limit + 1}`, ...range, '--'];
        const output = await git.local([...base, ...words]);
        return output.ok ? ok(parseCommits(output.value)) : output;
      };
      // Of one that the server has no more, nothing can be said of what it had.
      const added = await log(there.value.from ? [to, `^${from}`] : [to]);
      if (!added.ok) return added;
      const removed = there.value.from ? await log([from, `^${to}`]) : ok([]);
      if (!removed.ok) return removed;
      const cut = added.value.length > limit || removed.value.length > limit || added.value.length >= DEPTH;
      return ok({
        added: added.value.slice(0, limit),
        removed: removed.value.slice(0, limit),
        complete: there.value.from && !cut,
      });
    }),
  );
}

/** Fetches what is not there of the two. Errors: `no-such-ref` where `to` can't be had. */
async function bothThere(
  git: GitSession,
  base: readonly string[],
  history: string,
  from: string,
  to: string,
): Promise<Result<{ from: boolean }, GitFailure>> {
  const has = async (commit: string) =>
    (await git.local([...base, 'cat-file', '-e', `${commit}^{commit}`])).ok;
  if ((await has(from)) && (await has(to))) return ok({ from: true });
  let fetched = await fetchCommits(git, base, [from, to], DEPTH);
  // The server has one of them no more, or gives out none by its digits.
  if (!fetched.ok && fetched.error.code === 'no-such-ref')
    fetched = await fetchCommits(git, base, [to], DEPTH);
  if (!fetched.ok && fetched.error.code === 'no-such-ref') fetched = await fetchAllCommits(git, history);
  if (!fetched.ok) return fetched;
  return ok({ from: await has(from) });
}

function isCommit(text: string): boolean {
  return /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/.test(text);
}
