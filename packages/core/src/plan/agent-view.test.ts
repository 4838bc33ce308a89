import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildRun, recentRuns } from '../build/index.ts';
import { JOB_STATES, type Job, type JobState } from '../job/index.ts';
import type { ObservedContainer, WatchEvent } from '../protocol/index.ts';
import { type AgentView, initialAgentView, reduceWatchEvent } from './index.ts';
import { keepIdentity } from './keep-identity.ts';

function container(id: string, name: string, change: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id,
    name,
    image: 'shop/web:1',
    imageId: 'sha256:1',
    tag: '1',
    state: 'running',
    createdAt: 'c',
    ...change,
  };
}

function job(id: string, state: JobState, change: Partial<Job> = {}): Job {
  return {
    id,
    key: `key-${id}`,
    service: 'shop',
    map: 'demo',
    server: 'web',
    operator: 'ann',
    state,
    tasks: [],
    steps: [],
    logs: [],
    commands: [],
    queuedAt: 'q',
    lastSeq: 1,
    ...change,
  };
}

function snapshot(containers: ObservedContainer[], jobs: Job[] = [], degraded: string[] = []): WatchEvent {
  return { type: 'snapshot', containers, jobs, degraded };
}

function fold(events: readonly WatchEvent[], from = initialAgentView('alpha')): AgentView {
  return events.reduce(reduceWatchEvent, from);
}

test('nothing is known at first, which is not the same as nothing there', () => {
  expect(initialAgentView('alpha')).toEqual({
    name: 'alpha',
    link: { state: 'connecting' },
    clockAheadMs: 0,
    known: false,
    containers: {},
    jobs: {},
    degraded: [],
    builds: {},
  });
});

describe('containers', () => {
  const web = container('c1', 'web');
  const db = container('c2', 'db');

  test('a snapshot replaces what was known, and the engine is there again', () => {
    const view = fold([snapshot([web]), { type: 'engine-lost', message: 'gone' }]);
    expect(view).toMatchObject({ engineLost: 'gone', containers: { web } });
    const again = reduceWatchEvent(view, snapshot([db]));
    expect(again.containers).toEqual({ db });
    expect('engineLost' in again).toBe(false);
  });

  test('a changed one is replaced, all others stay the same objects', () => {
    const before = fold([snapshot([web, db])]);
    const after = reduceWatchEvent(before, {
      type: 'container',
      container: container('c1', 'web', { state: 'exited' }),
    });
    expect(after.containers.web?.state).toBe('exited');
    expect(after.containers.db).toBe(before.containers.db);
    expect(after.jobs).toBe(before.jobs);
    expect(after.degraded).toBe(before.degraded);
  });

  test('an event that changes nothing gives the same view', () => {
    const view = fold([snapshot([web, db])]);
    expect(reduceWatchEvent(view, { type: 'container', container: { ...web } })).toBe(view);
    expect(reduceWatchEvent(view, snapshot([{ ...db }, { ...web }]))).toBe(view);
    expect(reduceWatchEvent(view, { type: 'container-gone', id: 'c9', name: 'web' })).toBe(view);
  });

  test('the renames of a replacement end with both under their names, in either order', () => {
    const start = fold([snapshot([web, container('c2', 'web.next.j1')])]);
    const renames: WatchEvent[] = [
      { type: 'container', container: container('c1', 'web.prev.j1') },
      { type: 'container', container: container('c2', 'web') },
    ];
    for (const events of [renames, renames.toReversed()]) {
      const view = fold(events, start);
      expect(
        Object.entries(view.containers)
          .map(([name, { id }]) => [name, id])
          .toSorted(),
      ).toEqual([
        ['web', 'c2'],
        ['web.prev.j1', 'c1'],
      ]);
    }
  });

  test('one that is gone does not take another of its name along', () => {
    const view = fold([snapshot([web]), { type: 'container', container: container('c3', 'web') }]);
    expect(reduceWatchEvent(view, { type: 'container-gone', id: 'c1', name: 'web' }).containers.web?.id).toBe(
      'c3',
    );
    expect(reduceWatchEvent(view, { type: 'container-gone', id: 'c3', name: 'web' }).containers).toEqual({});
  });
});

