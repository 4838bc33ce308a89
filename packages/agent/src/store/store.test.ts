import { appendFile, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import * as z from 'zod';
import { openDocument, openJournal, readJournal } from './index.ts';

const now = () => new Date('2026-01-02T03:04:05.678Z');
const line = z.object({ n: z.number() });
let dir: string;
let problems: string[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-store-'));
  problems = [];
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const onProblem = (problem: string) => void problems.push(problem);
const read = (path: string) => readJournal({ path, schema: line, onProblem, now });
const document = (path: string) =>
  openDocument({
    path,
    schema: z.object({ list: z.array(z.number()) }),
    initial: { list: [] },
    onProblem,
    now,
  });

test('a journal gives back what was appended, in order, by any mix of durable and not', async () => {
  const path = join(dir, 'a.ndjson');
  const journal = await openJournal<{ n: number }>(path);
  await Promise.all([1, 2, 3, 4].map((n) => journal.append({ n }, { durable: n % 2 === 0 })));
  await journal.close();
  expect(await read(path)).toEqual([{ n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }]);
  expect(problems).toEqual([]);
  await expect(journal.append({ n: 5 }, { durable: true })).rejects.toThrow('closed');
});

test('no journal is no entries', async () => {
  expect(await read(join(dir, 'none.ndjson'))).toEqual([]);
});

test('a torn last line is cut off and reported, and the journal goes on after it', async () => {
  const path = join(dir, 'a.ndjson');
  await writeFile(path, '{"n":1}\n{"n":2');
  expect(await read(path)).toEqual([{ n: 1 }]);
  expect(problems).toHaveLength(1);
  const journal = await openJournal<{ n: number }>(path);
  await journal.append({ n: 3 }, { durable: true });
  await journal.close();
  expect(await read(path)).toEqual([{ n: 1 }, { n: 3 }]);
});

test('a damaged line sets the file aside whole; what stood before it is kept', async () => {
  const path = join(dir, 'a.ndjson');
  const damaged = '{"n":1}\n{"n":"two"}\n{"n":3}\n';
  await writeFile(path, damaged);
  expect(await read(path)).toEqual([{ n: 1 }]);
  expect(problems[0]).toContain('Line 2');
  const aside = (await readdir(dir)).find((name) => name.includes('.corrupt-'));
  expect(await readFile(join(dir, aside ?? ''), 'utf8')).toBe(damaged);
  problems = [];
  expect(await read(path)).toEqual([{ n: 1 }]);
  expect(problems).toEqual([]);
});

test('a document is on the disk after update, and updates queue up', async () => {
  const path = join(dir, 'index.json');
  const first = await document(path);
  await Promise.all([1, 2, 3].map((n) => first.update((data) => void data.list.push(n))));
  expect((await document(path)).data).toEqual({ list: [1, 2, 3] });
  expect(problems).toEqual([]);
});

test.each([
  ['half written', '{"list":[1,'],
  ['empty', ''],
  ['of another shape', '{"list":"x"}'],
])('a document that is %s is set aside, reported, and begun anew', async (_, text) => {
  const path = join(dir, 'index.json');
  await appendFile(path, text);
  const opened = await document(path);
  expect(opened.data).toEqual({ list: [] });
  expect(problems).toHaveLength(1);
  await opened.update((data) => void data.list.push(7));
  expect(await readFile(path, 'utf8')).toBe('{"list":[7]}\n');
  expect((await readdir(dir)).sort()).toEqual(['index.json', 'index.json.corrupt-2026-01-02T030405.678Z']);
});

test('a folder where a file belongs is set aside, reported, and begun anew', async () => {
  await mkdir(join(dir, 'index.json'));
  await mkdir(join(dir, 'a.ndjson'));
  expect((await document(join(dir, 'index.json'))).data).toEqual({ list: [] });
  expect(await read(join(dir, 'a.ndjson'))).toEqual([]);
  expect(problems).toHaveLength(2);
  expect((await readdir(dir)).sort()).toEqual([
    'a.ndjson.corrupt-2026-01-02T030405.678Z',
    'index.json.corrupt-2026-01-02T030405.678Z',
  ]);
});

test('a document is stored once something is written to it, and is found so again', async () => {
  const path = join(dir, 'd.json');
  const begun = await document(path);
  expect(begun.isStored).toBe(false);
  await begun.update(() => {});
  expect(begun.isStored).toBe(true);
  expect((await document(path)).isStored).toBe(true);
  await writeFile(path, 'damaged');
  expect((await document(path)).isStored).toBe(false);
});
