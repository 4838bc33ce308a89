import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type CommandEngines, runCommand } from './command/index.ts';

/** For a container that changes the owner of some files. */
const PATIENCE_MS = 120_000;
const CACHES = '/towline-caches';

/** Beside a source, while there may be files in it that are not the agent's. */
function markOf(folder: string): string {
  return `${folder}.foreign`;
}

function isRoot(): boolean {
  return process.getuid === undefined || process.getuid() === 0;
}

/** Before a command works on a source. An agent that is root can read and remove everything. */
export async function noteForeign(folder: string): Promise<void> {
  if (!isRoot()) await writeFile(markOf(folder), '', { mode: 0o600 });
}

/**
 * Makes a source's files and its caches the agent's own, where a command worked on them: in a container of the command's image, for
 * only there is the agent root. Where that can't be done, what needs the files says so.
 */
export async function takeOverFiles(
  engines: CommandEngines,
  work: { run: string; owner: string; image: string; folder: string; caches: string },
): Promise<void> {
  const { run, owner, image, folder, caches } = work;
  const files = join(folder, 'files');
  if (isRoot() || !existsSync(markOf(folder)) || !existsSync(files)) return;
  const user = `${process.getuid?.()}:${process.getgid?.()}`;
  const done = await runCommand(
    engines,
    {
      run,
      owner,
      image,
      command: `chown -R -h ${user} /source ${CACHES}`,
      source: files,
      caches: [{ folder: caches, target: CACHES }],
      user: '0:0',
    },
    {},
    AbortSignal.timeout(PATIENCE_MS),
  );
  if (done.ok) await rm(markOf(folder), { force: true });
}
