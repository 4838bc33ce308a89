import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasLoopDevices, mountLosableDisk } from '@towline/test/sandbox';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { openJournal, readJournal } from './index.ts';

let dir: string;
let small: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-full-'));
  small = join(dir, 'small');
  await mkdir(small);
  await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', small]);
});
afterEach(async () => {
  await execa('umount', [small]);
  await rm(dir, { recursive: true, force: true });
});

test('a line that a full disk tore does not take those after it with it', async () => {
  const path = join(small, 'a.ndjson');
  const journal = await openJournal<{ n: number; text?: string }>(path);
  await journal.append({ n: 1 }, { durable: true });
  await writeFile(join(small, 'filler'), Buffer.alloc(56 * 1024));
  await expect(journal.append({ n: 2, text: 'x'.repeat(16 * 1024) }, { durable: true })).rejects.toThrow(
    'ENOSPC',
  );
  expect(await readFile(path, 'utf8')).toBe('{"n":1}\n');
  await rm(join(small, 'filler'));
  await journal.append({ n: 3 }, { durable: true });
  await journal.close();
  expect(await read(path)).toEqual([{ n: 1 }, { n: 3 }]);
});

test.skipIf(!hasLoopDevices())(
  'a line of which the disk says that it does not have it is not read later',
  async () => {
    const disk = await mountLosableDisk(join(dir, 'disk'), 4 * 1024 * 1024);
    try {
      const path = join(dir, 'disk', 'a.ndjson');
      const journal = await openJournal<{ n: number; text?: string }>(path);
      await journal.append({ n: 1 }, { durable: true });
      await disk.failSyncs();
      const long = { n: 2, text: 'x'.repeat(100 * 1024) };
      await expect(journal.append(long, { durable: true })).rejects.toThrow('sync');
      await journal.close();
      expect(await read(path)).toEqual([{ n: 1 }]);
    } finally {
      await disk.close();
    }
  },
);

/** The entries, where nothing is wrong with the file. */
async function read(path: string): Promise<{ n: number }[]> {
  const problems: string[] = [];
  const entries = await readJournal({
    path,
    schema: z.object({ n: z.number() }),
    onProblem: (problem) => void problems.push(problem),
    now: () => new Date(),
  });
  expect(problems).toEqual([]);
  return entries;
}
