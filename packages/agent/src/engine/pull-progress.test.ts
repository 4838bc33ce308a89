import { expect, test } from 'vitest';
import { PullProgress, pullEntrySchema } from './pull-progress.ts';

/** As the engine writes them, one after the other; returns what is told last. */
function after(...entries: object[]) {
  const progress = new PullProgress();
  let last = progress.add({});
  for (const entry of entries) last = progress.add(pullEntrySchema.parse(entry));
  return last;
}
const downloading = (id: string, current: number, total: number) => ({
  id,
  status: 'Downloading',
  progressDetail: { current, total },
});

test('bytes are summed over layers, and the total is known once every layer’s is', () => {
  const found = [
    { id: 'a', status: 'Pulling fs layer' },
    { id: 'b', status: 'Waiting' },
  ];
  expect(after({ id: '1.1', status: 'Pulling from shop/gateway' }, ...found)).toEqual({
    current: 0,
    total: undefined,
    detail: 'b: Waiting',
  });
  expect(after(...found, downloading('a', 10, 100))).toMatchObject({ current: 10, total: undefined });
  expect(after(...found, downloading('a', 10, 100), downloading('b', 5, 50))).toMatchObject({
    current: 15,
    total: 150,
  });
});

test('unpacking counts other bytes than the download, and does not take progress back', () => {
  const extracting = { id: 'a', status: 'Extracting', progressDetail: { current: 3, total: 900 } };
  expect(after(downloading('a', 10, 100), { id: 'a', status: 'Download complete' }, extracting)).toEqual({
    current: 100,
    total: 100,
    detail: 'a: Extracting',
  });
});

test('a layer that is there already is no bytes to pull', () => {
  const found = [
    { id: 'a', status: 'Pulling fs layer' },
    { id: 'a', status: 'Already exists' },
  ];
  expect(after(...found, downloading('b', 5, 50))).toMatchObject({ current: 5, total: 50 });
});

test('a layer without a known size counts with what came', () => {
  expect(after({ id: 'a', status: 'Pulling fs layer' }, { id: 'a', status: 'Pull complete' })).toMatchObject({
    current: 0,
    total: 0,
  });
  expect(after({ id: 'a', status: 'Downloading', progressDetail: { current: 7 } })).toMatchObject({
    current: 7,
    total: undefined,
  });
});

test.each([
  [{ error: 'manifest unknown' }, 'manifest unknown'],
  [{ error: 'short', errorDetail: { message: 'the whole of it' } }, 'the whole of it'],
  [{ errorDetail: { code: 1 } }, 'without saying which'],
  [{ error: 7 }, 'without saying which'],
  [{ errorDetail: 'no object' }, 'without saying which'],
])('%j is an error', (entry, words) => {
  expect(PullProgress.errorOf(pullEntrySchema.parse(entry))).toContain(words);
});

test('what is of another form counts for nothing, and is no error', () => {
  const entry = pullEntrySchema.parse({
    id: 3,
    status: {},
    progressDetail: { current: -1 },
    aux: { ID: 'x' },
  });
  expect(PullProgress.errorOf(entry)).toBeUndefined();
  expect(after({ id: 3, status: {}, progressDetail: { current: -1 } })).toEqual({
    current: 0,
    total: undefined,
    detail: '',
  });
});
