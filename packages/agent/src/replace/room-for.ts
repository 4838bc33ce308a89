import { statfs } from 'node:fs/promises';
import type { Refusal } from '@towline/core/rules';
import type { Engine, EngineInfo } from '../engine/index.ts';
import type { Manifest } from '../registry/index.ts';

/**
 * Refuses a pull that must fail: it would fill the disk for everything else on the machine first. Compressed layers are
 * counted, the ones that the engine has are not: unpacked they take more, so what is said to lack does lack, and a pull
 * that is let through may still end with a full disk. Rejects with `EngineError`.
 */
export async function refuseRoom(
  { engine, info }: { engine: Engine; info: EngineInfo },
  { container, ref }: { container: string; ref: string },
  { layers }: Manifest,
): Promise<Refusal | undefined> {
  const free = await freeBytes(info.rootDir);
  if (free === undefined || layers === undefined) return undefined;
  if (bytesToPull(layers, new Set()) <= free) return undefined;
  // Asked for only now: it takes a request for each image.
  const needed = bytesToPull(layers, await engine.imageLayers());
  if (needed <= free) return undefined;
  return {
    code: 'no-space',
    message: `${ref} takes ${megabytes(needed)} to pull and more unpacked, and ${info.rootDir} has ${megabytes(free)} free. Free some space there, for example of images that nothing uses.`,
    container,
  };
}

const megabytes = (bytes: number) => `${(bytes / 1e6).toFixed(1)} MB`;

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
