import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  isEnded,
  JOB_STATES,
  type Job,
  type JobEvent,
  type JobEventBody,
  jobSchema,
  reduceJob,
  STEP_KINDS,
  STEP_STATES,
  stepName,
} from './index.ts';

const queued: JobEventBody = {
  type: 'queued',
  id: 'j1',
  key: 'key-0001',
  service: 'shop',
  map: 'demo',
  server: 'web',
  operator: 'ann@desk',
  tasks: [{ container: 'gateway', mode: 'image-tag', from: { tag: '1.0.0' }, to: { tag: '1.1.0' } }],
};

/** Numbered and dated, one second apart. */
function journal(bodies: readonly JobEventBody[]): JobEvent[] {
  return bodies.map((body, at) => ({ ...body, seq: at + 1, at: time(at + 1) }));
}

function time(seq: number): string {
  return new Date(Date.UTC(2026, 0, 1, 0, 0, seq)).toISOString();
}

function fold(events: readonly JobEvent[], from?: Job): Job | undefined {
  return events.reduce<Job | undefined>((job, event) => reduceJob(job, event), from);
}

function jobOf(...bodies: JobEventBody[]): Job {
  const job = fold(journal([queued, ...bodies]));
  if (job === undefined) throw new Error('there is no job');
  return job;
}

describe('each event', () => {
  test('queued', () => {
    expect(jobOf()).toEqual({
      id: 'j1',
      key: 'key-0001',
      service: 'shop',
      map: 'demo',
      server: 'web',
      operator: 'ann@desk',
      state: 'QUEUED',
      tasks: queued.type === 'queued' ? queued.tasks : [],
      steps: [],
      logs: [],
      commands: [],
      queuedAt: time(1),
      lastSeq: 1,
    });
  });

  test('started, planned, steps with progress, and the end', () => {
    const job = jobOf(
      { type: 'started' },
      {
        type: 'planned',
        steps: [
          { id: 'gateway:pull', kind: 'pull', container: 'gateway' },
          { id: 'gateway:gate', kind: 'gate', container: 'gateway' },
        ],
      },
      { type: 'step-started', step: 'gateway:pull', kind: 'pull', container: 'gateway' },
      { type: 'step-progress', step: 'gateway:pull', current: 10, total: 20, detail: 'layers' },
      { type: 'step-progress', step: 'gateway:pull', current: 20 },
      { type: 'step-ended', step: 'gateway:pull', state: 'DONE', message: 'pulled' },
    );
    expect(job.state).toBe('RUNNING');
    expect(job.startedAt).toBe(time(2));
    expect(job.steps).toEqual([
      {
        id: 'gateway:pull',
        name: 'pull the image of gateway',
        kind: 'pull',
        container: 'gateway',
        state: 'DONE',
        startedAt: time(4),
        endedAt: time(7),
        progress: { current: 20 },
        message: 'pulled',
      },
      {
        id: 'gateway:gate',
        name: 'check the new container of gateway',
        kind: 'gate',
        container: 'gateway',
        state: 'WAIT',
      },
    ]);
  });

  test('resolved tells digests, of that container only', () => {
    const to = { tag: '1.1.0', digest: 'sha256:b' };
    expect(jobOf({ type: 'resolved', container: 'gateway', to }).tasks).toEqual([
      { container: 'gateway', mode: 'image-tag', from: { tag: '1.0.0' }, to },
    ]);
    const other = jobOf({ type: 'resolved', container: 'other', to });
    expect(other.tasks).toEqual(jobOf().tasks);
  });

  test('a step that was not planned is added, and one that begins again begins anew', () => {
    const start: JobEventBody = { type: 'step-started', step: 'r', kind: 'restore', container: 'gateway' };
    const job = jobOf(start, { type: 'step-ended', step: 'r', state: 'ERROR', message: 'no' }, start);
    expect(job.steps).toEqual([
      {
        id: 'r',
        name: 'restore the old container of gateway',
        kind: 'restore',
        container: 'gateway',
        state: 'RUNNING',
        startedAt: time(4),
      },
    ]);
  });

  test('a second plan keeps what has begun and drops what only waited', () => {
    const job = jobOf(
      {
        type: 'planned',
        steps: [
          { id: 'a', kind: 'pull', container: 'x' },
          { id: 'b', kind: 'gate', container: 'x' },
        ],
      },
      { type: 'step-started', step: 'a', kind: 'pull', container: 'x' },
      { type: 'planned', steps: [{ id: 'c', kind: 'restore', container: 'x' }] },
    );
    expect(job.steps.map(({ id, state }) => [id, state])).toEqual([
      ['a', 'RUNNING'],
      ['c', 'WAIT'],
    ]);
  });

  test('logs, refusal, error and commands', () => {
    const job = jobOf(
      { type: 'container-log', container: 'gateway', lines: ['1'] },
      { type: 'container-log', container: 'gateway', lines: ['1', '2'] },
      { type: 'refused', refusal: { code: 'tag-not-found', message: 'no', container: 'gateway' } },
      { type: 'failed', error: { code: 'gate-failed', message: 'exited 7' } },
      { type: 'degraded', commands: ['docker start gateway'] },
    );
    expect(job.logs).toEqual([{ container: 'gateway', lines: ['1', '2'] }]);
    expect(job.refusal?.code).toBe('tag-not-found');
    expect(job.error?.code).toBe('gate-failed');
    expect(job.commands).toEqual(['docker start gateway']);
  });

  test('the first who asked for its end is who cancelled it', () => {
    const job = jobOf(
      { type: 'cancel-requested', operator: 'ben' },
      { type: 'cancel-requested', operator: 'carl' },
    );
    expect(job).toMatchObject({ state: 'QUEUED', cancelledBy: 'ben' });
  });

  test.each([
    ['DONE', 'DONE'],
    ['RESTORED', 'ERROR'],
    ['DEGRADED', 'ERROR'],
    ['CANCELLED', 'CANCELLED'],
  ] as const)('after %s no step runs (%s) or waits', (state, cut) => {
    const job = jobOf(
      { type: 'planned', steps: [{ id: 'b', kind: 'gate', container: 'x' }] },
      { type: 'step-started', step: 'a', kind: 'pull', container: 'x' },
      { type: 'ended', state },
    );
    expect(job).toMatchObject({ state, endedAt: time(4) });
    expect(job.steps.map((step) => step.state)).toEqual(['SKIPPED', cut]);
  });
});

