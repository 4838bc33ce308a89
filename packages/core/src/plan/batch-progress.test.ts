import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { BuildDefinition, BuildRun, BuildRunState } from '../build/index.ts';
import type { Job, JobState } from '../job/index.ts';
import type { Choice } from '../rules/index.ts';
import {
  type BatchEvent,
  type BatchProgress,
  beginBatch,
  carriedBuilds,
  describeCarried,
  exitCodeOfBatch,
  exitCodeOfBuildRun,
  isBatchOver,
  nextActions,
  type Pipeline,
  type PlannedTask,
  reduceBatch,
  type ServerPlan,
  sharedBuilds,
} from './index.ts';

function definition(name: string, agent: string): BuildDefinition {
  return { name, agent, source: { git: '/a', ref: 'main' }, image: { name: `r.io/${name}`, version: '1' } };
}

const BUILDS: Pipeline['builds'] = {
  site: { definition: definition('site', 'a'), awaitable: false, images: [] },
  api: { definition: definition('api', 'b'), awaitable: false, images: [] },
};
/** Of agents whose jobs wait for their own builds. */
const AWAITABLE: Pipeline['builds'] = Object.fromEntries(
  Object.entries(BUILDS).map(([name, build]) => [name, { ...build, awaitable: true }]),
);

function task(container: string, build?: string): PlannedTask {
  const choice: Choice =
    build === undefined ? { mode: 'image-tag', tag: '2' } : { mode: 'build-deploy', confirmed: true };
  return {
    container,
    image: container,
    choice,
    stages: build === undefined ? ['deploy'] : ['build', 'deploy'],
    ...(build === undefined ? { to: '2' } : { build }),
  };
}

function plan(server: string, ...armed: PlannedTask[]): ServerPlan {
  return { server, agent: 'a', armed, skipped: [] };
}

function run(build: string, state: BuildRunState, change: Partial<BuildRun> = {}): BuildRun {
  return {
    id: `run-${build}`,
    key: 'key',
    service: 'shop',
    build,
    number: 1,
    tag: '1.B000001',
    version: '1',
    image: build,
    operator: 'ann',
    fingerprint: 'f',
    state,
    steps: [{ kind: 'build', state: state === 'ERROR' ? 'ERROR' : 'DONE' }],
    vertices: [],
    queuedAt: 'q',
    lastSeq: 1,
    ...(state === 'DONE' && { imageId: 'sha256:1' }),
    ...change,
  };
}

function job(server: string, state: JobState): Job {
  return {
    id: `job-${server}`,
    key: 'k',
    service: 'shop',
    map: 'demo',
    server,
    operator: 'ann',
    state,
    tasks: [],
    steps: [],
    logs: [],
    commands: [],
    queuedAt: 'q',
    lastSeq: 1,
  };
}

/** `web` and `shop` share a build, `api` has another, `both` waits for two, `cache` for none. */
const PLANS = [
  plan('web', task('nginx'), task('site', 'site')),
  plan('shop', task('site-2', 'site')),
  plan('api', task('api', 'api')),
  plan('both', task('b1', 'api'), task('b2', 'site')),
  plan('cache', task('redis')),
  plan('nothing'),
];

function batchAfter(...events: BatchEvent[]): BatchProgress {
  return events.reduce(reduceBatch, beginBatch(PLANS, BUILDS));
}

const states = (batch: BatchProgress) =>
  Object.fromEntries(batch.servers.map(({ plan: { server }, state }) => [server, state]));
const actions = (batch: BatchProgress) =>
  nextActions(batch).map((action) => (action.type === 'run-build' ? `build ${action.build}` : action.server));

