import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  activeRunOf,
  BUILD_STEP_KINDS,
  type BuildEvent,
  type BuildEventBody,
  type BuildRun,
  buildRunSchema,
  imagesOf,
  interruptRun,
  isRunEnded,
  lastRunOf,
  latestOf,
  MAX_VERTICES,
  RECENT_RUNS,
  recentRuns,
  reduceBuildRun,
  runStateWords,
  runTag,
  withoutVertices,
} from './index.ts';

function queued(number = 27): BuildEventBody {
  return {
    type: 'queued',
    id: `r${number}`,
    key: `key-${number}`,
    service: 'shop',
    build: 'storefront',
    number,
    tag: runTag('1.4.0', number),
    version: '1.4.0',
    image: 'registry.example.com/shop/storefront',
    operator: 'ann@desk',
    fingerprint: 'f',
    steps: ['download', 'build', 'create-image', 'push'],
  };
}

function time(seq: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, seq)).toISOString();
}

function journal(bodies: readonly BuildEventBody[]): BuildEvent[] {
  return bodies.map((body, at) => ({ ...body, seq: at + 1, at: time(at + 1) }));
}

function fold(events: readonly BuildEvent[], from?: BuildRun): BuildRun | undefined {
  return events.reduce<BuildRun | undefined>((run, event) => reduceBuildRun(run, event), from);
}

function runOf(...bodies: BuildEventBody[]): BuildRun {
  const run = fold(
    journal([
      bodies[0]?.type === 'queued' ? bodies[0] : queued(),
      ...bodies.filter(({ type }) => type !== 'queued'),
    ]),
  );
  if (run === undefined) throw new Error('there is no run');
  return run;
}

const commit = { commit: 'a'.repeat(40), subject: 'Blue', author: 'Ann', date: time(0) };
const whole: BuildEventBody[] = [
  { type: 'started' },
  { type: 'step-started', step: 'download' },
  { type: 'resolved-commit', ref: 'main', ...commit },
  { type: 'step-ended', step: 'download', state: 'DONE' },
  { type: 'step-started', step: 'build' },
  { type: 'step-ended', step: 'build', state: 'DONE' },
  { type: 'step-started', step: 'create-image' },
  { type: 'vertex', step: 'create-image', id: 'v1', name: '[1/2] FROM scratch', state: 'CACHED' },
  {
    type: 'vertex',
    step: 'create-image',
    id: 'v2',
    name: '[2/2] COPY . /',
    state: 'RUNNING',
    startedAt: time(8),
  },
  {
    type: 'vertex',
    step: 'create-image',
    id: 'v2',
    name: '[2/2] COPY . /',
    state: 'DONE',
    startedAt: time(8),
    endedAt: time(9),
  },
  { type: 'image', imageId: 'sha256:1', size: 2_000 },
  { type: 'step-ended', step: 'create-image', state: 'DONE' },
  { type: 'step-started', step: 'push' },
  { type: 'step-progress', step: 'push', current: 5, total: 10 },
  { type: 'pushed', digest: 'sha256:2', size: 900 },
  { type: 'step-ended', step: 'push', state: 'DONE' },
  { type: 'ended', state: 'DONE' },
];

