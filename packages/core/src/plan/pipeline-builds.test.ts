import { describe, expect, test } from 'vitest';
import type { BuildRun } from '../build/index.ts';
import type { Job, JobTask } from '../job/index.ts';
import { parseMapFile, type ServiceDefinition } from '../map/index.ts';
import { executeInputSchema, type Hello, type ObservedContainer } from '../protocol/index.ts';
import { arm, type Choice } from '../rules/index.ts';
import {
  type AgentView,
  buildPipeline,
  initialAgentView,
  type Pipeline,
  planBatch,
  planExecute,
  planRollback,
  reduceWatchEvent,
  toExecuteInput,
} from './index.ts';

const FILE = `
agents: { alpha: { url: "unix:///a" }, beta: { url: "unix:///b" } }
services:
  shop:
    builds:
      local: { source: { git: /a, ref: main }, image: { name: shop/local, version: "1" }, agent: alpha }
      pushed: { source: { git: /a, ref: main }, image: { name: localhost:5000/pushed, version: "1" }, agent: alpha }
    maps:
      demo:
        servers:
          web: { agent: alpha, containers: [{ name: local, build: local }, { name: pushed, build: pushed }] }
          far: { agent: beta, containers: [{ name: far-local, build: local }, { name: far-pushed, build: pushed }] }
          cache: { agent: beta, containers: [{ name: cache, image: cache }] }
`;

function service(): ServiceDefinition {
  const parsed = parseMapFile(FILE);
  const [first] = parsed.ok ? parsed.value.services : [];
  if (first === undefined) throw new Error(JSON.stringify(parsed));
  return first;
}

const SHOP = service();
const HELLO: Hello = {
  protocol: 1,
  version: '0.1.0',
  pid: 1,
  startedAt: 's',
  engine: { state: 'unreachable', message: 'x' },
  capabilities: ['builds'],
};

function run(build: string, number: number, change: Partial<BuildRun> = {}): BuildRun {
  const done = change.state === undefined || change.state === 'DONE';
  return {
    id: `${build}-${number}`,
    key: 'key',
    service: 'shop',
    build,
    number,
    tag: `1.B00000${number}`,
    version: '1',
    image: build,
    operator: 'ann',
    fingerprint: 'f',
    state: 'DONE',
    steps: [],
    vertices: [],
    queuedAt: 'q',
    lastSeq: 1,
    ...(done && { imageId: `sha256:${number}` }),
    ...change,
  };
}

function seen(name: string, image: string, tag: string): ObservedContainer {
  return { id: name, name, image: `${image}:${tag}`, imageId: 'i', tag, state: 'running', createdAt: 'c' };
}

function agent(name: string, containers: ObservedContainer[], builds: BuildRun[] = []): AgentView {
  const view: AgentView = { ...initialAgentView(name), link: { state: 'connected' }, hello: HELLO };
  return reduceWatchEvent(view, { type: 'snapshot', containers, jobs: [], degraded: [], builds });
}

const RUNS = [
  run('local', 1),
  run('local', 2),
  run('pushed', 3, { pushed: { digest: 'sha256:p' } }),
  run('pushed', 4, { state: 'ERROR' }),
];
const ALPHA = agent(
  'alpha',
  [seen('local', 'shop/local', '1.B000001'), seen('pushed', 'localhost:5000/pushed', '1.B000003')],
  RUNS,
);
const BETA = agent('beta', [
  seen('far-local', 'shop/local', '1.B000001'),
  seen('far-pushed', 'localhost:5000/pushed', '1.B000001'),
  seen('cache', 'cache', '7'),
]);

function pipeline(alpha: AgentView = ALPHA, beta: AgentView = BETA): Pipeline {
  const [map] = SHOP.maps;
  if (map === undefined) throw new Error('there is no map');
  return buildPipeline({ service: SHOP, map, agents: { alpha, beta }, readOnly: false });
}

function taskOf(container: string, table = pipeline()) {
  const task = table.servers.flatMap(({ tasks }) => tasks).find((one) => one.container.name === container);
  if (task === undefined) throw new Error(`there is no ${container}`);
  return task;
}

const BUILD: Choice = { mode: 'build-deploy', confirmed: true };

