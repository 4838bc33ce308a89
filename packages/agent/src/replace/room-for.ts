import { statfs } from 'node:fs/promises';
import type { Engine, EngineInfo } from '../engine/index.ts';
import type { Manifest } from '../registry/index.ts';

/**
 * What a pull lacks on the engine's disk, in bytes; undefined where nothing is known to be lacking. Compressed layers are
 * counted, the ones that the engine has are not: unpacked they take more, so what is said to lack does lack, and a pull
 * that is let through may still end with a full disk.
 */
export async function lacksRoom(
  engine: Engine,
  info: EngineInfo,
  { layers }: Manifest,
): Promise<{ needed: number; free: number } | undefined> {
  const free = await freeBytes(info.rootDir);
  if (free === undefined || layers === undefined) return undefined;
  if (bytesToPull(layers, new Set()) <= free) return undefined;
  // Asked for only now: it takes a request for each image.
  const needed = bytesToPull(layers, await engine.imageLayers());
  return needed > free ? { needed, free } : undefined;
}

/** Pure. A layer whose digest is not known is not there. */
export function bytesToPull(layers: NonNullable<Manifest['layers']>, present: ReadonlySet<string>): number {
  return layers
    .filter(({ diffId }) => diffId === undefined || !present.has(diffId))
    .reduce((sum, { size }) => sum + size, 0);
}

/** Undefined where the engine's folder is not on this machine, or can't be looked at. */
async function freeBytes(folder: string | undefined): Promise<number | undefined> {
  if (folder === undefined) return undefined;
  try {
    const { bavail, bsize } = await statfs(folder);
    return bavail * bsize;
  } catch {
    return undefined;
  }
}