describe('a batch', () => {
  test('tasks of one build share its run, in the order that it is needed', () => {
    expect(sharedBuilds(PLANS, BUILDS)).toEqual([
      {
        build: 'site',
        agent: 'a',
        awaitable: false,
        tasks: [
          { server: 'web', container: 'site' },
          { server: 'shop', container: 'site-2' },
          { server: 'both', container: 'b2' },
        ],
      },
      {
        build: 'api',
        agent: 'b',
        awaitable: false,
        tasks: [
          { server: 'api', container: 'api' },
          { server: 'both', container: 'b1' },
        ],
      },
    ]);
  });

  test('begins with its builds and what waits for none', () => {
    expect(states(batchAfter())).toEqual({
      web: 'WAIT',
      shop: 'WAIT',
      api: 'WAIT',
      both: 'WAIT',
      cache: 'READY',
    });
    expect(actions(batchAfter())).toEqual(['build site', 'build api', 'cache']);
  });

  test('nothing is asked for twice', () => {
    const batch = batchAfter(
      { type: 'build-sent', build: 'site' },
      { type: 'build-sent', build: 'api' },
      { type: 'deploy-sent', server: 'cache' },
    );
    expect(actions(batch)).toEqual([]);
  });

  test('a server deploys as soon as its own builds are there, with the tag that was built', () => {
    const one = batchAfter(
      { type: 'build-sent', build: 'site' },
      { type: 'build-run', build: 'site', run: run('site', 'DONE') },
    );
    expect(states(one)).toMatchObject({ web: 'READY', shop: 'READY', api: 'WAIT', both: 'WAIT' });
    expect(nextActions(one).find((action) => action.type === 'deploy')).toMatchObject({
      server: 'web',
      plan: {
        armed: [
          { container: 'nginx', to: '2' },
          {
            container: 'site',
            to: '1.B000001',
            choice: { mode: 'build-deploy', confirmed: true, built: '1.B000001' },
          },
        ],
      },
    });
    const two = reduceBatch(one, { type: 'build-run', build: 'api', run: run('api', 'DONE') });
    expect(states(two)).toMatchObject({ api: 'READY', both: 'READY' });
  });

  test.each<[string, BuildRun, string]>([
    [
      'failed',
      run('site', 'ERROR', {
        steps: [{ kind: 'build', state: 'ERROR', error: { code: 'exit', message: 'npm exited with 1.' } }],
      }),
      'The build site (1.B000001) failed in BUILD: npm exited with 1.',
    ],
    [
      'was cancelled',
      run('site', 'CANCELLED', { cancelledBy: 'bob' }),
      'The build site (1.B000001) was cancelled by bob.',
    ],
    [
      'made no image',
      { ...run('site', 'DONE'), imageId: undefined },
      'The build site (1.B000001) ran BUILD alone and made no image.',
    ],
  ])('a build that %s deploys nothing, and says so on every task that waited', (_name, ended, message) => {
    const batch = batchAfter({ type: 'build-run', build: 'site', run: ended });
    expect(states(batch)).toEqual({
      web: 'REFUSED',
      shop: 'REFUSED',
      api: 'WAIT',
      both: 'REFUSED',
      cache: 'READY',
    });
    const nothing = (server: string) => ` Nothing was deployed on ${server}: what runs there keeps running.`;
    expect(batch.servers[0]?.failures).toEqual([
      {
        code: 'build-failed',
        container: 'nginx',
        message: `nginx is in one update with site. ${message}${nothing('web')}`,
      },
      { code: 'build-failed', container: 'site', message: `${message}${nothing('web')}` },
    ]);
    expect(batch.servers[1]?.failures).toEqual([
      { code: 'build-failed', container: 'site-2', message: `${message}${nothing('shop')}` },
    ]);
  });

  test('a build that does not begin says why', () => {
    const batch = batchAfter({
      type: 'build-refused',
      build: 'api',
      failure: {
        code: 'refused',
        message: 'x',
        refusal: { code: 'secret-missing', message: 'No secret npm.' },
      },
    });
    expect(batch.servers[2]?.failures[0]).toMatchObject({
      code: 'secret-missing',
      message: expect.stringContaining(
        'The build api did not begin: No secret npm. Nothing was deployed on api',
      ),
    });
  });

  test('one server that fails stops no other, and the batch ends with the worst', () => {
    const batch = batchAfter(
      { type: 'build-run', build: 'site', run: run('site', 'ERROR') },
      { type: 'build-run', build: 'api', run: run('api', 'DONE') },
      { type: 'deploy-begun', server: 'api', jobId: 'job-api' },
      { type: 'job', server: 'api', job: job('api', 'DONE') },
      { type: 'job', server: 'cache', job: job('cache', 'RUNNING') },
    );
    expect(isBatchOver(batch)).toBe(false);
    expect(states(batch)).toMatchObject({ api: 'ENDED', cache: 'RUNNING' });
    const end = reduceBatch(batch, { type: 'job', server: 'cache', job: job('cache', 'DONE') });
    expect(isBatchOver(end)).toBe(true);
    expect(exitCodeOfBatch(end)).toBe(3);
  });

  test('stopped: what was not sent is not begun, what runs is waited for', () => {
    const batch = batchAfter(
      { type: 'build-sent', build: 'site' },
      { type: 'build-run', build: 'site', run: run('site', 'RUNNING') },
      { type: 'deploy-sent', server: 'cache' },
      { type: 'stopped' },
    );
    expect(states(batch)).toMatchObject({ web: 'REFUSED', api: 'REFUSED', cache: 'SENT' });
    expect(actions(batch)).toEqual([]);
    expect(batch.builds.map(({ state }) => state)).toEqual(['RUNNING', 'FAILED']);
  });
});

