import { words } from './set-aside.ts';

/** Why what an agent begins with could not be written down, so that nothing was begun; and what to do about it. */
export function notWritten(what: string, error: unknown): string {
  if (isFull(error)) {
    return `${what} could not be written down: the disk of the agent's state folder is full. Nothing was begun. Free some space on the agent's machine (\`towline build clean\` clears what a build keeps there), and try again.`;
  }
  return `${what} could not be written down (${words(error)}), so nothing was begun. Look after the disk of the agent's state folder.`;
}

/** Something was to be written down before it was done, and could not be: it must not be done. */
export class NotRecorded extends Error {
  constructor(error: unknown) {
    const why = isFull(error) ? "the disk of the agent's state folder is full" : words(error);
    super(
      `What comes next could not be written down, so it was not done: ${why}. Look after that disk, then execute again.`,
      { cause: error },
    );
    this.name = 'NotRecorded';
  }
}

/** Whether a file could not be written because there is no room for it. */
export function isFull(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOSPC' || error.code === 'EDQUOT');
}
