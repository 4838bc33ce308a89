import { err, ok, type Result } from '@towline/core/result';
import { type GitFailure, noSuchRef } from './classify-failure.ts';
import { type GitOptions, type GitSession, withGit } from './git-session.ts';
import type { DownloadFailure } from './git-source.ts';
import { fetchAllCommits } from './history.ts';
import { sourceFolder } from './source-folder.ts';

/** What a ref was when it was asked for. */
export interface ResolvedCommit {
  /** All its digits. */
  commit: string;
  kind: 'branch' | 'tag' | 'commit';
}

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/i;
const ABBREVIATED = /^[0-9a-f]{7,63}$/i;

/**
 * Asks the server which commit a ref is. Nothing is downloaded for a branch, a tag, or a commit with all its digits; an
 * abbreviated one is looked up in the history, which is fetched (where the server can, without any files). A branch goes
 * before a tag of the same name, as with `git clone --branch`.
 */
export async function resolveCommit(options: GitOptions): Promise<Result<ResolvedCommit, DownloadFailure>> {
  return await withGit(options, async (git) => {
    const { url, ref } = options.source;
    const wanted =
      ref === 'HEAD' || ref.startsWith('refs/') ? [ref] : [`refs/heads/${ref}`, `refs/tags/${ref}`];
    const patterns = wanted.flatMap((name) => [name, `${name}^{}`]);
    const listed = await git.remote(['ls-remote', '--quiet', '--', url, ...patterns]);
    if (!listed.ok) return listed;
    const found = parseRefs(listed.value);
    for (const name of wanted) {
      // Of an annotated tag, `^{}` is the commit.
      const commit = found.get(`${name}^{}`) ?? found.get(name);
      if (commit === undefined) continue;
      if (wanted.length === 2 && found.has(wanted[0] ?? '') && found.has(wanted[1] ?? '')) {
        git.say(`${ref} is a branch and a tag: the branch is taken. Write refs/tags/${ref} for the tag.`);
      }
      return ok({ commit, kind: name.startsWith('refs/tags/') ? 'tag' : 'branch' });
    }
    if (COMMIT.test(ref)) return ok({ commit: ref.toLowerCase(), kind: 'commit' });
    if (ABBREVIATED.test(ref)) return await lookUp(git, options);
    return err(noSuchRef(options.source));
  });
}

async function lookUp(
  git: GitSession,
  { folder, source }: GitOptions,
): Promise<Result<ResolvedCommit, GitFailure>> {
  const { history } = sourceFolder(folder);
  git.say(`Looking up ${source.ref} in the history`);
  const fetched = await fetchAllCommits(git, history);
  if (!fetched.ok) return fetched;
  const name = `${source.ref}^{commit}`;
  const found = await git.local([`--git-dir=${history}`, 'rev-parse', '--quiet', '--verify', name]);
  // Not there, or several that begin so.
  if (!found.ok) return found.error.code === 'clone-broken' ? err(noSuchRef(source)) : found;
  return ok({ commit: found.value.trim(), kind: 'commit' });
}

/** `ls-remote`'s lines: a commit, a tab, a name. */
function parseRefs(output: string): Map<string, string> {
  const refs = new Map<string, string>();
  for (const line of output.split('\n')) {
    const [commit, name] = line.split('\t');
    if (commit !== undefined && name !== undefined && COMMIT.test(commit)) refs.set(name, commit);
  }
  return refs;
}
