import { err, ok, type Result } from '@towline/core/result';
import type { GitFailure } from './classify-failure.ts';
import type { GitSession } from './git-session.ts';

const SHOWN = 3;

/** A commit whose large files are in LFS has only pointers to them without git-lfs. Errors: `lfs-missing`, with some names. */
export async function missingLfs(
  git: GitSession,
  bare: readonly string[],
  commit: string,
): Promise<Result<void, GitFailure>> {
  if (git.lfs) return ok(undefined);
  // Most have none: this looks at their attributes only.
  const used = await grep(git, bare, 'filter=lfs', commit, ['.gitattributes', '**/.gitattributes']);
  if (used.length === 0) return ok(undefined);
  const pointers = await grep(git, bare, '^version https://git-lfs.github.com/spec/v1$', commit, []);
  if (pointers.length === 0) return ok(undefined);
  const more = pointers.length > SHOWN ? ` and ${pointers.length - SHOWN} more` : '';
  return err({
    code: 'lfs-missing',
    message: `${pointers.slice(0, SHOWN).join(', ')}${more} are in Git LFS, and the agent’s machine has no git-lfs: it would build with pointers instead of them. Install it there (Debian: apt-get install git-lfs).`,
  });
}

/** The files of a commit that have a line like it. */
async function grep(
  git: GitSession,
  bare: readonly string[],
  pattern: string,
  commit: string,
  paths: readonly string[],
): Promise<string[]> {
  const globs = paths.map((path) => `:(glob)${path}`);
  // It ends with 1 where there is none.
  const found = await git.local([...bare, 'grep', '-z', '-l', '-e', pattern, commit, '--', ...globs]);
  if (!found.ok) return [];
  return found.value
    .split('\0')
    .filter((name) => name !== '')
    .map((name) => name.slice(commit.length + 1));
}
