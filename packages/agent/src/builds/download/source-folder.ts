import { join } from 'node:path';

/**
 * What a source's folder has in it. The repository is apart from the files: a build works on the files, and could write
 * a command into a `.git/config` among them, which the agent's next git would run.
 */
export interface SourceFolder {
  /** The repository. Never mounted into a container, unless read-only. */
  gitDir: string;
  /** The files of the commit, and nothing else. There is no `.git` in it. */
  files: string;
  /** Commits without their files, for what changed between two of them. */
  history: string;
}

export function sourceFolder(folder: string): SourceFolder {
  return { gitDir: join(folder, 'git'), files: join(folder, 'files'), history: join(folder, 'history') };
}
