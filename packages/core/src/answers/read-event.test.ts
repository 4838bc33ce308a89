import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Job, jobEventSchema } from '../job/index.ts';
import { jobToJson } from '../protocol/index.ts';
import { readJobEvent, readWatchEvent, watchEventSchema } from './index.ts';

const container = {
  id: 'c1',
  name: 'gateway',
  image: 'shop/gateway:1.0.0',
  imageId: 'sha256:1',
  tag: '1.0.0',
  state: 'running',
  createdAt: '2026-01-01T00:00:00Z',
};

describe('readWatchEvent', () => {
  test('a known event, without the fields that are not known', () => {
    expect(readWatchEvent({ type: 'container', container: { ...container, mood: 'fine' }, x: 1 })).toEqual({
      kind: 'event',
      event: { type: 'container', container },
    });
  });

  test('an unknown type is told, to be counted', () => {
    expect(readWatchEvent({ type: 'weather', sun: true })).toEqual({ kind: 'unknown', type: 'weather' });
    expect(readWatchEvent({ type: 'constructor' })).toEqual({ kind: 'unknown', type: 'constructor' });
  });

  test.each([
    [{ type: 'container' }, 'container at container'],
    [{ type: 'container', container: { ...container, state: 'dancing' } }, 'container at container.state'],
    [{ type: 'container', container: { ...container, id: 1 } }, 'container at container.id'],
    [{ type: 'snapshot', containers: [] }, 'snapshot at jobs'],
    [{}, 'no event'],
    [{ type: 7 }, 'no event'],
    [null, 'no event'],
    ['snapshot', 'no event'],
    [[], 'no event'],
  ])('a bad shape has a reason: %j', (value, reason) => {
    expect(readWatchEvent(value)).toMatchObject({ kind: 'bad', reason: expect.stringContaining(reason) });
  });
});

describe('readJobEvent', () => {
  test('known, unknown, bad', () => {
    const started = { type: 'started', seq: 1, at: '2026-01-01T00:00:00Z' };
    expect(readJobEvent({ ...started, extra: 1 })).toEqual({ kind: 'event', event: started });
    expect(readJobEvent({ ...started, type: 'teleported' })).toEqual({ kind: 'unknown', type: 'teleported' });
    expect(readJobEvent({ ...started, seq: 0 })).toMatchObject({ kind: 'bad' });
    expect(readJobEvent({ ...started, seq: 1.5 })).toMatchObject({ kind: 'bad' });
  });
});

test('nothing that a peer sends makes the readers throw', () => {
  const type = fc.constantFrom(
    ...watchEventSchema.options.map((option) => option.shape.type.value),
    ...jobEventSchema.options.map((option) => option.shape.type.value),
  );
  const value = fc.oneof(
    fc.anything(),
    fc.tuple(type, fc.dictionary(fc.string(), fc.anything())).map(([t, rest]) => ({ ...rest, type: t })),
  );
  fc.assert(
    fc.property(value, (sent) => {
      for (const received of [readWatchEvent(sent), readJobEvent(sent)]) {
        expect(['event', 'unknown', 'bad']).toContain(received.kind);
      }
    }),
  );
});

test('jobToJson has the fields of the command line and no others', () => {
  const job: Job = {
    id: 'j1',
    key: 'secret-key',
    service: 'shop',
    map: 'demo',
    server: 'web',
    operator: 'ann@desk',
    state: 'RESTORED',
    tasks: [
      {
        container: 'gateway',
        mode: 'image-tag',
        from: { tag: '1.0.0', digest: 'sha256:a' },
        to: { tag: '1.1.0' },
      },
    ],
    steps: [
      {
        id: 'a',
        name: 'pull gateway',
        kind: 'pull',
        container: 'gateway',
        state: 'DONE',
        startedAt: 's',
        endedAt: 'e',
        // Bytes are for a screen.
        progress: { current: 7, total: 7 },
      },
      {
        id: 'b',
        name: 'check gateway',
        kind: 'gate',
        container: 'gateway',
        state: 'ERROR',
        detail: 'asks GET :80/ every 1 s',
        progress: { current: 7, detail: 'last: 503, 2 of 3 failures' },
        message: 'it did not pass',
      },
      { id: 'c', name: 'commit web', kind: 'commit', container: 'web', state: 'WAIT' },
    ],
    error: { code: 'gate-failed', message: 'gateway exited with 7.' },
    refusal: { code: 'no-tag', message: 'Type a tag.', container: 'gateway' },
    logs: [{ container: 'gateway', lines: ['x'] }],
    commands: [],
    queuedAt: 'q',
    startedAt: 's',
    endedAt: 'e',
    lastSeq: 9,
  };
  expect(jobToJson(job, 'alpha')).toEqual({
    id: 'j1',
    server: 'web',
    map: 'demo',
    agent: 'alpha',
    state: 'RESTORED',
    tasks: [
      {
        container: 'gateway',
        mode: 'image-tag',
        from: { tag: '1.0.0', digest: 'sha256:a' },
        to: { tag: '1.1.0' },
      },
    ],
    steps: [
      { name: 'pull gateway', state: 'DONE', startedAt: 's', endedAt: 'e' },
      {
        name: 'check gateway',
        state: 'ERROR',
        detail: 'asks GET :80/ every 1 s',
        check: { tries: 7, standing: 'last: 503, 2 of 3 failures' },
        message: 'it did not pass',
      },
      { name: 'commit web', state: 'WAIT' },
    ],
    refusal: { code: 'no-tag', message: 'Type a tag.' },
    error: { code: 'gate-failed', message: 'gateway exited with 7.' },
    operator: 'ann@desk',
    startedAt: 's',
    endedAt: 'e',
  });
});
