import type { BuildLogEntry } from '@towline/core/protocol';
import { err, ok } from '@towline/core/result';
import { expect, test } from 'vitest';
import { buildLogLines } from './build-streams.ts';
import type { Ask, Taken } from './resumable.ts';

const LOG = { run: 'r1', step: 'build' } as const;

const chunk = (from: number, to: number) => ({
  id: String(to),
  data: {
    entries: Array.from({ length: to - from + 1 }, (_, at) => ({
      seq: from + at,
      text: `line ${from + at}`,
    })),
  },
});

const seqs = (taken: Taken<readonly BuildLogEntry[]>) =>
  taken.kind === 'new' ? taken.value.map(({ seq }) => seq) : taken.kind;

test('what came before is left out, and what is missing begins the stream again', () => {
  const lines = buildLogLines(LOG, 'first');
  expect(seqs(lines.take(chunk(1, 3)))).toEqual([1, 2, 3]);
  expect(seqs(lines.take(chunk(2, 5)))).toEqual([4, 5]);
  expect(lines.take(chunk(1, 5))).toEqual({ kind: 'seen' });
  expect(lines.take(chunk(7, 9))).toEqual({ kind: 'gap' });
  expect(seqs(lines.take(chunk(6, 9)))).toEqual([6, 7, 8, 9]);
  expect(lines.take({ data: { entries: [{ seq: 0 }] } })).toMatchObject({ kind: 'bad' });
});

test('a tail begins where the agent begins it, and one line where it was asked for', () => {
  const tail = buildLogLines(LOG, { tail: 3 });
  expect(seqs(tail.take(chunk(98, 100)))).toEqual([98, 99, 100]);
  expect(tail.take(chunk(102, 102))).toEqual({ kind: 'gap' });
  const from = buildLogLines(LOG, { from: 50 });
  expect(from.take(chunk(40, 49))).toEqual({ kind: 'seen' });
  expect(from.take(chunk(51, 52))).toEqual({ kind: 'gap' });
  expect(seqs(from.take(chunk(49, 51)))).toEqual([50, 51]);
});

test('of the latest lines some may be left out, and what comes follows each other all the same', () => {
  const lines = buildLogLines(LOG, { latest: 3 });
  expect(seqs(lines.take(chunk(98, 100)))).toEqual([98, 99, 100]);
  expect(seqs(lines.take(chunk(598, 600)))).toEqual([598, 599, 600]);
  expect(lines.take(chunk(590, 600))).toEqual({ kind: 'seen' });
  expect(seqs(lines.take(chunk(600, 601)))).toEqual([601]);
  const [torn] = chunk(700, 701).data.entries;
  expect(lines.take({ data: { entries: [torn, { seq: 705, text: '' }] } })).toEqual({ kind: 'gap' });
});

/** An agent that answers with these, one after the other. */
function answering(...answers: unknown[]): Ask {
  return async (_question, schema) => {
    const parsed = schema.safeParse(answers.shift());
    return parsed.success ? ok(parsed.data) : err({ code: 'bad', message: 'The test answers wrongly.' });
  };
}

const run = (state: string, step: string) => ({
  id: 'r1',
  key: 'k',
  service: 's',
  build: 'b',
  number: 1,
  tag: '1.B000001',
  version: '1',
  image: 'b',
  operator: 'ada',
  fingerprint: 'f',
  state,
  steps: [{ kind: 'build', state: step }],
  vertices: [],
  queuedAt: '2026-01-01T00:00:00Z',
  lastSeq: 1,
});

test('a stream that ended is over when the step is, and all of its lines came', async () => {
  const lines = buildLogLines(LOG, 'first');
  lines.take(chunk(1, 4));
  const page = (count: number) => ({ entries: [], lines: count });
  expect(await lines.isOver?.(answering(run('RUNNING', 'RUNNING')))).toEqual(ok(false));
  expect(await lines.isOver?.(answering(run('RUNNING', 'WAIT')))).toEqual(ok(false));
  expect(await lines.isOver?.(answering(run('RUNNING', 'DONE'), page(6)))).toEqual(ok(false));
  expect(await lines.isOver?.(answering(run('RUNNING', 'DONE'), page(4)))).toEqual(ok(true));
  expect(await lines.isOver?.(answering(run('ERROR', 'ERROR'), page(4)))).toEqual(ok(true));
  expect(await lines.isOver?.(answering(run('CANCELLED', 'WAIT')))).toEqual(ok(true));
});
