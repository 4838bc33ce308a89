import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rename, rm, rmdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { isRunning, type ProcessMark } from './process-mark.ts';

/**
 * Every sandbox of this machine is noted here before anything of it is made, so that what a killed run left behind is
 * found by the next. It is where the network namespaces are, which no restart of the machine survives either.
 */
const LEDGER = '/run/towline-sandbox';

/** Where hosts have something of their own mounted. */
const LEFT_EMPTY = ['/run/containerd', '/run/docker', '/run/libpod', '/run/containers', '/run/crun'];

export interface LedgerEntry {
  id: string;
  /** The sandbox's folder. */
  dir: string;
  /** Whose it is: it goes with that process. */
  owner?: ProcessMark;
  /** It stays after its process, as long as this folder is there. */
  keptFor?: string;
}

export async function enter(entry: LedgerEntry): Promise<void> {
  const file = entryFile(entry.id);
  while (!(await isWritten(`${file}.new`, JSON.stringify(entry))));
  await rename(`${file}.new`, file);
}

/** False where another run's last one took the folder with it in between. */
async function isWritten(file: string, text: string): Promise<boolean> {
  await mkdir(LEDGER, { recursive: true, mode: 0o700 });
  try {
    await writeFile(file, text);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return false;
    throw error;
  }
}

export async function strike(id: string): Promise<void> {
  await rm(entryFile(id), { force: true });
  // The last one takes these with it. A folder with something in it stays: this is no more than tidy.
  const gone = await removeEmpty(LEDGER);
  if (gone) await Promise.all(LEFT_EMPTY.map(removeEmpty));
}

function removeEmpty(folder: string): Promise<boolean> {
  return rmdir(folder).then(
    () => true,
    () => false,
  );
}

export async function entries(): Promise<LedgerEntry[]> {
  const files = await readdir(LEDGER).catch(() => []);
  const found: LedgerEntry[] = [];
  for (const file of files.filter((name) => name.endsWith('.json'))) {
    const text = await readFile(join(LEDGER, file), 'utf8').catch(() => '');
    if (text !== '') found.push(JSON.parse(text) as LedgerEntry);
  }
  return found;
}

/** Nobody comes back for it: its process is gone, or the folder that it was kept for. */
export async function isAbandoned(entry: LedgerEntry): Promise<boolean> {
  if (entry.keptFor !== undefined) return !existsSync(entry.keptFor);
  return entry.owner === undefined || !(await isRunning(entry.owner));
}

function entryFile(id: string): string {
  return join(LEDGER, `${id}.json`);
}
