import { mkdir, mkdtemp, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { judgeToken } from './judge-token.ts';
import { createToken, readTokens, revokeToken, tokensDir } from './token-store.ts';

const NOW = Date.parse('2026-01-02T03:04:05Z');
let dir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-tokens-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function judged(token: string, now = NOW): Promise<string> {
  const { tokens } = await readTokens(dir);
  const result = judgeToken(`Bearer ${token}`, tokens, now);
  return result.ok ? `${result.value.name}, ${result.value.role}` : result.error.code;
}

async function made(name: string, expiresAt?: number): Promise<string> {
  const token = await createToken(dir, { name, role: 'operator', expiresAt }, NOW);
  if (!token.ok) throw new Error(token.error.message);
  return token.value;
}

test('a token lets its owner in until it is revoked, and stands nowhere', async () => {
  const anna = await made('anna@desk');
  const board = await createToken(dir, { name: 'board', role: 'viewer' }, NOW);
  expect(board.ok && (await judged(board.value))).toBe('board, viewer');
  expect(await judged(anna)).toBe('anna@desk, operator');
  expect(await createToken(dir, { name: 'anna@desk', role: 'viewer' }, NOW)).toMatchObject({
    ok: false,
    error: { code: 'token-exists', message: expect.stringContaining('token revoke anna@desk') },
  });

  const files = await readdir(tokensDir(dir));
  expect(files).toEqual(['anna@desk.json', 'board.json']);
  for (const file of files) {
    const path = join(tokensDir(dir), file);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readFile(path, 'utf8')).not.toContain(anna.slice('towline_'.length));
  }
  expect((await stat(tokensDir(dir))).mode & 0o777).toBe(0o700);

  expect(await revokeToken(dir, 'anna@desk', NOW)).toEqual({ ok: true, value: true });
  expect(await revokeToken(dir, 'anna@desk', NOW)).toEqual({ ok: true, value: false });
  expect(await judged(anna)).toBe('token-revoked');
  // The name is free again, and what had it before is still told why.
  const next = await made('anna@desk');
  expect([await judged(next), await judged(anna)]).toEqual(['anna@desk, operator', 'token-revoked']);
});

test('an expired token is told so, and its name is free', async () => {
  const old = await made('ci', NOW + 1000);
  expect(await judged(old, NOW + 999)).toBe('ci, operator');
  expect(await judged(old, NOW + 1000)).toBe('token-expired');
  expect(await createToken(dir, { name: 'ci', role: 'operator' }, NOW)).toMatchObject({ ok: false });
  expect(await createToken(dir, { name: 'ci', role: 'operator' }, NOW + 1000)).toMatchObject({ ok: true });
});

test.each(['', '.hidden', '../up', 'a/b', 'a b', 'x'.repeat(65), 'ä'])('%j is no name', async (name) => {
  for (const result of [
    await createToken(dir, { name, role: 'viewer' }, NOW),
    await revokeToken(dir, name, NOW),
  ]) {
    expect(result).toMatchObject({ ok: false, error: { code: 'token-name' } });
  }
});

test('what is damaged lets nobody in, and says so; others go on', async () => {
  const anna = await made('anna');
  await mkdir(tokensDir(dir), { recursive: true });
  await writeFile(join(tokensDir(dir), 'torn.json'), '{"name":"to');
  // A file under another name is not what it says.
  await writeFile(join(tokensDir(dir), 'bert.json'), await readFile(join(tokensDir(dir), 'anna.json')));
  const { tokens, problems } = await readTokens(dir);
  expect(tokens.map(({ name }) => name)).toEqual(['anna']);
  expect(problems).toEqual([expect.stringContaining('torn.json')]);
  expect(await judged(anna)).toBe('anna, operator');
});

test('a folder that is none is an error with what to do', async () => {
  await writeFile(tokensDir(dir), '');
  expect(await createToken(dir, { name: 'anna', role: 'viewer' }, NOW)).toMatchObject({
    error: { code: 'token-store', message: expect.stringContaining('--state-dir') },
  });
  expect((await readTokens(dir)).problems).toHaveLength(1);
});

test('a lock that a killed program left is in nobody’s way', async () => {
  const lock = join(tokensDir(dir), '.anna.lock');
  await mkdir(tokensDir(dir));
  await writeFile(lock, '');
  const longAgo = new Date(Date.now() - 60_000);
  await utimes(lock, longAgo, longAgo);
  expect(await judged(await made('anna'))).toBe('anna, operator');
});

test('revoking what is not there names what says what is', async () => {
  expect(await revokeToken(dir, 'nobody', NOW)).toMatchObject({
    error: { code: 'no-such-token', message: expect.stringContaining('token list') },
  });
});

test('whatever is made and revoked, side by side: one good token a name, all others stay out', async () => {
  const step = fc.record({
    name: fc.constantFrom('a', 'b'),
    action: fc.constantFrom('create', 'create', 'revoke'),
  });
  // Those of one round are begun at once, as by several programs.
  const rounds = fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), { maxLength: 6 });
  let run = 0;
  await fc.assert(
    fc.asyncProperty(rounds, async (all) => {
      const state = join(dir, String(run++));
      await mkdir(state);
      const good = new Map<string, string>();
      const ended: string[] = [];
      for (const round of all) {
        const results = await Promise.all(
          round.map(async ({ name, action }) => ({
            name,
            revoked: action === 'revoke' && (await revokeToken(state, name, NOW)).ok,
            created:
              action === 'create' ? await createToken(state, { name, role: 'viewer' }, NOW) : undefined,
          })),
        );
        for (const name of ['a', 'b']) {
          const own = results.filter((result) => result.name === name);
          const created = own.flatMap((result) => (result.created?.ok ? [result.created.value] : []));
          const before = good.get(name);
          const all = before === undefined ? created : [before, ...created];
          const { tokens } = await readTokens(state);
          const lives = all.filter((token) => judgeToken(`Bearer ${token}`, tokens, NOW).ok);
          expect(lives.length).toBeLessThanOrEqual(1);
          if (!own.some(({ revoked }) => revoked)) expect(lives).toEqual(all);
          good.delete(name);
          if (lives[0] !== undefined) good.set(name, lives[0]);
          ended.push(...all.filter((token) => !lives.includes(token)));
        }
        const { tokens, problems } = await readTokens(state);
        expect(problems).toEqual([]);
        for (const token of ended) expect(judgeToken(`Bearer ${token}`, tokens, NOW).ok).toBe(false);
      }
      const left = all.length === 0 ? [] : await readdir(tokensDir(state));
      expect(left.filter((file) => !/^[ab]\.json$/.test(file))).toEqual([]);
    }),
    { numRuns: 25 },
  );
});
