import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { JobFiles } from './job-files.ts';

let dir: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-job-files-'));
});
afterEach(() => rm(dir, { recursive: true }));

async function read(...lines: object[]): Promise<{ lines: object[]; problems: string[]; files: number }> {
  const problems: string[] = [];
  const files = new JobFiles(dir, { onProblem: (said) => problems.push(said), now: () => new Date() });
  await writeFile(join(dir, 'j.ndjson'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  return { lines: await files.read('j'), problems, files: (await readdir(dir)).length };
}

const at = '2026-01-02T03:04:05.678Z';
const started = { type: 'started', seq: 1, at };
const ended = { type: 'ended', seq: 3, at, state: 'CANCELLED' };

test('an event that only a newer agent knows is read over, and what comes after it counts', async () => {
  const newer = { type: 'paused', seq: 2, at, why: { a: 'reason' } };
  expect(await read(started, newer, ended)).toEqual({ lines: [started, ended], problems: [], files: 1 });
});

test.each([{ type: 'ended', seq: 2, at, state: 'PERHAPS' }, { record: 'paused' }, { type: 'paused' }])(
  '%j is damage, and what comes after it is set aside',
  async (line) => {
    const { lines, problems, files } = await read(started, line, ended);
    expect(lines).toEqual([started]);
    expect(problems).toHaveLength(1);
    expect(files).toBe(2);
  },
);
