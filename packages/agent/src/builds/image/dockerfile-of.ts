import { readFile, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import { resolveInside } from './context-files.ts';

/** No Dockerfile is as large. */
const MAX_BYTES = 1024 * 1024;

export interface FoundDockerfile {
  text: string;
  /** The text of `<Dockerfile>.dockerignore` beside it, which goes before the context's own. */
  ignore: string | undefined;
}

/** The Dockerfile of a source, by its path there. Errors: `not-in-source`, `outside-source`, `dockerfile`. */
export async function readDockerfile(
  source: string,
  path: string,
): Promise<
  Result<FoundDockerfile, { code: 'not-in-source' | 'outside-source' | 'dockerfile'; message: string }>
> {
  const found = await resolveInside(source, path);
  if (!found.ok) return found;
  const text = await readText(found.value);
  if (text === undefined)
    return err({
      code: 'dockerfile',
      message: `"${path}" is no Dockerfile: it is no file, or a very large one.`,
    });
  const beside = await resolveInside(source, join(dirname(path), `${basename(path)}.dockerignore`));
  return ok({ text, ignore: beside.ok ? await readText(beside.value) : undefined });
}

const IGNORE = '.dockerignore';

/** What is left out of a context: by the file beside the Dockerfile, or else by the context's own. */
export async function readIgnoreFile(context: string, beside: string | undefined): Promise<string> {
  if (beside !== undefined) return beside;
  const path = await resolveInside(context, IGNORE);
  return (path.ok ? await readText(path.value) : undefined) ?? '';
}

/** Undefined where it is no file, or too large. */
async function readText(path: string): Promise<string | undefined> {
  const { size, isFile } = await stat(path).then((found) => ({ size: found.size, isFile: found.isFile() }));
  return isFile && size <= MAX_BYTES ? await readFile(path, 'utf8') : undefined;
}