describe('a built image in the table', () => {
  test('says of a build whose agent is being connected to that nothing is known of it yet', () => {
    const { build } = taskOf('far-pushed', pipeline(initialAgentView('alpha')));
    expect(build?.unavailable).toEqual({
      code: 'agent-unreachable',
      message: 'The agent alpha, which builds pushed, is being connected to: wait for its first answer.',
    });
  });

  test('has the last run, what Latest is, and what Designated offers, on whatever agent it runs', () => {
    for (const name of ['pushed', 'far-pushed']) {
      const { build, facts } = taskOf(name);
      expect(build).toMatchObject({ lastRun: { number: 4, state: 'ERROR' }, latest: { number: 3 } });
      expect(build?.images.map(({ number }) => number)).toEqual([3]);
      expect(facts.latest).toEqual({ tag: '1.B000003', digest: 'sha256:p' });
    }
    expect(taskOf('local').build?.images.map(({ number }) => number)).toEqual([2, 1]);
    expect(taskOf('cache').build).toBeUndefined();
  });

  test('a run that changes is in the table at once, and an older word of it changes nothing', () => {
    const running = run('local', 5, { state: 'RUNNING', lastSeq: 3 });
    const view = reduceWatchEvent(ALPHA, { type: 'build-run', run: running });
    expect(taskOf('local', pipeline(view)).build).toMatchObject({
      lastRun: running,
      activeRun: running,
      latest: { number: 2 },
    });
    expect(view.builds['shop/pushed']).toBe(ALPHA.builds['shop/pushed']);
    expect(
      reduceWatchEvent(view, { type: 'build-run', run: { ...running, state: 'QUEUED', lastSeq: 1 } }),
    ).toBe(view);
  });

  const old: AgentView = { ...ALPHA, hello: { ...HELLO, capabilities: [] } };
  const lost: AgentView = { ...ALPHA, link: { state: 'lost', message: 'no route' } };
  const silent: AgentView = { ...lost, builds: {} };
  const busy = reduceWatchEvent(ALPHA, { type: 'build-run', run: run('pushed', 5, { state: 'QUEUED' }) });
  test.each<[string, string, Choice, AgentView, string]>([
    ['Latest', 'local', { mode: 'latest' }, ALPHA, '1.B000002'],
    ['Latest that is deployed', 'pushed', { mode: 'latest' }, ALPHA, 'same-version'],
    ['Latest of another agent', 'far-pushed', { mode: 'latest' }, ALPHA, '1.B000003'],
    ['Build & Deploy', 'far-pushed', BUILD, ALPHA, 'build'],
    ['Build & Deploy, built', 'far-pushed', { ...BUILD, built: '1.B000009' }, ALPHA, '1.B000009'],
    [
      'Build & Deploy, not confirmed',
      'local',
      { mode: 'build-deploy', confirmed: false },
      ALPHA,
      'not-confirmed',
    ],
    ['Build & Deploy, without a registry', 'far-local', BUILD, ALPHA, 'needs-registry'],
    ['Latest, without a registry', 'far-local', { mode: 'latest' }, ALPHA, 'needs-registry'],
    [
      'Designated, without a registry',
      'far-local',
      { mode: 'designated', tag: '1.B000002' },
      ALPHA,
      'needs-registry',
    ],
    ['Build & Deploy, its build runs', 'far-pushed', BUILD, busy, 'build-running'],
    ['Designated, its build runs', 'pushed', { mode: 'designated', tag: '1.B000001' }, busy, '1.B000001'],
    ['Build & Deploy, its agent can not', 'far-pushed', BUILD, old, 'not-supported'],
    ['Build & Deploy, its agent is away', 'far-pushed', BUILD, lost, 'agent-unreachable'],
    ['Latest, its agent is away', 'far-pushed', { mode: 'latest' }, lost, '1.B000003'],
    ['Latest, and nothing was heard of it', 'far-pushed', { mode: 'latest' }, silent, 'agent-unreachable'],
    ['built, and its agent is away since', 'far-pushed', { ...BUILD, built: '1.B000009' }, lost, '1.B000009'],
  ])('%s of %s', (_name, container, choice, alpha, expected) => {
    const arming = arm(choice, taskOf(container, pipeline(alpha)).facts);
    expect(arming.armed ? (arming.tag ?? 'build') : arming.refusal.code).toBe(expected);
  });

  test('a refusal for the build says what to do', () => {
    const arming = arm(BUILD, taskOf('far-local').facts);
    expect(arming).toMatchObject({
      refusal: {
        container: 'far-local',
        message:
          'The image of far-local is built on alpha and would run on beta, and its name has no registry to get there by. Name one in the image of the build local, or build it on beta.',
      },
    });
    const running = arm(BUILD, taskOf('pushed', pipeline(busy)).facts);
    expect(!running.armed && running.refusal.message).toContain(
      'is waiting to run already: 1.B000005, by ann',
    );
  });
});

