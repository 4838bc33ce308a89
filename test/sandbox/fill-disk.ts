import { type FileHandle, open, statfs } from 'node:fs/promises';

const MB = 1024 * 1024;

/** Writes a file that leaves so many bytes free on its disk; with 0, not one block. */
export async function fillDisk(file: string, leave: number): Promise<void> {
  const filler = await open(file, 'w', 0o600);
  try {
    const { bavail, bsize } = await statfs(file);
    for (let left = bavail * bsize - leave; left > 0; left -= MB) {
      await write(filler, Buffer.alloc(Math.min(left, MB)));
    }
    // By what a block holds at the least: a write that is longer than what is left ends early.
    while (leave === 0 && (await write(filler, Buffer.alloc(1024))));
  } finally {
    await filler.close();
  }
}

/** False where the disk is full. */
async function write(file: FileHandle, bytes: Buffer): Promise<boolean> {
  try {
    await file.write(bytes);
    return true;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOSPC') return false;
    throw error;
  }
}
