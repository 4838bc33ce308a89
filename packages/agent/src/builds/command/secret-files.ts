import { createHash } from 'node:crypto';
import { chmod, mkdtemp, readdir, rm, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import type { CommandSecret } from './builder-container.ts';

/** In memory on every Linux. */
const MEMORY_FOLDER = '/dev/shm';
/** `TMPFS_MAGIC`. */
const TMPFS = 0x01021994;

export interface SecretFiles {
  /** In the order of the secrets. */
  paths: readonly string[];
  remove(): Promise<void>;
}

/**
 * Writes secrets as files in memory, for a container to mount: on no disk, and in no container's configuration. The
 * folder is this user's only; the files themselves any user of the container may read. Errors: `no-memory-folder`.
 */
export async function writeSecretFiles(
  owner: string,
  secrets: readonly CommandSecret[],
): Promise<Result<SecretFiles>> {
  if (secrets.length === 0) return ok({ paths: [], remove: async () => {} });
  const type = await statfs(MEMORY_FOLDER).then(
    (found) => found.type,
    () => 0,
  );
  if (type !== TMPFS) {
    return err({
      code: 'no-memory-folder',
      message: `${MEMORY_FOLDER} is not in memory on the agent's machine, so secrets would come to a disk. Mount a tmpfs there, or leave the command's secrets out.`,
    });
  }
  const folder = await mkdtemp(join(MEMORY_FOLDER, prefixOf(owner)));
  const remove = async () => await rm(folder, { recursive: true, force: true });
  try {
    const paths: string[] = [];
    for (const [at, { value }] of secrets.entries()) {
      const path = join(folder, String(at));
      await writeFile(path, value, { mode: 0o444 });
      // Whatever the umask of this process is.
      await chmod(path, 0o444);
      paths.push(path);
    }
    return ok({ paths, remove });
  } catch (error) {
    await remove();
    throw error;
  }
}

/** Removes what an agent that was killed has left. */
export async function removeSecretFiles(owner: string): Promise<void> {
  const names = await readdir(MEMORY_FOLDER).catch(() => []);
  for (const name of names) {
    if (name.startsWith(prefixOf(owner)))
      await rm(join(MEMORY_FOLDER, name), { recursive: true, force: true });
  }
}

function prefixOf(owner: string): string {
  return `towline-${createHash('sha256').update(owner).digest('hex').slice(0, 16)}-`;
}
