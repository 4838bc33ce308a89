import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { fileNameOf, openSecretStore } from './index.ts';

let root: string;
let dir: string;
let problems: string[];
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'tl-secrets-'));
  dir = join(root, 'secrets');
  problems = [];
});
afterEach(() => rm(root, { recursive: true, force: true }));

const now = () => new Date('2026-01-02T03:04:05.678Z');
const open = () => openSecretStore({ dir, onProblem: (problem) => void problems.push(problem), now });

test('what was put is used after a restart, and only its name is told', async () => {
  const store = await open();
  expect(await store.put('shop', 'git-token', 'correct horse')).toEqual({
    ok: true,
    value: { masked: true },
  });
  expect(await store.put('shop', 'pin', '123')).toEqual({ ok: true, value: { masked: false } });
  await store.put('shop/../../x', 'other', 'elsewhere');
  const again = await open();
  expect(await again.names('shop')).toEqual([
    { name: 'git-token', changedAt: now().toISOString() },
    { name: 'pin', changedAt: now().toISOString() },
  ]);
  const used = await again.use('shop', ['git-token', 'git-token']);
  expect(used.ok && [...used.value]).toEqual([['git-token', 'correct horse']]);
  expect(await again.remove('shop', 'git-token')).toBe(true);
  expect(await again.remove('shop', 'git-token')).toBe(false);
  expect((await again.use('shop', ['git-token', 'pin', 'constructor'])).ok).toBe(false);
  expect(await readdir(root)).toEqual(['secrets']);
  expect(problems).toEqual([]);
});

test('one that is not there is named, with what to do', async () => {
  const used = await (await open()).use('shop', ['a', 'b']);
  expect(used).toEqual({
    ok: false,
    error: {
      code: 'no-such-secret',
      message: 'The agent has no secrets a, b for shop. Put them there first.',
    },
  });
});

test('files are for their owner alone', async () => {
  await (await open()).put('shop', 'token', 'correct horse');
  expect((await stat(dir)).mode & 0o777).toBe(0o700);
  for (const file of await readdir(dir)) expect((await stat(join(dir, file))).mode & 0o777).toBe(0o600);
});

test.each([
  ['', 'value', 'bad-secret-name'],
  ['../x', 'value', 'bad-secret-name'],
  ['-x', 'value', 'bad-secret-name'],
  // It would be written, and gone when it is read.
  ['__proto__', 'value', 'bad-secret-name'],
  ['x', '', 'bad-secret-value'],
  ['x', 'v'.repeat(500 * 1024 + 1), 'bad-secret-value'],
])('%j with a value that does not fit is refused, and never quoted', async (name, value, code) => {
  const result = await (await open()).put('shop', name, value);
  expect(result.ok ? undefined : result.error.code).toBe(code);
  if (value !== '') expect(JSON.stringify(result)).not.toContain(value);
});

test('a damaged file is set aside, and no word of it is told', async () => {
  const store = await open();
  await store.put('shop', 'token', 'correct horse');
  const path = join(dir, 'shop.json');
  const damaged = (await readFile(path, 'utf8')).slice(0, -5);
  await writeFile(path, damaged);
  const again = await open();
  expect(await again.names('shop')).toEqual([]);
  expect(problems).toHaveLength(1);
  expect(problems.join()).not.toContain('horse');
  const aside = (await readdir(dir)).find((name) => name.includes('.corrupt-'));
  expect(await readFile(join(dir, aside ?? ''), 'utf8')).toBe(damaged);
  await again.put('shop', 'token', 'another');
  expect(await (await open()).names('shop')).toHaveLength(1);
});

test('every text has a file name of its own, within its folder', () => {
  const texts = [
    'a',
    'A/b',
    '.',
    '..',
    '',
    '../..',
    'a'.repeat(400),
    `${'a'.repeat(400)}b`,
    'ü',
    '%',
    '\ud800',
  ];
  const names = texts.map(fileNameOf);
  expect(new Set(names).size).toBe(texts.length);
  for (const name of names) expect(name).toMatch(/^[\w%-][\w%-]{0,149}$/);
});
