import { readFile } from 'node:fs/promises';
import { type Adapter, Low } from 'lowdb';
import writeFileAtomic from 'write-file-atomic';
import type * as z from 'zod';
import { isFolder, isNotThere, type OnProblem, setAside, words } from './set-aside.ts';

/** A JSON file that is read once and written whole. */
export interface StoredDocument<T> {
  readonly data: T;
  /** Whether the disk has it; false for one that was just begun. */
  readonly isStored: boolean;
  /** Changes the data and returns once it is on the disk. Calls are done one after the other. */
  update(change: (data: T) => void): Promise<void>;
}

/**
 * Opens (or begins) a document. lowdb's own writer does not fsync, so after a power cut its file may be empty;
 * write-file-atomic writes beside it, fsyncs and renames. A file that can't be read as `schema` says is set aside, and
 * `initial` is begun with.
 */
export async function openDocument<T>(options: {
  path: string;
  schema: z.ZodType<T>;
  initial: T;
  onProblem: OnProblem;
  now: () => Date;
}): Promise<StoredDocument<T>> {
  const { path, schema, initial, onProblem, now } = options;
  let isStored = false;
  const adapter: Adapter<T> = {
    async read() {
      let text: string | undefined;
      try {
        text = await readFile(path, 'utf8');
        const data = schema.parse(JSON.parse(text));
        isStored = true;
        return data;
      } catch (error) {
        if (isNotThere(error)) return null;
        // What the disk does not give is no damage of the file's.
        if (text === undefined && !isFolder(error)) throw error;
        const aside = await setAside(path, now());
        onProblem(`${path} can't be read (${words(error)}). It is kept as ${aside}; a new one is begun.`);
        return null;
      }
    },
    write: (data) => writeFileAtomic(path, `${JSON.stringify(data)}\n`, { mode: 0o600 }),
  };
  const low = new Low<T>(adapter, initial);
  await low.read();
  let last: Promise<void> = Promise.resolve();
  return {
    get data() {
      return low.data;
    },
    get isStored() {
      return isStored;
    },
    update(change) {
      const turn = last.then(async () => {
        change(low.data);
        await low.write();
        isStored = true;
      });
      // One failed write (a full disk) is its caller's to handle, and does not stop the next.
      last = turn.catch(() => undefined);
      return turn;
    },
  };
}