describe('out of order', () => {
  const events = journal([queued, { type: 'started' }, { type: 'ended', state: 'DONE' }]);

  test('without its first event there is no job', () => {
    expect(fold(events.slice(1))).toBeUndefined();
  });

  test('an event of a type that is not known here was passed over, and the rest goes on', () => {
    const [first, second, third] = events;
    if (first === undefined || second === undefined || third === undefined) throw new Error('too few events');
    const job = reduceJob(undefined, first);
    expect(reduceJob(job, third)).toMatchObject({ state: 'DONE', lastSeq: 3 });
  });

  test('one that was seen before changes nothing', () => {
    const [first, second] = events;
    if (first === undefined || second === undefined) throw new Error('too few events');
    const job = reduceJob(reduceJob(undefined, first), second);
    expect(reduceJob(job, second)).toBe(job);
    expect(reduceJob(job, first)).toBe(job);
  });

  test('nothing comes after the end', () => {
    const job = fold(events);
    expect(reduceJob(job, { type: 'started', seq: 4, at: time(4) })).toBe(job);
  });
});

describe('over all journals', () => {
  const step = fc.constantFrom('a', 'b', 'c');
  const container = fc.constantFrom('gateway', 'storefront');
  const kind = fc.constantFrom(...STEP_KINDS);
  const body: fc.Arbitrary<JobEventBody> = fc.oneof(
    fc.constant<JobEventBody>({ type: 'started' }),
    fc.constant(queued),
    fc.record({
      type: fc.constant('planned' as const),
      steps: fc.uniqueArray(fc.record({ id: step, kind, container }), { selector: ({ id }) => id }),
    }),
    fc.record({ type: fc.constant('step-started' as const), step, kind, container }),
    fc.record({ type: fc.constant('step-progress' as const), step, current: fc.nat() }),
    fc.record({ type: fc.constant('step-ended' as const), step, state: fc.constantFrom(...STEP_STATES) }),
    fc.record({ type: fc.constant('resolved' as const), container, to: fc.record({ tag: fc.string() }) }),
    fc.record({ type: fc.constant('container-log' as const), container, lines: fc.array(fc.string()) }),
    fc.record({
      type: fc.constant('ended' as const),
      state: fc.constantFrom(...JOB_STATES.filter((state) => isEnded(state))),
    }),
  );
  const events = fc.array(body, { maxLength: 20 }).map((bodies) => journal([queued, ...bodies]));

  test('the fold of a part, resumed, is the fold of all', () => {
    fc.assert(
      fc.property(events, fc.nat(), fc.nat(), (all, cut, overlap) => {
        const at = cut % (all.length + 1);
        const part = fold(all.slice(0, at));
        // A reconnect may bring again what was seen.
        const resumed = fold(all.slice(Math.max(0, at - (overlap % 5))), part);
        expect(resumed).toEqual(fold(all));
      }),
    );
  });

  test('duplicates change nothing, not even identity', () => {
    fc.assert(
      fc.property(events, fc.array(fc.nat()), (all, again) => {
        const job = fold(all);
        for (const at of again) {
          const event = all[at % all.length];
          if (event !== undefined) expect(reduceJob(job, event)).toBe(job);
        }
      }),
    );
  });

  test('the fold is a job by the schema, and once it is over nothing of it runs', () => {
    fc.assert(
      fc.property(events, (all) => {
        const job = fold(all);
        expect(jobSchema.parse(job)).toEqual(job);
        if (job !== undefined && isEnded(job.state)) {
          expect(job.endedAt).toBeDefined();
          expect(job.steps.filter(({ state }) => state === 'RUNNING' || state === 'WAIT')).toEqual([]);
        }
      }),
    );
  });
});

test('isEnded', () => {
  expect(JOB_STATES.filter((state) => !isEnded(state))).toEqual(['QUEUED', 'RUNNING']);
});

test('every kind of step has a name for people', () => {
  for (const kind of STEP_KINDS) expect(stepName(kind, 'web')).toMatch(/^[a-z ]+ web$/);
});
