import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const CHECKOUT = fileURLToPath(new URL('../../../', import.meta.url));

/** The README's blocks of a language, in its order; `''` has those that name none. */
export async function readmeBlocks(language: string): Promise<string[]> {
  const text = await readFile(join(CHECKOUT, 'README.md'), 'utf8');
  return [...text.matchAll(/^```(\w*)\n([\s\S]*?)^```$/gm)].flatMap(([, named, block = '']) =>
    named === language ? [block] : [],
  );
}
