import { words } from './set-aside.ts';

/** Why what an agent begins with could not be written down, so that nothing was begun; and what to do about it. */
export function notWritten(what: string, error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT') {
    return `${what} could not be written down: the disk of the agent's state folder is full. Nothing was begun. Free some space on the agent's machine (\`towline build clean\` clears what a build keeps there), and try again.`;
  }
  return `${what} could not be written down (${words(error)}), so nothing was begun. Look after the disk of the agent's state folder.`;
}