describe('where jobs wait by themselves', () => {
  const begin = (build: string): BatchEvent => ({
    type: 'build-begun',
    build,
    begun: { id: `run-${build}`, tag: '1.B000001' },
  });
  const awaitedAfter = (...events: BatchEvent[]) => events.reduce(reduceBatch, beginBatch(PLANS, AWAITABLE));

  test('only what is built on another agent has to be carried there', () => {
    const carries = ({ servers }: BatchProgress) =>
      Object.fromEntries(servers.map((server) => [server.plan.server, server.carries]));
    expect(carries(awaitedAfter())).toEqual({ web: [], shop: [], api: ['api'], both: ['api'], cache: [] });
    expect(carries(batchAfter())).toMatchObject({ web: ['site'], both: ['site', 'api'] });
  });

  test.each<[string, Pipeline['builds'], string]>([
    [
      'api',
      AWAITABLE,
      "api is deployed from here when api is built: its agent a can't wait for a build on b.",
    ],
    ['web', BUILDS, 'web is deployed from here when site is built: its agent a is too old to wait for it.'],
  ])('whoever has to carry it is told why: %s', (name, builds, sentence) => {
    const planned = PLANS.find(({ server }) => server === name) ?? plan(name);
    expect(describeCarried(planned, carriedBuilds(planned, sharedBuilds(PLANS, builds)))).toBe(sentence);
  });

  test('a server goes to its agent as soon as the run is begun, with the tag that it will make', () => {
    const begun = awaitedAfter({ type: 'build-sent', build: 'site' }, begin('site'));
    expect(states(begun)).toMatchObject({ web: 'READY', shop: 'READY', api: 'WAIT', both: 'WAIT' });
    expect(nextActions(begun).find((action) => action.type === 'deploy')).toMatchObject({
      plan: { armed: [{ to: '2' }, { to: '1.B000001', choice: { built: '1.B000001' } }] },
    });
    expect(states(batchAfter(begin('site')))).toMatchObject({ web: 'WAIT' });
    // What is built elsewhere has to be over, what is built here only begun.
    const elsewhere = { type: 'build-run', build: 'api', run: run('api', 'DONE') } as const;
    expect(states(awaitedAfter(begin('api')))).toMatchObject({ api: 'WAIT', both: 'WAIT' });
    expect(states(awaitedAfter(elsewhere))).toMatchObject({ api: 'READY', both: 'WAIT' });
    expect(states(awaitedAfter(elsewhere, begin('site')))).toMatchObject({ both: 'READY' });
  });

  test('what has a job is for its agent to end, whatever becomes of the build', () => {
    const sent = awaitedAfter(begin('site'), { type: 'deploy-begun', server: 'web', jobId: 'job-web' });
    const failed = reduceBatch(sent, { type: 'build-run', build: 'site', run: run('site', 'ERROR') });
    expect(states(failed)).toMatchObject({ web: 'RUNNING', both: 'REFUSED' });
    expect(failed.servers[0]?.failures).toEqual([]);
    const refusal = { code: 'build-failed', message: 'x' } as const;
    const ended = reduceBatch(failed, {
      type: 'job',
      server: 'web',
      job: { ...job('web', 'REFUSED'), refusal },
    });
    expect(states(ended)).toMatchObject({ web: 'ENDED' });
    expect(exitCodeOfBatch({ ...ended, servers: ended.servers.slice(0, 1) })).toBe(3);
  });

  test('stopped: what has a job goes on, and what would have to be carried is not deployed', () => {
    const stopped = awaitedAfter(
      begin('site'),
      begin('api'),
      { type: 'deploy-begun', server: 'web', jobId: 'job-web' },
      { type: 'stopped' },
    );
    expect(states(stopped)).toMatchObject({ web: 'RUNNING', api: 'REFUSED', both: 'REFUSED' });
  });
});

