import { readdir, rm, rmdir, stat } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { isNotThere } from '../../store/index.ts';
import { indexPath } from './log-file.ts';
import { decidePrune, type KeptLog, type LogLimits } from './prune.ts';

/** Logs end so; whatever else is in the folder is left alone. */
export const LOG_SUFFIX = '.log';

/** Removes the logs under a folder that `decidePrune` says, and the folders that are empty by that. Returns their paths. */
export async function pruneLogs(options: {
  dir: string;
  limits: LogLimits;
  now: Date;
  /** The paths of logs that are written. */
  inUse?: ReadonlySet<string>;
}): Promise<string[]> {
  const { dir, limits, now, inUse } = options;
  const removed = decidePrune(await logsUnder(dir), limits, now.getTime(), inUse);
  for (const { path } of removed) {
    await rm(path, { force: true });
    await rm(indexPath(path), { force: true });
    await removeEmpty(dirname(path), dir);
  }
  return removed.map(({ path }) => path);
}

async function logsUnder(dir: string): Promise<KeptLog[]> {
  let names: string[];
  try {
    names = await readdir(dir, { recursive: true });
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
  const logs: KeptLog[] = [];
  for (const name of names.filter((each) => each.endsWith(LOG_SUFFIX))) {
    const path = join(dir, name);
    const found = await stat(path).catch(() => undefined);
    if (found?.isFile()) logs.push({ path, bytes: found.size, writtenAt: found.mtimeMs });
  }
  return logs;
}

async function removeEmpty(folder: string, top: string): Promise<void> {
  for (let at = folder; relative(top, at) !== '' && !relative(top, at).startsWith('..'); at = dirname(at)) {
    // Not empty: it stays, and so does what it is in.
    if (
      !(await rmdir(at).then(
        () => true,
        () => false,
      ))
    )
      return;
  }
}