describe('a run', () => {
  test('from its first event to its last', () => {
    expect(runOf(...whole)).toEqual({
      id: 'r27',
      key: 'key-27',
      service: 'shop',
      build: 'storefront',
      number: 27,
      tag: '1.4.0.B000027',
      version: '1.4.0',
      image: 'registry.example.com/shop/storefront',
      operator: 'ann@desk',
      fingerprint: 'f',
      state: 'DONE',
      steps: [
        { kind: 'download', state: 'DONE', startedAt: time(3), endedAt: time(5) },
        { kind: 'build', state: 'DONE', startedAt: time(6), endedAt: time(7) },
        { kind: 'create-image', state: 'DONE', startedAt: time(8), endedAt: time(13) },
        {
          kind: 'push',
          state: 'DONE',
          startedAt: time(14),
          endedAt: time(17),
          progress: { current: 5, total: 10 },
        },
      ],
      commit: { ref: 'main', ...commit },
      imageId: 'sha256:1',
      size: 2_000,
      pushed: { digest: 'sha256:2', size: 900 },
      vertices: [
        { step: 'create-image', id: 'v1', name: '[1/2] FROM scratch', state: 'CACHED' },
        {
          step: 'create-image',
          id: 'v2',
          name: '[2/2] COPY . /',
          state: 'DONE',
          startedAt: time(8),
          endedAt: time(9),
        },
      ],
      queuedAt: time(1),
      startedAt: time(2),
      endedAt: time(18),
      lastSeq: 18,
    });
  });

  test('a step that failed has its reason and its line; what comes after it waits', () => {
    const error = {
      code: 'dockerfile',
      message: 'unknown instruction',
      line: { text: 'FORM x', number: 3, seq: 9 },
    };
    const run = runOf(
      { type: 'started' },
      { type: 'step-started', step: 'create-image' },
      { type: 'vertex', step: 'create-image', id: 'v', name: 'x', state: 'RUNNING' },
      { type: 'step-ended', step: 'create-image', state: 'ERROR', error },
      { type: 'ended', state: 'ERROR', error },
    );
    expect(run.steps[2]).toMatchObject({ state: 'ERROR', error });
    expect(run.steps[3]).toEqual({ kind: 'push', state: 'WAIT' });
    expect(run.vertices[0]).toMatchObject({ state: 'ERROR', endedAt: time(6) });
    expect(run.error).toEqual(error);
  });

  test('one that is cancelled says by whom first, and its step was cut off', () => {
    const run = runOf(
      { type: 'started' },
      { type: 'step-started', step: 'build' },
      { type: 'cancel-requested', operator: 'bob' },
      { type: 'cancel-requested', operator: 'eve' },
      { type: 'ended', state: 'CANCELLED' },
    );
    expect(run).toMatchObject({ state: 'CANCELLED', cancelledBy: 'bob' });
    expect(run.steps[1]?.state).toBe('CANCELLED');
  });

  test('a note is written and taken away, after the end too; nothing else happens then', () => {
    const run = runOf(...whole, { type: 'noted', note: 'good', operator: 'ann' });
    expect(run.note).toBe('good');
    const [gone, late] = [
      { type: 'noted' as const, note: '', operator: 'ann', seq: 20, at: 'x' },
      { type: 'started' as const, seq: 20, at: 'x' },
    ];
    expect(reduceBuildRun(run, late)).toBe(run);
    expect('note' in reduceBuildRun(run, gone)).toBe(false);
  });

  test('a Dockerfile without an end takes no memory without an end', () => {
    const many = Array.from({ length: MAX_VERTICES + 5 }, (_, at): BuildEventBody[] => [
      { type: 'vertex', step: 'create-image', id: `${at}`, name: 'RUN', state: 'RUNNING' },
      { type: 'vertex', step: 'create-image', id: `${at}`, name: 'RUN', state: 'DONE' },
    ]).flat();
    const run = runOf({ type: 'started' }, ...many);
    expect(run.vertices).toHaveLength(MAX_VERTICES);
    expect(run.verticesLeftOut).toBe(5);
    expect(withoutVertices(run).vertices).toEqual([]);
  });

  test('an event that was seen changes nothing; after one that was passed over the rest goes on', () => {
    const events = journal([queued(), ...whole]);
    const run = fold(events.slice(0, 5));
    for (const event of events.slice(0, 5)) expect(reduceBuildRun(run, event)).toBe(run);
    expect(fold([...events.slice(0, 5), ...events.slice(6)])).toMatchObject({ lastSeq: events.length });
    expect(fold(events.slice(1))).toBeUndefined();
  });
});

const step = fc.constantFrom(...BUILD_STEP_KINDS);
const body: fc.Arbitrary<BuildEventBody> = fc.oneof(
  fc.constantFrom(...whole),
  fc.record({ type: fc.constant('step-started' as const), step }),
  fc.record({
    type: fc.constant('step-ended' as const),
    step,
    state: fc.constantFrom('DONE' as const, 'ERROR' as const),
  }),
  fc.record({
    type: fc.constant('ended' as const),
    state: fc.constantFrom('ERROR' as const, 'CANCELLED' as const),
  }),
);

describe('over all streams', () => {
  test('a run is one by its schema, has its steps, and none runs after its end', () => {
    fc.assert(
      fc.property(fc.array(body), (bodies) => {
        const run = runOf(...bodies);
        expect(buildRunSchema.parse(run)).toEqual(run);
        expect(run.steps.map(({ kind }) => kind)).toEqual([...BUILD_STEP_KINDS]);
        if (isRunEnded(run.state)) {
          for (const { state } of [...run.steps, ...run.vertices]) expect(state).not.toBe('RUNNING');
        }
      }),
    );
  });

  test('read again from any event on it is the same, with none lost and none twice', () => {
    fc.assert(
      fc.property(fc.array(body, { maxLength: 20 }), fc.nat(20), (bodies, at) => {
        const events = journal([queued(), ...bodies]);
        const cut = fold(events.slice(0, at));
        const resumed = fold(events.slice(Math.max(0, (cut?.lastSeq ?? 0) - 3)), cut);
        expect(resumed).toEqual(fold(events));
      }),
    );
  });

  test('an interrupted run is ERROR with its reason, wherever it was; one that is over stays as it is', () => {
    fc.assert(
      fc.property(fc.array(body), (bodies) => {
        const run = runOf(...bodies);
        const events = interruptRun(run).map((one, at) => ({
          ...one,
          seq: run.lastSeq + at + 1,
          at: 'later',
        }));
        const after = fold(events, run);
        if (isRunEnded(run.state)) expect(after).toBe(run);
        else
          expect(after).toMatchObject({ state: 'ERROR', endedAt: 'later', error: { code: 'interrupted' } });
        expect(after && interruptRun(after)).toEqual([]);
      }),
    );
  });
});

