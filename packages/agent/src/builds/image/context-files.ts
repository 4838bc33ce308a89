import { createHash } from 'node:crypto';
import { constants, type Dirent, existsSync, lstatSync, readdirSync, readlinkSync } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import { err, type Failure, ok, type Result } from '@towline/core/result';
import type { IgnoreRules } from './ignore-rules.ts';

const READ_BYTES = 64 * 1024;
/** Never through a link: the file may have been replaced by one since it was seen. */
export const OPEN_FLAGS = constants.O_RDONLY | constants.O_NOFOLLOW;

/** A file, folder or symbolic link of a build's context. */
export interface ContextFile {
  /** Relative to the context, with slashes. */
  path: string;
  kind: 'file' | 'folder' | 'link';
  /** Permissions, with setuid, setgid and sticky. */
  mode: number;
  size: number;
  /** Nanoseconds since 1970. */
  modified: bigint;
  /** Where a link points. It is sent as it is, never followed. */
  target: string;
  /** Where its bytes are, of a file: on the disk, to be opened with `OPEN_FLAGS`, or here. */
  source: { path: string } | { bytes: Uint8Array };
}

/**
 * The files below a folder less those that are excluded, each after its folder, in the order of their names' bytes.
 * With `only`, no others than these paths.
 * What is no file, folder or link is left out: a pipe would never end, and a socket is nothing without its listener.
 *
 * Looked at one by one as they are asked for, without a promise for each: the disk's cache answers in microseconds, and
 * whoever asks for many makes pauses.
 */
export function* contextFiles(
  folder: string,
  exclude: IgnoreRules,
  only: readonly string[] = [],
): Generator<ContextFile> {
  yield* below('');

  function* below(path: string): Generator<ContextFile> {
    for (const entry of inOrder(readdirSync(join(folder, path), { withFileTypes: true }))) {
      const inner = path === '' ? entry.name : `${path}/${entry.name}`;
      if (only.length > 0 && !only.some((one) => one === inner || one.startsWith(`${inner}/`))) continue;
      const left = exclude.ignores(inner);
      if (left && !(exclude.exceptions && entry.isDirectory())) continue;
      const file = look(inner, entry);
      if (file === undefined) continue;
      if (!left) yield file;
      if (file.kind !== 'folder') continue;
      let told = !left;
      for (const one of below(file.path)) {
        // One that is left out is there for what in it is not.
        if (!told) yield file;
        told = true;
        yield one;
      }
    }
  }

  function look(path: string, entry: Dirent): ContextFile | undefined {
    const kind = entry.isFile()
      ? 'file'
      : entry.isDirectory()
        ? 'folder'
        : entry.isSymbolicLink()
          ? 'link'
          : undefined;
    if (kind === undefined) return undefined;
    if (path.includes('\ufffd') && !existsSync(join(folder, path))) {
      // Read as text it is another name than the disk's.
      throw new Error(
        `the name of "${path}" in the source is no UTF-8: rename it in the repository, or leave it out by .dockerignore`,
      );
    }
    const whole = `${folder}${sep}${path}`;
    const { mode, size, mtimeNs } = lstatSync(whole, { bigint: true });
    return {
      path,
      kind,
      mode: Number(mode) & 0o7777,
      size: kind === 'file' ? Number(size) : 0,
      modified: mtimeNs,
      target: kind === 'link' ? readlinkSync(whole) : '',
      source: { path: whole },
    };
  }
}

/** By the bytes of their names. */
function inOrder(entries: Dirent[]): Dirent[] {
  // Without surrogates, that is the order of the characters.
  const plain = entries.every(({ name }) => !/[\ud800-\udfff]/.test(name));
  return entries.sort((a, b) =>
    plain ? (a.name < b.name ? -1 : 1) : Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)),
  );
}

/**
 * A file that is not on the disk. BuildKit takes one of the same length and time for the one that it has from the last
 * build, so the time follows from the text.
 */
export function textFile(path: string, text: string): ContextFile {
  const bytes = Buffer.from(text);
  const hash = createHash('sha256').update(bytes).digest('hex');
  return {
    path,
    kind: 'file',
    mode: 0o644,
    size: bytes.length,
    // Up to three days after 1970.
    modified: BigInt(`0x${hash.slice(0, 12)}`),
    target: '',
    source: { bytes },
  };
}

/**
 * A path below a folder with all links resolved. Errors: `outside-source` (a link leads out of the folder),
 * `not-in-source`.
 */
export async function resolveInside(
  folder: string,
  path: string,
): Promise<Result<string, Failure<'outside-source' | 'not-in-source'>>> {
  try {
    const root = await realpath(folder);
    const found = await realpath(join(root, path));
    if (found === root || found.startsWith(root + sep)) return ok(found);
    return err({
      code: 'outside-source',
      message: `"${path}" leads out of the source. Name a path inside of the repository.`,
    });
  } catch {
    return err({
      code: 'not-in-source',
      message: `The source has no "${path}". Check the path in the build's definition, and the branch.`,
    });
  }
}

/** A file's bytes; each piece is its receiver's own. */
export async function* contentOf({ source }: ContextFile): AsyncGenerator<Uint8Array> {
  if ('bytes' in source) {
    yield source.bytes;
    return;
  }
  const handle = await open(source.path, OPEN_FLAGS);
  try {
    for (;;) {
      const { bytesRead, buffer } = await handle.read({ buffer: Buffer.allocUnsafe(READ_BYTES) });
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
      if (bytesRead < READ_BYTES) return;
    }
  } finally {
    await handle.close();
  }
}
