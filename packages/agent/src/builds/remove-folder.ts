import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { promisify } from 'node:util';

/**
 * Removes a folder with all that is in it; none is fine. A command may have put folders into each other until their path is longer
 * than the system takes: Node gives up there, and rm(1), which enters them one by one, does not.
 */
export async function removeFolder(folder: string): Promise<void> {
  try {
    await rm(folder, { recursive: true, force: true });
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'ENAMETOOLONG')) throw error;
    await promisify(execFile)('rm', ['-rf', '--', folder]).catch(() => Promise.reject(error));
  }
}
