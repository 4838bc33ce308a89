import { open, readFile, truncate } from 'node:fs/promises';
import { dirname } from 'node:path';
import writeFileAtomic from 'write-file-atomic';
import type * as z from 'zod';
import { isFolder, isNotThere, type OnProblem, setAside, words } from './set-aside.ts';

/** An append-only file of one JSON object a line. */
export interface Journal<T> {
  /**
   * Appends one entry; entries keep the order of the calls. With `durable` it returns once the entry, and every one
   * before it, is on the disk: what is about to be done is written so before it is done.
   */
  append(entry: T, options: { durable: boolean }): Promise<void>;
  close(): Promise<void>;
}

/** Opens a journal for appending; makes it (0600) where there is none. */
export async function openJournal<T>(path: string): Promise<Journal<T>> {
  const file = await open(path, 'a', 0o600);
  // A new file's name is durable only when its folder is.
  await syncFolder(dirname(path));
  let { size } = await file.stat();
  let torn = false;
  const cutOff = async () => {
    await file.truncate(size);
    torn = false;
  };
  const write = async (entry: T, durable: boolean) => {
    const line = Buffer.from(`${JSON.stringify(entry)}\n`);
    if (torn) await cutOff();
    try {
      await file.appendFile(line);
      if (durable) await file.datasync();
    } catch (error) {
      // A disk that fills takes the first part of a line. What comes after it, when there is space again, must not be
      // lost with it. Nor may a line be read later whose writer was told that it is not there, and did something else.
      torn = true;
      await cutOff().catch(() => undefined);
      throw error;
    }
    size += line.length;
  };
  let last: Promise<void> = Promise.resolve();
  let closed = false;
  return {
    append(entry, { durable }) {
      if (closed) return Promise.reject(new Error(`${path} is closed`));
      const turn = last.then(() => write(entry, durable));
      last = turn.catch(() => undefined);
      return turn;
    },
    async close() {
      if (closed) return;
      closed = true;
      await last;
      await file.close();
    },
  };
}

async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * Reads a journal's entries. A torn last line (a kill in mid-write) is cut off the file and reported. A damaged line
 * before that sets the whole file aside; what stood before the damage is kept in a new one, so that the job that it
 * belongs to can still be reconciled. A folder of that name is set aside as well. No file: no entries. A line that the schema
 * reads as undefined is none (`orNewerEvent`).
 */
export async function readJournal<T>(options: {
  path: string;
  schema: z.ZodType<T | undefined>;
  onProblem: OnProblem;
  now: () => Date;
}): Promise<T[]> {
  const { path, schema, onProblem, now } = options;
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if (isNotThere(error)) return [];
    if (!isFolder(error)) throw error;
    const aside = await setAside(path, now());
    onProblem(`${path} can't be read (${words(error)}). It is kept as ${aside}.`);
    return [];
  }
  const entries: (T | undefined)[] = [];
  let start = 0;
  while (start < bytes.length) {
    const newline = bytes.indexOf(0x0a, start);
    if (newline === -1) {
      await truncate(path, start);
      onProblem(
        `The last line of ${path} was not written to its end; its ${bytes.length - start} bytes are cut off.`,
      );
      break;
    }
    const entry = parseLine(bytes.toString('utf8', start, newline), schema);
    if (!entry.ok) {
      const aside = await setAside(path, now());
      if (entries.length > 0) {
        await writeFileAtomic(path, bytes.subarray(0, start), { mode: 0o600 });
      }
      onProblem(
        `Line ${entries.length + 1} of ${path} can't be read (${entry.reason}). The file is kept as ${aside}; ${entries.length} lines before it are still used.`,
      );
      break;
    }
    entries.push(entry.value);
    start = newline + 1;
  }
  return entries.filter((entry) => entry !== undefined);
}

function parseLine<T>(
  line: string,
  schema: z.ZodType<T>,
): { ok: true; value: T } | { ok: false; reason: string } {
  try {
    const parsed = schema.safeParse(JSON.parse(line));
    return parsed.success
      ? { ok: true, value: parsed.data }
      : { ok: false, reason: words(parsed.error.issues[0]?.message ?? 'not as expected') };
  } catch (error) {
    return { ok: false, reason: words(error) };
  }
}
