import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

let collect: unknown;

/**
 * Gives back to the system what this process has in memory and needs no more: V8 keeps what a start, a build or a long log took
 * until it wants it again, which in an agent that does nothing is never. Stops the process for as long as a full collection
 * takes (some 20 ms), so it is for when nothing is to be done.
 */
export function giveBackMemory(): void {
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    collect = runInNewContext('gc');
    setFlagsFromString('--no-expose-gc');
  }
  if (typeof collect === 'function') collect({ type: 'major', flavor: 'last-resort' });
}
