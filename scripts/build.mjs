// Bundles the two programs, so that they start in a third of the time that their sources take:
//   packages/agent/src/main.ts -> packages/agent/dist/towline-agent.cjs  one file
//   packages/tui/src/main.ts   -> packages/tui/dist/towline.js           and the screens, loaded when they are drawn, and its thread
// `build.mjs FOLDER` makes them in this folder instead of the checkout, with what starts them, for the tests.
import { cp, readdir, readFile, rm } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = resolve(process.argv[2] ?? root);

/** As `packages/tui/src/install/node-binary.ts` has it. */
const LEAST_NODE = 22;

// Before anything else: an older one ends where it first misses something, in the middle of its work, and says what that was.
const tooOld = [
  `if (Number.parseInt(process.version.slice(1), 10) < ${LEAST_NODE}) {`,
  `process.stderr.write(\`Towline needs Node ${LEAST_NODE} or later; \${process.execPath} is \${process.version}.\\n\`);`,
  'process.exit(1); }',
].join(' ');

// What CommonJS packages find where they are: an ES module has neither.
const banner = [
  tooOld,
  "import { createRequire as towlineCreateRequire } from 'node:module';",
  'const require = towlineCreateRequire(import.meta.url);',
  'const __dirname = import.meta.dirname;',
  'const __filename = import.meta.filename;',
].join('\n');

/** Packages that the programs do without: each is left as the failure, or the nothing, that its users are ready for. */
const leftOut = {
  name: 'left-out',
  setup({ onResolve, onLoad }) {
    // Ink imports it in development only.
    onResolve({ filter: /^react-devtools-core$/ }, ({ path }) => ({ path, namespace: 'nothing' }));
    onLoad({ filter: /.*/, namespace: 'nothing' }, () => ({ contents: 'export default {};' }));
    // Engines over SSH, which the agent refuses.
    onResolve({ filter: /^ssh2$/ }, ({ path, importer }) =>
      /[\\/]docker-modem[\\/]/.test(importer) ? { path, namespace: 'nothing' } : undefined,
    );
    // ssh2 goes on with Node's own crypto where its native parts can't be loaded.
    onResolve({ filter: /\.node$|^cpu-features$/ }, ({ path }) => ({ path, namespace: 'native' }));
    onLoad({ filter: /.*/, namespace: 'native' }, ({ path }) => ({
      contents: `throw new Error(${JSON.stringify(`${path} is not in the bundle`)});`,
    }));
  },
};

/** Parts of Node that a library wants at its start and an agent may never use: each is loaded where something of it is used first. */
const late = {
  name: 'late',
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^(node:)?(https|tls)$/ }, ({ path, namespace }) =>
      namespace === 'late'
        ? { path, external: true }
        : { path: path.replace('node:', ''), namespace: 'late' },
    );
    onLoad({ filter: /.*/, namespace: 'late' }, async ({ path }) => {
      const names = Object.keys(await import(`node:${path}`)).filter((name) => name !== 'default');
      const getters = names.map((name) => `get ${name}() { return require('node:${path}').${name}; }`);
      return { contents: `module.exports = { ${getters.join(', ')} };` };
    });
  },
};

/**
 * What an idle agent has in memory is counted (docs/decisions/0025-what-an-idle-agent-holds.md). CommonJS: an ES module's `import`
 * of node:http reads all that it exports, and loads Node's fetch by that. Short, since the text stays in memory; the names stay, and
 * the lines, of which Node shows the one that threw.
 */
const sparing = {
  format: 'cjs',
  banner: { js: tooOld },
  outExtension: { '.js': '.cjs' },
  minifyWhitespace: true,
  minifySyntax: true,
  lineLimit: 160,
  plugins: [leftOut, late],
};
const screens = {
  format: 'esm',
  splitting: true,
  chunkNames: 'part-[name]-[hash]',
  banner: { js: banner },
  // Names in a report of a crash are worth more than the bytes.
  keepNames: true,
  plugins: [leftOut],
};

/** @param {string} folder @param {Record<string, string>} programs @param {import('esbuild').BuildOptions} options */
async function bundle(folder, programs, options) {
  const outdir = join(target, folder, 'dist');
  for (const file of await readdir(outdir).catch(() => [])) {
    if (/\.c?js$/.test(file)) await rm(join(outdir, file));
  }
  for (const file of target === root ? [] : ['package.json', 'bin']) {
    await cp(join(root, folder, file), join(target, folder, file), { recursive: true });
  }
  await build({
    absWorkingDir: root,
    entryPoints: Object.entries(programs).map(([out, source]) => ({ in: join(folder, 'src', source), out })),
    outdir,
    bundle: true,
    platform: 'node',
    target: `node${LEAST_NODE}`,
    mainFields: ['module', 'main'],
    define: { 'process.env.NODE_ENV': '"production"' },
    legalComments: 'none',
    logLevel: 'warning',
    ...options,
  });
}

/** With one letter beyond ASCII a text takes twice its memory. esbuild escapes them but in regular expressions. */
async function demandAscii(path) {
  const text = await readFile(join(target, path), 'utf8');
  const [foreign] = text.match(/[^\n]{0,40}[^\0-\x7f]/) ?? [];
  if (foreign !== undefined)
    throw new Error(`Write the last character of this with \\u, in ${path}: ${foreign}`);
}

try {
  await Promise.all([
    bundle('packages/agent', { 'towline-agent': 'main.ts' }, sparing),
    bundle(
      'packages/tui',
      { towline: 'main.ts', 'unlock-key-worker': 'link/ssh/unlock-key-worker.ts' },
      screens,
    ),
  ]);
  await demandAscii('packages/agent/dist/towline-agent.cjs');
  process.stdout.write(
    `Built packages/agent/dist/towline-agent.cjs and packages/tui/dist/towline.js${target === root ? '' : ` in ${target}`}.\n`,
  );
} catch (error) {
  // esbuild has said already what is wrong with the sources, and where.
  const { errors } = /** @type {{ errors?: unknown }} */ (error);
  if (!Array.isArray(errors)) throw error;
  process.exitCode = 1;
}
