import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { run, SYSTEM_ENV } from './command.ts';

/** What a file becomes in a commit. */
export type FileChange = string | Uint8Array | { executable: string } | { link: string } | { removed: true };

export interface CommitOptions {
  message?: string;
  files?: Readonly<Record<string, FileChange>>;
  /** `main` by default; one that is not there begins at the last commit. */
  branch?: string;
  /** A repository as a submodule at a path. */
  submodules?: Readonly<Record<string, string>>;
}

/** A bare repository with commits that a script makes. */
export interface GitRepository {
  /** The bare repository's folder. */
  path: string;
  /** A `file://` URL. */
  url: string;
  /** Makes one and returns its 40 digits. */
  commit(options?: CommitOptions): Promise<string>;
  /** An annotated tag on the last commit, or a plain one. */
  tag(name: string, options?: { plain?: boolean }): Promise<void>;
  /** Git's own answer, in the bare repository. */
  git(...args: string[]): Promise<string>;
}

/** No configuration of this machine, a fixed author, and a clock that moves a minute with each commit. */
function gitEnv(minutes: number): NodeJS.ProcessEnv {
  const date = new Date(Date.UTC(2026, 0, 1, 12, minutes)).toISOString();
  return {
    ...SYSTEM_ENV,
    GIT_CONFIG_GLOBAL: '/dev/null',
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 'Ada Example',
    GIT_AUTHOR_EMAIL: 'ada@shop.example',
    GIT_COMMITTER_NAME: 'Ada Example',
    GIT_COMMITTER_EMAIL: 'ada@shop.example',
    GIT_AUTHOR_DATE: date,
    GIT_COMMITTER_DATE: date,
    GIT_CONFIG_COUNT: '2',
    GIT_CONFIG_KEY_0: 'protocol.file.allow',
    GIT_CONFIG_VALUE_0: 'always',
    GIT_CONFIG_KEY_1: 'safe.directory',
    GIT_CONFIG_VALUE_1: '*',
  };
}

/** Makes an empty one, with the branch `main`. `path` ends with `.git`. */
export async function createGitRepository(path: string): Promise<GitRepository> {
  let commits = 0;
  const git = (...args: string[]) => run('git', args, gitEnv(commits));
  const work = `${path.replace(/\.git$/, '')}.work`;
  await git('init', '--quiet', '--bare', '--initial-branch=main', path);
  await git('init', '--quiet', '--initial-branch=main', work);
  const inWork = (...args: string[]) => git('-C', work, ...args);
  return {
    path,
    url: `file://${path}`,
    async commit({ message, files = {}, branch = 'main', submodules = {} } = {}) {
      commits++;
      const on = (await inWork('branch', '--show-current')).trim();
      if (on !== branch) {
        const there = (await inWork('branch', '--list', branch)) !== '';
        await inWork('checkout', '--quiet', ...(there ? [branch] : ['-b', branch]));
      }
      for (const [name, change] of Object.entries(files)) await applyChange(join(work, name), change);
      for (const [name, url] of Object.entries(submodules)) {
        await inWork('submodule', '--quiet', 'add', '--force', url, name);
      }
      await inWork('add', '--all');
      await inWork('commit', '--quiet', '--allow-empty', '-m', message ?? `Commit ${commits}`);
      await inWork('push', '--quiet', '--force', path, branch);
      return (await inWork('rev-parse', 'HEAD')).trim();
    },
    async tag(name, { plain = false } = {}) {
      await inWork('tag', ...(plain ? [] : ['-a', '-m', name]), name);
      await inWork('push', '--quiet', path, `refs/tags/${name}`);
    },
    git: (...args) => git('-C', path, ...args),
  };
}

async function applyChange(path: string, change: FileChange): Promise<void> {
  await rm(path, { recursive: true, force: true });
  if (typeof change === 'object' && 'removed' in change) return;
  await mkdir(dirname(path), { recursive: true });
  if (typeof change === 'string' || change instanceof Uint8Array) await writeFile(path, change);
  else if ('link' in change) await symlink(change.link, path);
  else {
    await writeFile(path, change.executable);
    await chmod(path, 0o755);
  }
}