test.each<[string, number]>([
  ['agent-unreachable', 5],
  ['engine-unreachable', 5],
  ['job-running', 2],
  ['refused', 2],
  ['internal', 1],
])('a server that is refused with %s ends with %d', (code, exit) => {
  const batch = reduceBatch(beginBatch([plan('cache', task('redis'))], BUILDS), {
    type: 'deploy-refused',
    server: 'cache',
    failure: { code, message: 'no' },
  });
  expect(batch.servers[0]?.failures).toEqual([{ code, message: 'no', container: 'redis' }]);
  expect(exitCodeOfBatch(batch)).toBe(exit);
});

test.each<[BuildRunState, number]>([
  ['DONE', 0],
  ['RUNNING', 0],
  ['QUEUED', 0],
  ['ERROR', 3],
  ['CANCELLED', 3],
])('a build run that is %s ends with %d', (state, code) => {
  expect(exitCodeOfBuildRun({ state })).toBe(code);
});

test('over all batches: whatever happens to each, it ends, and nothing deploys without its builds', () => {
  const armed = fc.array(
    fc.record({
      container: fc.stringMatching(/^[a-z]{3}$/),
      build: fc.constantFrom('site', 'api', undefined),
    }),
    { maxLength: 3 },
  );
  const outcome = fc.constantFrom('DONE', 'ERROR', 'CANCELLED', 'refused' as const);
  fc.assert(
    fc.property(
      fc.array(armed, { maxLength: 5 }),
      fc.array(outcome, { minLength: 1 }),
      fc.boolean(),
      (servers, outcomes, awaitable) => {
        const plans = servers.map((tasks, at) =>
          plan(`s${at}`, ...tasks.map(({ container, build }) => task(container, build))),
        );
        let batch = beginBatch(plans, awaitable ? AWAITABLE : BUILDS);
        const tell = (event: BatchEvent) => {
          batch = reduceBatch(batch, event);
        };
        const made = (names: readonly string[]) =>
          names.every((name) => batch.builds.find(({ build }) => build === name)?.state === 'DONE');
        const isOver = (names: readonly string[]) =>
          names.every((name) =>
            batch.builds.some(
              ({ build, state }) => build === name && (state === 'DONE' || state === 'FAILED'),
            ),
          );
        let turn = 0;
        for (let left = 100; left > 0 && !isBatchOver(batch); left--) {
          const goingOn = new Map<string, BuildRunState>();
          for (const action of nextActions(batch)) {
            const next = outcomes[turn++ % outcomes.length] ?? 'DONE';
            if (action.type === 'run-build') {
              const { build } = action;
              tell({ type: 'build-sent', build });
              if (next === 'refused') {
                tell({ type: 'build-refused', build, failure: { code: 'x', message: 'x' } });
              } else {
                tell({ type: 'build-begun', build, begun: { id: 'r', tag: '1.B000001' } });
                goingOn.set(build, next);
              }
            } else {
              const { server } = action;
              for (const { choice } of action.plan.armed) {
                if (choice.mode === 'build-deploy') expect(choice.built).toBe('1.B000001');
              }
              expect(
                made(batch.servers.find(({ plan: { server: name } }) => name === server)?.carries ?? []),
              ).toBe(true);
              tell({ type: 'deploy-sent', server });
              tell({ type: 'deploy-begun', server, jobId: `job-${server}` });
            }
          }
          // Its agent ends a job when the job's builds are over, by what they came to.
          for (const { plan: on, state, waitsFor } of batch.servers) {
            if (state !== 'RUNNING' || !isOver(waitsFor)) continue;
            tell({
              type: 'job',
              server: on.server,
              job: job(on.server, made(waitsFor) ? 'DONE' : 'REFUSED'),
            });
          }
          for (const [build, state] of goingOn) tell({ type: 'build-run', build, run: run(build, state) });
        }
        expect(isBatchOver(batch)).toBe(true);
        for (const { state, job: ended, waitsFor } of batch.servers) {
          const done = state === 'ENDED' && ended?.state === 'DONE';
          expect(done).toBe(made(waitsFor));
        }
      },
    ),
  );
});
