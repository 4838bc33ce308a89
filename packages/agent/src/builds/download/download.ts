import { existsSync } from 'node:fs';
import { mkdir, readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Commit } from '@towline/core/build';
import { err, ok, type Result } from '@towline/core/result';
import { removeFolder } from '../remove-folder.ts';
import { type GitFailure, noSuchRef } from './classify-failure.ts';
import { COMMIT_FORMAT, parseCommits } from './commit-log.ts';
import { type GitOptions, type GitSession, withGit } from './git-session.ts';
import type { DownloadFailure } from './git-source.ts';
import { giveBack, holdingOf } from './give-back.ts';
import { removeLocks } from './leftovers.ts';
import { missingLfs } from './lfs.ts';
import { type SourceFolder, sourceFolder } from './source-folder.ts';

/** A source as it was downloaded. */
export interface Download {
  /** The folder with the commit's files, and nothing else. Until the next download. */
  files: string;
  /** The repository itself: never to be mounted writable, for what is written there the agent's git obeys. */
  gitDir: string;
  commit: Commit;
}

const REF = 'refs/towline/source';

/**
 * Brings a source's files to a commit that `resolveCommit` gave: exactly these, and none of the last run's. The clone is
 * kept: only what it does not have is fetched, without history where the server can. One that is broken is made anew.
 */
export async function download(
  options: GitOptions & { commit: string },
): Promise<Result<Download, DownloadFailure>> {
  const { folder, commit } = options;
  const place = sourceFolder(folder);
  return await withGit(options, async (git) => {
    const there = existsSync(place.gitDir);
    const before = await holdingOf(git, place, REF);
    const first = await downloadOnce(git, place, commit);
    if (!there || first.ok || first.error.code !== 'clone-broken') {
      if (isFull(first)) await giveBack(git, place, REF, before);
      return first;
    }
    git.say(`The kept clone is broken (${first.error.message}). It is made anew.`);
    await rm(place.gitDir, { recursive: true, force: true });
    await removeFolder(place.files);
    const second = await downloadOnce(git, place, commit);
    if (isFull(second)) await giveBack(git, place, REF, undefined);
    return second;
  });
}

function isFull(result: Result<unknown, GitFailure>): boolean {
  return !result.ok && result.error.code === 'disk-full';
}

async function downloadOnce(
  git: GitSession,
  place: SourceFolder,
  commit: string,
): Promise<Result<Download, GitFailure>> {
  const { gitDir, files } = place;
  await removeLocks(gitDir);
  if (!existsSync(gitDir)) {
    const made = await git.local(['init', '--quiet', '--bare', '--template=', gitDir]);
    if (!made.ok) return made;
  }
  const bare = [`--git-dir=${gitDir}`];
  // A submodule's URL may be relative to this one. There is no password in it.
  for (const [key, value] of [
    ['remote.origin.url', git.source.url],
    ['core.bare', 'false'],
  ] as const) {
    const set = await git.local([...bare, 'config', key, value]);
    if (!set.ok) return set;
  }
  const fetched = await fetchCommit(git, bare, gitDir, commit);
  if (!fetched.ok) return fetched;

  const subject = await git.local([...bare, 'log', '-z', '--max-count=1', COMMIT_FORMAT, commit, '--']);
  if (!subject.ok) return subject;
  const [found] = parseCommits(subject.value);
  if (found === undefined) return err({ code: 'clone-broken', message: `no commit ${commit}` });

  const checkedOut = await checkOut(git, place, commit);
  if (!checkedOut.ok) return checkedOut;
  const lfs = await missingLfs(git, bare, commit);
  if (!lfs.ok) return lfs;
  // What the last commits had and this one has not goes from time to time.
  await git.local([...bare, 'gc', '--auto', '--quiet']);
  git.say(`At ${commit.slice(0, 12)}: ${found.subject}`);
  return ok({ files, gitDir, commit: found });
}

