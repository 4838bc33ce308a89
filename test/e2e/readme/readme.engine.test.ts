import { execFile, spawn } from 'node:child_process';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { CHECKOUT, readmeBlocks } from './blocks.ts';

/** An installation from nothing is part of it. */
const MINUTES = 60_000;

/** The commands of the README's shell blocks, in its order. `npm test` is what runs this. */
const commands = (await readmeBlocks('sh'))
  .flatMap((block) => block.trim().split('\n'))
  .filter((command) => command !== 'npm test');

let folder: string;
let clone: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tl-readme-'));
  clone = join(folder, 'towline');
  await mkdir(join(folder, 'home'));
  // What a clone would have, were everything committed.
  const listed = await promisify(execFile)(
    'git',
    ['ls-files', '-z', '--cached', '--others', '--exclude-standard'],
    { cwd: CHECKOUT },
  );
  for (const file of listed.stdout.split('\0').filter((name) => name !== '')) {
    await mkdir(dirname(join(clone, file)), { recursive: true });
    await copyFile(join(CHECKOUT, file), join(clone, file)).catch((error: NodeJS.ErrnoException) => {
      // Deleted, and not yet committed.
      if (error.code !== 'ENOENT') throw error;
    });
  }
});

afterAll(async () => {
  await run('npm run demo:down');
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}, MINUTES);

/** As a newcomer's shell would, with an empty home and without a terminal. */
function run(command: string): Promise<{ code: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn('sh', ['-c', command], {
      cwd: clone,
      env: { PATH: pathOfTheMachine(), HOME: join(folder, 'home'), TERM: 'dumb' },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8');
      stream.on('data', (text: string) => {
        output += text;
      });
    }
    child.once('error', reject);
    child.once('close', (code) => resolve({ code, output }));
  });
}

/** Without what runs the tests: the Node that the machine has is the one that a newcomer has. */
function pathOfTheMachine(): string {
  const entries = (process.env.PATH ?? '').split(':');
  return entries.filter((entry) => !entry.includes('node_modules')).join(':');
}

test('the README has the commands that a newcomer needs', () => {
  expect(commands).toContain('npm run demo');
  expect(commands.at(-1)).toBe('npm run demo:down');
});

test.each(commands)('%s', { timeout: 5 * MINUTES }, async (command) => {
  const { code, output } = await run(command);
  expect(output).not.toMatch(/^\s+at .*:\d+:\d+\)?$/m);
  expect(code, output).toBe(0);
});
