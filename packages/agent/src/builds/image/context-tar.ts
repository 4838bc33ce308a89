import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { pack as createPack } from 'tar-stream';
import { type ContextFile, contentOf } from './context-files.ts';

/** Files as a tar, for the classic builder. All of it is root's, as the docker command has it. */
export function tarOf(files: Iterable<ContextFile>): Readable {
  const pack = createPack();
  const write = async () => {
    for (const file of files) {
      const common = {
        name: file.path,
        mode: file.mode,
        uid: 0,
        gid: 0,
        mtime: new Date(Number(file.modified / 1_000_000n)),
      };
      if (file.kind === 'file') {
        await pipeline(contentOf(file), pack.entry({ ...common, type: 'file', size: file.size }));
      } else {
        const kind =
          file.kind === 'folder'
            ? ({ type: 'directory' } as const)
            : ({ type: 'symlink', linkname: file.target } as const);
        await new Promise<void>((resolve, reject) => {
          pack.entry({ ...common, ...kind }, (error) => (error ? reject(error) : resolve()));
        });
      }
    }
    pack.finalize();
  };
  write().catch((error: unknown) => pack.destroy(error instanceof Error ? error : new Error(String(error))));
  return Readable.from(pack, { objectMode: false });
}