async function fetchCommit(
  git: GitSession,
  bare: readonly string[],
  gitDir: string,
  commit: string,
): Promise<Result<void, GitFailure>> {
  const { url } = git.source;
  const kept = await git.local([...bare, 'for-each-ref', '--format=%(objectname)', REF]);
  if (!kept.ok) return kept;
  if (kept.value.trim() === commit) {
    git.say(`${commit.slice(0, 12)} is here already`);
    return ok(undefined);
  }
  git.say(`Fetching ${commit.slice(0, 12)} from ${url}`);
  const fetch = [...bare, 'fetch', '--progress', '--no-tags', '--force', '--no-write-fetch-head'];
  const shallow = await git.remote([...fetch, '--depth=1', '--', url, `+${commit}:${REF}`]);
  if (shallow.ok) return ok(undefined);
  const { code, message } = shallow.error;
  // An old server gives out no commit by its digits, one without git of its own none without its history.
  if (code !== 'no-such-ref' && !/shallow|dumb http/i.test(message)) return shallow;
  git.say('The server does not give out that commit by itself: all branches and tags are fetched');
  const whole = existsSync(join(gitDir, 'shallow')) ? ['--unshallow'] : [];
  const all = ['+refs/heads/*:refs/towline/heads/*', '+refs/tags/*:refs/towline/tags/*'];
  const everything = await git.remote([...fetch, '--prune', ...whole, '--', url, ...all]);
  if (!everything.ok) return everything;
  const has = await git.local([...bare, 'cat-file', '-e', `${commit}^{commit}`]);
  if (!has.ok) return err(noSuchRef({ ...git.source, ref: commit }));
  const kept2 = await git.local([...bare, 'update-ref', REF, commit]);
  return kept2.ok ? ok(undefined) : kept2;
}

/** The files of the commit and of its submodules, exactly. */
async function checkOut(
  git: GitSession,
  { gitDir, files }: SourceFolder,
  commit: string,
): Promise<Result<void, GitFailure>> {
  const bare = [`--git-dir=${gitDir}`];
  const listed = await git.local([...bare, 'ls-tree', '--name-only', commit, '--', '.gitmodules']);
  if (!listed.ok) return listed;
  const submodules = git.source.submodules === true && listed.value.trim() !== '';
  // A build may have put a repository with commands of its own where git would enter a submodule: nothing is kept.
  if (submodules || existsSync(join(gitDir, 'modules'))) await removeFolder(files);
  await mkdir(files, { recursive: true, mode: 0o755 });
  // Git would take this one for the repository.
  await rm(join(files, '.git'), { recursive: true, force: true });
  const work = [...bare, `--work-tree=${files}`];
  const cleaned = await git.local([...work, 'clean', '-ffdx', '--quiet'], { cwd: files });
  if (!cleaned.ok) {
    if (cleaned.error.code !== 'clone-broken') return cleaned;
    // What a command made there is beyond git: all of it goes.
    await removeFolder(files);
    await mkdir(files, { recursive: true, mode: 0o755 });
  }
  await removeRepositories(Buffer.from(files));
  const to = ['--force', '--detach', commit];
  // With LFS, files come from a server while they are written.
  const done = git.lfs
    ? await git.remote([...work, 'checkout', '--progress', ...to], { cwd: files })
    : await git.local([...work, 'checkout', '--quiet', ...to], { cwd: files });
  if (!done.ok) return done;
  return submodules ? await checkOutSubmodules(git, work, files) : ok(undefined);
}

/** What a build made of folders of the source: `git clean` leaves a `.git` where there are files of the commit beside it. */
async function removeRepositories(folder: Buffer): Promise<void> {
  // As bytes: a name that is no UTF-8 would be another one.
  for (const entry of await readdir(folder, { encoding: 'buffer', withFileTypes: true })) {
    const path = Buffer.concat([folder, Buffer.from('/'), entry.name]);
    if (entry.name.toString('latin1').toLowerCase() === '.git')
      await rm(path, { recursive: true, force: true });
    else if (entry.isDirectory()) await removeRepositories(path);
  }
}

async function checkOutSubmodules(
  git: GitSession,
  work: readonly string[],
  files: string,
): Promise<Result<void, GitFailure>> {
  git.say('Fetching submodules');
  const synced = await git.remote([...work, 'submodule', '--quiet', 'sync', '--recursive'], { cwd: files });
  if (!synced.ok) return synced;
  const update = [...work, 'submodule', 'update', '--init', '--recursive', '--force', '--progress'];
  const shallow = await git.remote([...update, '--depth=1'], { cwd: files });
  // A commit that no branch ends with is not in a shallow clone, where the server gives out none by its digits.
  const done =
    shallow.ok || shallow.error.code === 'cancelled' ? shallow : await git.remote(update, { cwd: files });
  return done.ok ? ok(undefined) : done;
}
