import { rename } from 'node:fs/promises';

/** Told what was wrong with a file of the state, in a sentence for people. */
export type OnProblem = (problem: string) => void;

/**
 * Gives a damaged file another name, so that the agent starts without it and a person can look at it. Nothing is
 * deleted. Returns the name that it has now.
 */
export async function setAside(path: string, now: Date): Promise<string> {
  const aside = `${path}.corrupt-${now.toISOString().replaceAll(':', '')}`;
  await rename(path, aside);
  return aside;
}

/** Whether a file system call failed because the file is not there. */
export function isNotThere(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

/** Whether a file could not be read because it is a folder. */
export function isFolder(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'EISDIR';
}

/** An error's own words, on one line. */
export function words(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).replace(/\s+/g, ' ').slice(0, 300);
}
