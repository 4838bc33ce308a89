import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

// What CommonJS packages find where they are: an ES module has neither.
const BANNER = [
  "import { createRequire as towlineCreateRequire } from 'node:module';",
  'const require = towlineCreateRequire(import.meta.url);',
  'const __dirname = import.meta.dirname;',
  'const __filename = import.meta.filename;',
].join('\n');

interface BundledProgram {
  /** The file to run with Node. */
  program: string;
  remove(): Promise<void>;
}

/** A program of screens from its sources as they are now: Node takes types off, but not what JSX is. */
export async function bundleProgram(source: URL): Promise<BundledProgram> {
  const dir = await mkdtemp(join(tmpdir(), 'towline-program-'));
  await build({
    entryPoints: { program: fileURLToPath(source) },
    outdir: dir,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    // A chunk apart for the screens, as in the real bundle: colours are decided when it is loaded.
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22',
    mainFields: ['module', 'main'],
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: { js: BANNER },
    plugins: [
      {
        name: 'left-out',
        setup: ({ onResolve, onLoad }) => {
          // Ink imports the first in development only; ssh2 goes on with Node's own crypto without the others.
          onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'nothing' }));
          onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'export default {};' }));
          onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
          onLoad({ filter: /.*/, namespace: 'native' }, () => ({
            contents: "throw new Error('not in the bundle');",
          }));
        },
      },
    ],
    logLevel: 'warning',
  });
  return {
    program: join(dir, 'program.mjs'),
    remove: () => rm(dir, { recursive: true, force: true }),
  };
}
