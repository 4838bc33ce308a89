import { createHash } from 'node:crypto';
import type { Dirent } from 'node:fs';
import { constants } from 'node:fs';
import { lstat, open, readdir, readlink, realpath } from 'node:fs/promises';
import { join, sep } from 'node:path';
import dockerignore from '@balena/dockerignore';
import { err, type Failure, ok, type Result } from '@towline/core/result';

const READ_BYTES = 64 * 1024;
/** Files are looked at in parallel, as many at a time. */
const LOOKS = 64;

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
  /** Its bytes; each piece is its receiver's own. */
  content(): AsyncIterable<Uint8Array>;
}

/**
 * The files below a folder less those that are excluded, each after its folder, in the order of their names' bytes.
 * With `only`, no others than these paths.
 * What is no file, folder or link is left out: a pipe would never end, and a socket is nothing without its listener.
 */
export async function* contextFiles(
  folder: string,
  exclude: readonly string[],
  only: readonly string[] = [],
): AsyncGenerator<ContextFile> {
  const ignored = dockerignore.default({ ignorecase: false }).add([...exclude]);
  // A folder that is excluded may have files that are not.
  const exceptions = exclude.some((pattern) => pattern.trim().startsWith('!'));
  yield* below('');

  async function* below(path: string): AsyncGenerator<ContextFile> {
    const entries = await readdir(join(folder, path), { withFileTypes: true });
    entries.sort((a, b) => Buffer.compare(Buffer.from(a.name), Buffer.from(b.name)));
    for (let at = 0; at < entries.length; at += LOOKS) {
      const some = await Promise.all(
        entries.slice(at, at + LOOKS).map(async (entry) => {
          const inner = path === '' ? entry.name : `${path}/${entry.name}`;
          if (only.length > 0 && !only.some((one) => one === inner || one.startsWith(`${inner}/`)))
            return undefined;
          const left = exclude.length > 0 && ignored.ignores(inner);
          if (left && !(exceptions && entry.isDirectory())) return undefined;
          const file = await look(inner, entry);
          return file && { file, left };
        }),
      );
      for (const found of some) {
        if (found === undefined) continue;
        const { file, left } = found;
        if (!left) yield file;
        if (file.kind !== 'folder') continue;
        let told = !left;
        for await (const inner of below(file.path)) {
          // One that is left out is there for what in it is not.
          if (!told) yield file;
          told = true;
          yield inner;
        }
      }
    }
  }

  async function look(path: string, entry: Dirent): Promise<ContextFile | undefined> {
    const kind = entry.isDirectory()
      ? 'folder'
      : entry.isFile()
        ? 'file'
        : entry.isSymbolicLink()
          ? 'link'
          : undefined;
    if (kind === undefined) return undefined;
    const whole = join(folder, path);
    const { mode, size, mtimeNs } = await lstat(whole, { bigint: true });
    return {
      path,
      kind,
      mode: Number(mode) & 0o7777,
      size: kind === 'file' ? Number(size) : 0,
      modified: mtimeNs,
      target: kind === 'link' ? await readlink(whole) : '',
      content: () => bytesOf(whole),
    };
  }
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
    content: async function* () {
      yield bytes;
    },
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

/** Never through a link: the file may have been replaced by one since it was seen. */
async function* bytesOf(path: string): AsyncGenerator<Uint8Array> {
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
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
