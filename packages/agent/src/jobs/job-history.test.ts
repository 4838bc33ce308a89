import type { JobEvent } from '@towline/core/job';
import { expect, test } from 'vitest';
import { foldJournal } from './job-history.ts';
import { type JobLine, jobLineSchema } from './job-line.ts';

const at = '2026-01-02T03:04:05.678Z';
const queued: JobEvent = {
  seq: 1,
  at,
  type: 'queued',
  id: 'j1',
  key: 'a-key-of-its-own',
  service: 'shop',
  map: 'demo',
  server: 'web',
  operator: 'me',
  tasks: [{ container: 'gateway', mode: 'image-tag', to: { tag: '2' } }],
};
const started = (seq: number): JobEvent => ({
  seq,
  at,
  type: 'step-started',
  step: 'stop-old:gateway',
  kind: 'stop-old',
  container: 'gateway',
});
const ended = (seq: number, state: 'DONE' | 'ERROR'): JobEvent => ({
  seq,
  at,
  type: 'step-ended',
  step: 'stop-old:gateway',
  state,
});
const stopping: JobLine = { record: 'stopping', container: 'gateway' };

test('a journal without its beginning is no job', () => {
  expect(foldJournal([]).job).toBeUndefined();
  expect(foldJournal([started(2)]).job).toBeUndefined();
});

test.each<[string, JobLine[], string[]]>([
  ['not asked to stop', [queued, started(2)], []],
  ['asked to stop', [queued, started(2), stopping], ['gateway']],
  ['asked, and stopped', [queued, started(2), stopping, ended(3, 'DONE')], []],
  ['asked, and nobody knows', [queued, started(2), stopping, ended(3, 'ERROR')], ['gateway']],
])('whether a stop may be under way: %s', (_, lines, expected) => {
  expect([...foldJournal(lines).stopping]).toEqual(expected);
});

test('records are told from events, kept, and read back as they were written', () => {
  const lines: JobLine[] = [
    queued,
    {
      record: 'saved',
      containers: [
        {
          container: 'gateway',
          nextName: 'gateway.next.j1',
          previousName: 'gateway.prev.j1',
          settleSeconds: 3,
          follows: [],
          becomes: 'checked',
          image: { ref: 'shop/gateway:2', id: 'sha256:2' },
          old: { id: 'o1', inspect: { Id: 'o1', Unknown: { kept: [1, null, 'x'] } } },
        },
      ],
    },
    { record: 'committed', kept: [{ container: 'gateway', id: 'o1' }] },
    { record: 'removed', container: 'gateway', id: 'o0' },
    { seq: 2, at, type: 'ended', state: 'DONE' },
  ];
  const read = lines.flatMap((line) => jobLineSchema.parse(JSON.parse(JSON.stringify(line))) ?? []);
  expect(read).toEqual(lines);
  expect(foldJournal(read)).toMatchObject({
    job: { id: 'j1', state: 'DONE', lastSeq: 2 },
    events: [queued, { type: 'ended' }],
    saved: [{ container: 'gateway' }],
    committed: true,
    kept: [{ container: 'gateway', id: 'o1' }],
    removed: [{ container: 'gateway', id: 'o0' }],
  });
});