describe('jobs', () => {
  test('of what ended on a server the last is kept, and all that runs', () => {
    const view = fold([
      snapshot([], [job('j1', 'DONE')]),
      { type: 'job', job: job('j2', 'RUNNING') },
      { type: 'job', job: job('k1', 'DONE', { server: 'cache' }) },
    ]);
    expect(Object.keys(view.jobs).toSorted()).toEqual(['j1', 'j2', 'k1']);
    const after = reduceWatchEvent(view, { type: 'job', job: job('j2', 'RESTORED', { lastSeq: 2 }) });
    expect(Object.keys(after.jobs).toSorted()).toEqual(['j2', 'k1']);
  });

  test('an older state of a job changes nothing', () => {
    const view = fold([{ type: 'job', job: job('j1', 'RUNNING', { lastSeq: 5 }) }]);
    expect(reduceWatchEvent(view, { type: 'job', job: job('j1', 'QUEUED', { lastSeq: 4 }) })).toBe(view);
  });

  test.each<[JobState, boolean, boolean]>([
    ['DEGRADED', false, true],
    ['DEGRADED', true, true],
    ['DONE', true, false],
    ['RESTORED', true, false],
    ['REFUSED', true, true],
    ['CANCELLED', true, true],
    ['RUNNING', true, true],
    ['REFUSED', false, false],
  ])('after a job that is %s, a server that was degraded (%j) is so (%j)', (state, before, after) => {
    const view = fold([
      snapshot([], [], before ? ['shop/demo/web', 'shop/demo/other'] : ['shop/demo/other']),
      { type: 'job', job: job('j1', state) },
    ]);
    expect(view.degraded.includes('shop/demo/web')).toBe(after);
    expect(view.degraded).toContain('shop/demo/other');
  });
});

describe('over all streams', () => {
  const id = fc.constantFrom('c1', 'c2', 'c3');
  const name = fc.constantFrom('web', 'db', 'web.next.j1', 'constructor');
  const someContainer = fc
    .record({ id, name, state: fc.constantFrom<ObservedContainer['state']>('running', 'exited') })
    .map(({ id: one, name: called, state }) => container(one, called, { state }));
  const someJob = fc
    .record({ id: fc.constantFrom('j1', 'j2'), state: fc.constantFrom(...JOB_STATES), lastSeq: fc.nat(5) })
    .map(({ id: one, state, lastSeq }) => job(one, state, { lastSeq }));
  const someRun = fc
    .record({ number: fc.integer({ min: 1, max: 60 }), lastSeq: fc.nat(3), ended: fc.boolean() })
    .map(({ number, lastSeq, ended }): BuildRun => {
      const [id, tag] = [`r${number}`, `1.B${number}`];
      const state = ended ? 'ERROR' : 'RUNNING';
      const named = { id, key: id, tag, service: 'shop', build: 'site', version: '1', image: 'site' };
      return {
        ...named,
        number,
        operator: 'ann',
        fingerprint: 'f',
        state,
        steps: [],
        vertices: [],
        queuedAt: 'q',
        lastSeq,
      };
    });
  const event: fc.Arbitrary<WatchEvent> = fc.oneof(
    fc.uniqueArray(someContainer, { selector: (one) => one.name }).map((list) => snapshot(list)),
    someContainer.map((one): WatchEvent => ({ type: 'container', container: one })),
    fc.record({ type: fc.constant('container-gone' as const), id, name }),
    someJob.map((one): WatchEvent => ({ type: 'job', job: one })),
    someRun.map((run): WatchEvent => ({ type: 'build-run', run })),
    fc.constant<WatchEvent>({ type: 'engine-lost', message: 'gone' }),
  );

  test('the same event again changes nothing, and a container has one name', () => {
    fc.assert(
      fc.property(fc.array(event), event, (events, last) => {
        const view = fold([...events, last]);
        const recent = view.builds['shop/site'] ?? [];
        expect(recentRuns(recent)).toEqual(recent);
        if (last.type !== 'snapshot') expect(reduceWatchEvent(view, last)).toBe(view);
        for (const [key, one] of Object.entries(view.containers)) expect(one.name).toBe(key);
        expect(view.link).toEqual({ state: 'connecting' });
      }),
    );
  });

  test('a snapshot makes up for whatever was missed', () => {
    fc.assert(
      fc.property(
        fc.array(event),
        fc.uniqueArray(someContainer, { selector: (one) => one.name }),
        (events, list) => {
          expect(fold([...events, snapshot(list)])).toEqual(fold([snapshot(list)]));
        },
      ),
    );
  });
});

test('keepIdentity gives an equal value, made of the parts that were there', () => {
  // As it comes over the wire: JSON has no negative zero.
  const data = fc.jsonValue({ maxDepth: 3 }).map((value) => copy(value));
  fc.assert(
    fc.property(data, data, (before, after) => {
      expect(keepIdentity<unknown>(before, after)).toEqual(after);
      expect(keepIdentity<unknown>(before, copy(before))).toBe(before);
    }),
  );
});

function copy(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