test('a plan names the build that a task waits for, and the request tells the agent of builds', () => {
  const table = pipeline();
  const choices = new Map<string, Choice>([
    ['far/far-pushed', BUILD],
    ['web/pushed', BUILD],
    ['web/local', { mode: 'latest' }],
  ]);
  const batch = planBatch(table, choices);
  expect(batch.servers.map(({ armed }) => armed.map(({ container, build }) => [container, build]))).toEqual([
    [
      ['local', undefined],
      ['pushed', 'pushed'],
    ],
    [['far-pushed', 'pushed']],
  ]);
  const plan = planExecute(
    table,
    { server: 'far', container: 'far-pushed' },
    new Map([['far/far-pushed', { mode: 'latest' }]]),
  );
  const far = SHOP.maps[0]?.servers[1];
  if (!plan.ok || far === undefined) throw new Error('there is no plan');
  const input = toExecuteInput(plan.value, far, {
    service: 'shop',
    map: 'demo',
    key: 'key-0001',
    operator: 'a',
    builds: table.builds,
  });
  expect(executeInputSchema.parse(input)).toEqual(input);
  expect(input.containers.map(({ build }) => build)).toEqual([
    { name: 'local', here: false, latest: { tag: '1.B000002' } },
    { name: 'pushed', here: false, latest: { tag: '1.B000003', digest: 'sha256:p' } },
  ]);
});

describe('rollback', () => {
  const job = (id: string, server: string, tasks: JobTask[], change: Partial<Job> = {}): Job => ({
    id,
    key: id,
    service: 'shop',
    map: 'demo',
    server,
    operator: 'ann',
    state: 'DONE',
    tasks,
    steps: [],
    logs: [],
    commands: [],
    queuedAt: id,
    lastSeq: 1,
    ...change,
  });
  const step = (container: string, from: string | undefined, to: string): JobTask => ({
    container,
    mode: 'designated',
    ...(from !== undefined && { from: { tag: from } }),
    to: { tag: to },
  });
  const history = [
    job('1', 'web', [step('local', '1.B000000', '1.B000002')]),
    job('2', 'web', [step('local', '1.B000002', '1.B000001'), step('pushed', '1.B000001', '1.B000003')]),
    job('3', 'web', [step('local', '1.B000001', '1.B000002')], { state: 'RESTORED' }),
    job('4', 'far', [step('local', 'x', 'y')]),
    job('5', 'cache', [step('cache', '6', '7')]),
  ];

  test.each<[string, { server: string; container?: string }, Job[], [string, Choice][]]>([
    [
      'a server: what its last job that was done had deployed',
      { server: 'web' },
      history,
      [
        ['web/local', { mode: 'designated', tag: '1.B000002' }],
        ['web/pushed', { mode: 'designated', tag: '1.B000001' }],
      ],
    ],
    [
      'one container',
      { server: 'web', container: 'pushed' },
      history.toReversed(),
      [['web/pushed', { mode: 'designated', tag: '1.B000001' }]],
    ],
    ['a common image', { server: 'cache' }, history, [['cache/cache', { mode: 'image-tag', tag: '6' }]]],
  ])('%s', (_name, target, jobs, expected) => {
    const found = planRollback(pipeline(), target, jobs);
    expect(found.ok && [...found.value]).toEqual(expected);
    const plan = found.ok && planExecute(pipeline(), target, found.value);
    expect(plan !== false && plan.ok && plan.value.armed).toHaveLength(expected.length);
  });

  test.each<[string, { server: string; container?: string }, Job[], string]>([
    ['no server', { server: 'x' }, [], 'unknown-server'],
    ['no container', { server: 'web', container: 'x' }, [], 'unknown-container'],
    ['no job', { server: 'far' }, history.slice(0, 3), 'nothing-before'],
    [
      'nothing before',
      { server: 'cache' },
      [job('1', 'cache', [step('cache', undefined, '7')])],
      'nothing-before',
    ],
    ['changed by hand', { server: 'cache' }, [job('1', 'cache', [step('cache', '5', '6')])], 'changed-since'],
    ['a tag that moves', { server: 'cache' }, [job('1', 'cache', [step('cache', '7', '7')])], 'moving-tag'],
    [
      'of another map',
      { server: 'cache' },
      [job('1', 'cache', [step('cache', '6', '7')], { map: 'x' })],
      'nothing-before',
    ],
  ])('%s', (_name, target, jobs, code) => {
    expect(planRollback(pipeline(), target, jobs)).toMatchObject({ ok: false, error: { code } });
  });

  test('a degraded server is restored first, whatever its history says', () => {
    const degraded = pipeline(ALPHA, { ...BETA, degraded: ['shop/demo/cache'], containers: {} });
    expect(planRollback(degraded, { server: 'cache' }, history)).toMatchObject({
      ok: false,
      error: { code: 'degraded', message: expect.stringContaining('`towline restore cache`') },
    });
  });
});
