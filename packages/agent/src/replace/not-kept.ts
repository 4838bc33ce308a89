import { type JsonObject, object, text } from './json.ts';
import { tiesOf } from './ties.ts';

/** An old container after the commit. */
export interface OldContainer {
  /** The name of the one that took its place. */
  container: string;
  id: string;
  /** Its whole inspect; undefined where it is gone. */
  inspect: JsonObject | undefined;
}

/**
 * Which old containers of a job, each after what it hangs on, can't be kept: one whose restart policy could not be held
 * would come back with its engine, beside the new one; and what hangs on such a one stands in the way of its removal, and
 * starts no more without it. In the order in which they can be removed.
 */
export function notKept<T extends OldContainer>(old: readonly T[]): T[] {
  const going = new Set<string>();
  const found = old.filter(({ container, id, inspect = {} }) => {
    const policy = text(object(object(inspect.HostConfig).RestartPolicy).Name);
    const comesBack = policy !== '' && policy !== 'no';
    // Volumes are said by the name that it had.
    if (!comesBack && !tiesOf(inspect).some(({ to }) => going.has(to))) return false;
    going.add(id).add(container);
    return true;
  });
  return found.toReversed();
}
