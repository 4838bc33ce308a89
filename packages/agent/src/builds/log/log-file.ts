import { type FileHandle, open, readFile } from 'node:fs/promises';
import { isNotThere } from '../../store/index.ts';
import { LineIndex, parseEntries } from './line-index.ts';

const NEWLINE = 0x0a;
const READ_BYTES = 256 * 1024;

/** Where the index of a log is kept. It only saves time: without it, the log is read once through. */
export function indexPath(path: string): string {
  return `${path}.index`;
}

/** The index of a log as it is in the file: from what was kept, as far as that fits, and by reading the rest. */
export async function loadIndex(file: FileHandle, path: string): Promise<LineIndex> {
  const { size } = await file.stat();
  const index = LineIndex.from(await keptEntries(file, path, size));
  const buffer = Buffer.allocUnsafe(READ_BYTES);
  while (index.size < size) {
    const { bytesRead } = await file.read(buffer, 0, READ_BYTES, index.size);
    if (bytesRead === 0) break;
    index.add(buffer.subarray(0, bytesRead));
  }
  return index;
}

async function keptEntries(file: FileHandle, path: string, size: number) {
  let kept: Buffer;
  try {
    kept = await readFile(indexPath(path));
  } catch (error) {
    if (isNotThere(error)) return [];
    throw error;
  }
  const entries = parseEntries(kept, size);
  // After a power cut the index may be of a file that never came to the disk: a line begins after a newline.
  const last = entries.at(-1);
  if (last === undefined) return [];
  const before = await readRange(file, last.offset - 1, last.offset);
  return before[0] === NEWLINE ? entries : [];
}

/** The bytes of a file from one offset to another; fewer where it ends before. */
export async function readRange(file: FileHandle, from: number, to: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(Math.max(0, to - from));
  let length = 0;
  while (length < buffer.length) {
    const { bytesRead } = await file.read(buffer, length, buffer.length - length, from + length);
    if (bytesRead === 0) break;
    length += bytesRead;
  }
  return buffer.subarray(0, length);
}

/** Opens a log for reading; undefined where it is not there. */
export async function openForReading(path: string): Promise<FileHandle | undefined> {
  try {
    return await open(path, 'r');
  } catch (error) {
    if (isNotThere(error)) return undefined;
    throw error;
  }
}