test('what interrupted it names the step', () => {
  const run = runOf({ type: 'started' }, { type: 'step-started', step: 'create-image' });
  const error = {
    code: 'interrupted',
    message: 'The agent stopped during CREATE IMAGE of 1.4.0.B000027. Run the build again.',
  };
  expect(interruptRun(run)).toEqual([
    { type: 'step-ended', step: 'create-image', state: 'ERROR', error },
    { type: 'ended', state: 'ERROR', error },
  ]);
  const says = (...bodies: BuildEventBody[]) => {
    const [event] = interruptRun(runOf(...bodies));
    return event?.type === 'ended' ? event.error?.message : undefined;
  };
  expect(says()).toContain('was waiting');
  expect(says({ type: 'started' })).toContain('stopped before DOWNLOAD of');
  expect(says(...whole.slice(0, 4))).toContain('stopped before BUILD of');
  expect(says(...whole.slice(0, -1))).toContain('stopped at the end of');
});

test.each<[string, BuildEventBody[]]>([
  ['QUEUED', []],
  ['RUNNING', [{ type: 'started' }]],
  ['RUNNING 1/4', [{ type: 'started' }, { type: 'step-started', step: 'download' }]],
  ['RUNNING 3/4', whole.slice(0, 8)],
  ['ERROR 3/4', [...whole.slice(0, 8), { type: 'ended', state: 'ERROR' }]],
  ['CANCELLED', [{ type: 'ended', state: 'CANCELLED' }]],
  ['DONE', whole],
])('the table says %s', (words, bodies) => {
  expect(runStateWords(runOf(...bodies))).toBe(words);
});

describe('of several runs', () => {
  const done = (number: number, ...more: BuildEventBody[]) => runOf(queued(number), ...whole, ...more);
  const failed = runOf(queued(9), ...whole.slice(0, 5), { type: 'ended', state: 'ERROR' });
  const pushFailed = runOf(queued(8), ...whole.slice(0, 13), { type: 'ended', state: 'ERROR' });
  const stepAlone = runOf(queued(10), ...whole.slice(0, 4), { type: 'ended', state: 'DONE' });
  const local = whole.filter(({ type }) => type !== 'pushed');

  test('images are of those that succeeded, newest first; Latest is the first', () => {
    const runs = [
      done(3),
      done(5, { type: 'noted', note: 'good', operator: 'a' }),
      pushFailed,
      failed,
      stepAlone,
    ];
    expect(imagesOf(runs).map(({ tag }) => tag)).toEqual(['1.4.0.B000005', '1.4.0.B000003']);
    expect(latestOf(runs)).toEqual({
      tag: '1.4.0.B000005',
      number: 5,
      runId: 'r5',
      imageId: 'sha256:1',
      createdAt: time(18),
      size: 2_000,
      note: 'good',
      commit: { commit: commit.commit, subject: 'Blue' },
      digest: 'sha256:2',
    });
    expect(lastRunOf(runs)?.number).toBe(10);
    expect(latestOf([failed])).toBeUndefined();
  });

  test('one that was pruned is there as long as a registry has it', () => {
    expect(imagesOf([done(1, { type: 'image-removed' })])).toHaveLength(1);
    expect(imagesOf([runOf(queued(1), ...local, { type: 'image-removed' })])).toEqual([]);
  });

  test('the active one runs, or waits longest', () => {
    const started = runOf(queued(13), { type: 'started' });
    expect(activeRunOf([runOf(queued(12)), started, done(1)])?.number).toBe(13);
    expect(activeRunOf([runOf(queued(12)), runOf(queued(11))])?.number).toBe(11);
    expect(activeRunOf([done(1)])).toBeUndefined();
  });

  test('the watch has the last ones and what Latest is, and no more of a long history', () => {
    const history = Array.from({ length: 50 }, (_, at) =>
      runOf(queued(at + 2), { type: 'ended', state: 'ERROR' }),
    );
    const recent = recentRuns([done(1), ...history, runOf(queued(60))]);
    expect(recent).toHaveLength(RECENT_RUNS + 2);
    expect(recent[0]?.number).toBe(60);
    expect(latestOf(recent)?.number).toBe(1);
    expect(recentRuns(recent)).toEqual(recent);
  });
});
