import { mkdir, open, rm } from 'node:fs/promises';
import { run } from './command.ts';

/**
 * Puts a small filesystem of its own under a folder that is not there yet; a loop mount where the machine can have
 * one, else one in memory. It goes with the mounts under the sandbox that the folder is in.
 */
export async function mountSmallDisk(folder: string, bytes: number): Promise<void> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const image = `${folder}.img`;
  const file = await open(image, 'w', 0o600);
  await file.truncate(bytes);
  await file.close();
  try {
    await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-O', '^has_journal', image]);
    // Space is taken when something is written, not held back and given back later: a full disk stays full.
    await run('mount', ['-o', 'loop,nodelalloc', image, folder]);
  } catch {
    // A container may have no loop devices, and a machine no mkfs.
    await run('mount', ['-t', 'tmpfs', '-o', `size=${bytes}`, 'tmpfs', folder]);
  }
  // The mount holds it from here on.
  await rm(image);
}
