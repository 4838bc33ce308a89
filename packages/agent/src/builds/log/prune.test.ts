import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { decidePrune } from './prune.ts';
import { pruneLogs } from './prune-logs.ts';

const log = (path: string, bytes: number, writtenAt: number) => ({ path, bytes, writtenAt });
const paths = (logs: readonly { path: string }[]) => logs.map(({ path }) => path).sort();

test('what is too old goes, and the oldest of what is too much', () => {
  const logs = [log('a', 10, 100), log('b', 10, 200), log('c', 10, 300), log('d', 10, 400)];
  const decide = (maxAgeMs: number, maxBytes: number, inUse: string[] = []) =>
    paths(decidePrune(logs, { maxAgeMs, maxBytes }, 400, new Set(inUse)));
  expect(decide(1_000, 1_000)).toEqual([]);
  expect(decide(150, 1_000)).toEqual(['a', 'b']);
  expect(decide(1_000, 25)).toEqual(['a', 'b']);
  expect(decide(1_000, 25, ['a'])).toEqual(['b', 'c']);
  expect(decide(0, 0, ['a', 'd'])).toEqual(['b', 'c']);
});

test('what stays is within the limits, or in use', () => {
  const any = fc.array(fc.tuple(fc.nat(50), fc.nat(100)), { maxLength: 20 });
  fc.assert(
    fc.property(any, fc.nat(300), fc.nat(100), (files, maxBytes, maxAgeMs) => {
      const logs = files.map(([bytes, at], n) => log(`${n}`, bytes, at));
      const gone = new Set(decidePrune(logs, { maxAgeMs, maxBytes }, 100));
      const left = logs.filter((each) => !gone.has(each));
      expect(left.reduce((sum, { bytes }) => sum + bytes, 0)).toBeLessThanOrEqual(maxBytes);
      for (const each of left) expect(100 - each.writtenAt).toBeLessThanOrEqual(maxAgeMs);
    }),
  );
});

test('logs go with their index and the folders that are empty by that; other files stay', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-prune-'));
  try {
    const now = new Date('2026-01-10T00:00:00Z');
    for (const [name, day] of [
      ['shop/1/build.log', 1],
      ['shop/1/build.log.index', 1],
      ['shop/2/build.log', 9],
      ['other/notes', 1],
    ] as const) {
      const path = join(dir, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, 'x');
      const at = new Date(Date.UTC(2026, 0, day));
      await utimes(path, at, at);
    }
    const limits = { maxAgeMs: 5 * 24 * 3_600_000, maxBytes: 1_000 };
    expect(await pruneLogs({ dir, limits, now })).toEqual([join(dir, 'shop/1/build.log')]);
    expect((await readdir(dir, { recursive: true })).sort()).toEqual(
      ['other', 'other/notes', 'shop', 'shop/2', 'shop/2/build.log'].sort(),
    );
    expect(await pruneLogs({ dir: join(dir, 'none'), limits, now })).toEqual([]);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
});
