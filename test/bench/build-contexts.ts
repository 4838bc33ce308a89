import { randomBytes } from 'node:crypto';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';

export type Files = Readonly<Record<string, Uint8Array>>;

const KIB = 1024;

/** The contexts that images are made of. Each call makes the same files with other bytes. */
export const CONTEXTS = {
  small: () => filesOf(3, 2 * KIB),
  many: () => filesOf(3_000, 2 * KIB),
  large: () => filesOf(3, 50 * KIB * KIB),
} as const;

export const CONTEXT_WORDS = { small: 'a small context', many: '3,000 files', large: '150 MB' } as const;

export type ContextName = keyof typeof CONTEXTS;
export const CONTEXT_NAMES = ['small', 'many', 'large'] as const satisfies readonly ContextName[];

function filesOf(count: number, size: number): Files {
  return Object.fromEntries(
    Array.from({ length: count }, (_, at) => {
      // Repeated: git would take longer to press random bytes than all builds take.
      const block = randomBytes(Math.min(size, 32 * KIB));
      return [`d${at % 30}/f${at}`, Buffer.alloc(size, block)];
    }),
  );
}

/** Puts a folder with these files, and no others, in the place of what is there. */
export async function writeContext(folder: string, files: Files): Promise<void> {
  await rm(folder, { recursive: true, force: true });
  for (const [name, bytes] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), bytes);
  }
}
