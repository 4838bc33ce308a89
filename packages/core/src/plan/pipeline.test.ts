import { describe, expect, test } from 'vitest';
import type { Job, JobState } from '../job/index.ts';
import type { ContainerDefinition, MapDefinition } from '../map/index.ts';
import { executeInputSchema, type ObservedContainer } from '../protocol/index.ts';
import { arm, type Choice } from '../rules/index.ts';
import {
  type AgentView,
  buildPipeline,
  combineExitCodes,
  deployedVersion,
  describeCounts,
  type ExitCode,
  exitCodeOfJob,
  initialAgentView,
  observeServer,
  type Pipeline,
  planBatch,
  planExecute,
  type ServerObservation,
  type ServerPlan,
  toExecuteInput,
} from './index.ts';

const gateway: ContainerDefinition = { name: 'gateway', kind: 'common', image: 'shop/gateway' };
const storefront: ContainerDefinition = {
  name: 'storefront',
  kind: 'built',
  build: 'storefront',
  image: 'shop/storefront',
  settle: 2,
};
const cache: ContainerDefinition = { name: 'cache', kind: 'common', image: 'shop/cache', run: { tty: true } };
const MAP: MapDefinition = {
  name: 'demo',
  servers: [
    { name: 'web', agent: 'alpha', containers: [gateway, storefront] },
    { name: 'cache', agent: 'beta', containers: [cache] },
  ],
};

function seen(name: string, tag: string, change: Partial<ObservedContainer> = {}): ObservedContainer {
  return {
    id: `id-${name}`,
    name,
    image: `shop/${name}:${tag}`,
    imageId: 'sha256:1',
    tag,
    digest: `sha256:${tag}`,
    state: 'running',
    createdAt: 'c',
    ...change,
  };
}

function agent(name: string, containers: ObservedContainer[], change: Partial<AgentView> = {}): AgentView {
  return {
    ...initialAgentView(name),
    link: { state: 'connected' },
    known: true,
    containers: Object.fromEntries(containers.map((container) => [container.name, container])),
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
    queuedAt: id,
    lastSeq: 1,
    ...change,
  };
}

const ALPHA = agent('alpha', [seen('gateway', '1.0.0'), seen('storefront', '2.0.0')]);
const BETA = agent('beta', [seen('cache', '7.2.0')]);

function pipeline(alpha: AgentView = ALPHA, beta: AgentView = BETA, readOnly = false): Pipeline {
  return buildPipeline({ service: { name: 'shop' }, map: MAP, agents: { alpha, beta }, readOnly });
}

describe('the state of a server', () => {
  const running = seen('gateway', '1.0.0');
  const exited = seen('storefront', '2.0.0', { state: 'exited', exitCode: 137 });
  const observation = (change: Partial<ServerObservation>): ServerObservation => ({
    name: 'web',
    agent: 'alpha',
    containers: [gateway, storefront],
    observed: {},
    degraded: false,
    readOnly: false,
    ...change,
  });

  test.each<[string, Partial<ServerObservation>, string, string | undefined]>([
    [
      'all run',
      { observed: { gateway: running, storefront: seen('storefront', '2.0.0') } },
      'Running',
      undefined,
    ],
    ['one runs, one exited', { observed: { gateway: running, storefront: exited } }, 'Running', undefined],
    ['one runs, one is not there', { observed: { gateway: running } }, 'Running', undefined],
    [
      'one restarts over and over',
      { observed: { gateway: { ...running, state: 'restarting' } } },
      'Running',
      undefined,
    ],
    [
      'none runs',
      { observed: { gateway: { ...running, state: 'paused' }, storefront: exited } },
      'Stopped',
      'gateway is paused, storefront exited with 137',
    ],
    [
      'one is there and does not run',
      { observed: { storefront: exited } },
      'Stopped',
      'gateway does not exist, storefront exited with 137',
    ],
    [
      'a job has stopped the old ones, and the new ones have not their names yet',
      { observed: { gateway: exited, storefront: exited }, runningJob: 'j1' },
      'Stopped',
      'the job j1 is at it',
    ],
    ['none is there', {}, 'Stopped', 'no container of it exists yet'],
    [
      'never started',
      { observed: { gateway: { ...running, state: 'created' } } },
      'Stopped',
      'gateway was never started, storefront does not exist',
    ],
    [
      'unreachable',
      { away: { state: 'Unreachable', reason: 'no route' }, degraded: true },
      'Unreachable',
      'no route',
    ],
    [
      'degraded',
      { degraded: true, observed: { gateway: running, storefront: exited } },
      'Degraded',
      'storefront exited with 137',
    ],
    [
      'degraded, with nothing left',
      { degraded: true },
      'Degraded',
      'gateway does not exist, storefront does not exist',
    ],
    [
      'degraded, unhealthy',
      {
        degraded: true,
        observed: { gateway: { ...running, health: 'unhealthy' }, storefront: seen('storefront', '2') },
      },
      'Degraded',
      'gateway is unhealthy',
    ],
    [
      'degraded, brought back by hand',
      { degraded: true, observed: { gateway: running, storefront: seen('storefront', '2') } },
      'Running',
      undefined,
    ],
  ])('%s', (_name, change, state, reason) => {
    const server = observeServer(observation(change));
    expect([server.state, server.reason]).toEqual([state, reason]);
    for (const task of server.tasks) {
      expect(task.server.state).toBe(state);
      expect(task.server.created).toBe(Object.keys(change.observed ?? {}).length > 0);
    }
  });

  test('the facts of each container', () => {
    const { tasks } = observeServer(
      observation({
        observed: { gateway: running },
        runningJob: 'j1',
        readOnly: true,
        latest: { gateway: { tag: 'not for common ones' }, storefront: { tag: '2.1.0' } },
      }),
    );
    const server = { name: 'web', agent: 'alpha', state: 'Running', created: true, runningJob: 'j1' };
    expect(tasks).toEqual([
      {
        server,
        container: 'gateway',
        kind: 'common',
        exists: true,
        creatable: false,
        deployed: { tag: '1.0.0', digest: 'sha256:1.0.0' },
        readOnly: true,
      },
      {
        server,
        container: 'storefront',
        kind: 'built',
        exists: false,
        creatable: false,
        latest: { tag: '2.1.0' },
        readOnly: true,
      },
    ]);
  });

  test('a container called like a property of every object is one that is not there', () => {
    const { tasks } = observeServer(observation({ containers: [{ ...gateway, name: 'constructor' }] }));
    expect(tasks[0]?.exists).toBe(false);
  });
});

test.each<[string, Partial<ObservedContainer>, string, string | undefined]>([
  ['as the map has it', {}, 'shop/gateway', '1.0.0'],
  ['written in full', { image: 'docker.io/library/nginx:1.0.0' }, 'nginx', '1.0.0'],
  ['of another repository', { image: 'shop/other:1.0.0' }, 'shop/gateway', undefined],
  ['of another registry', { image: 'localhost:5000/shop/gateway:1.0.0' }, 'shop/gateway', undefined],
  ['made of an id', { image: `sha256:${'0'.repeat(64)}` }, 'shop/gateway', '1.0.0'],
])('the deployed version of an image %s', (_name, change, image, tag) => {
  expect(deployedVersion(seen('gateway', '1.0.0', change), image)?.tag).toBe(tag);
});

describe('buildPipeline', () => {
  test('a row per container, with what may be chosen', () => {
    const table = pipeline();
    expect(table).toMatchObject({
      service: 'shop',
      map: 'demo',
      servers: [
        {
          name: 'web',
          agent: 'alpha',
          state: 'Running',
          tasks: [
            { server: 'web', container: gateway, modes: ['image-tag'], observed: { tag: '1.0.0' } },
            { server: 'web', container: storefront, modes: ['designated', 'latest', 'build-deploy'] },
          ],
        },
        { name: 'cache', agent: 'beta', state: 'Running', tasks: [{ container: cache }] },
      ],
    });
    expect(table.servers[0]?.reason).toBeUndefined();
  });

  test.each<[string, AgentView | undefined, string]>([
    [
      'lost',
      { ...ALPHA, link: { state: 'lost', message: 'ssh: no route to web-1' } },
      'ssh: no route to web-1',
    ],
    ['incompatible', { ...ALPHA, link: { state: 'incompatible', message: 'too old' } }, 'too old'],
    ['without its engine', { ...ALPHA, engineLost: 'dockerd is away' }, 'dockerd is away'],
    ['not there', undefined, 'Nothing is connected to alpha.'],
  ])('a server whose agent is %s is Unreachable, with the last known rows', (_name, alpha, reason) => {
    const table = buildPipeline({
      service: { name: 'shop' },
      map: MAP,
      agents: { beta: BETA, ...(alpha !== undefined && { alpha }) },
      readOnly: false,
    });
    expect(table.servers[0]).toMatchObject({ state: 'Unreachable', reason });
    expect(table.servers[0]?.tasks).toHaveLength(2);
    expect(table.servers[1]?.state).toBe('Running');
    const [task] = table.servers[0]?.tasks ?? [];
    expect(task && arm({ mode: 'image-tag', tag: '1.1.0' }, task.facts)).toMatchObject({
      refusal: { code: 'agent-unreachable' },
    });
  });

  test.each([
    ['being connected to', initialAgentView('alpha')],
    ['not asked yet', { ...ALPHA, known: false }],
  ])('a server whose agent is %s is Connecting: nothing has gone wrong yet', (_name, alpha) => {
    const table = buildPipeline({
      service: { name: 'shop' },
      map: MAP,
      agents: { beta: BETA, alpha },
      readOnly: false,
    });
    expect(table.servers[0]?.state).toBe('Connecting');
    expect(table.servers[0]?.reason).toBeUndefined();
    const [task] = table.servers[0]?.tasks ?? [];
    const arming = task && arm({ mode: 'image-tag', tag: '1.1.0' }, task.facts);
    expect(arming).toMatchObject({
      refusal: { message: 'The agent alpha is being connected to: wait for its first answer.' },
    });
  });

  test('the job that runs and the one that ended last, of this server of this map only', () => {
    const jobs = [
      job('1', 'DONE'),
      job('2', 'RESTORED'),
      job('3', 'RUNNING'),
      job('4', 'RUNNING', { server: 'cache' }),
      job('5', 'RUNNING', { map: 'other' }),
    ];
    const [web] = pipeline({ ...ALPHA, jobs: Object.fromEntries(jobs.map((one) => [one.id, one])) }).servers;
    expect([web?.runningJob?.id, web?.lastJob?.id]).toEqual(['3', '2']);
    expect(web?.tasks[0]?.facts.server.runningJob).toBe('3');
  });

  test('degraded is of this server of this map only', () => {
    const off = agent('alpha', [seen('gateway', '1', { state: 'exited' })]);
    expect(pipeline({ ...off, degraded: ['shop/demo/web'] }).servers[0]?.state).toBe('Degraded');
    expect(pipeline({ ...off, degraded: ['shop/other/web'] }).servers[0]?.state).toBe('Stopped');
  });
});

describe('plans', () => {
  const choices = (chosen: Record<string, Choice>) => new Map(Object.entries(chosen));
  const tag = (text: string): Choice => ({ mode: 'image-tag', tag: text });

  test('Execute on a server: its armed tasks, and why the rest would not run', () => {
    const plan = planExecute(pipeline(), { server: 'web' }, choices({ 'web/gateway': tag('1.1.0') }));
    expect(plan).toEqual({
      ok: true,
      value: {
        server: 'web',
        agent: 'alpha',
        armed: [
          {
            container: 'gateway',
            image: 'shop/gateway',
            choice: tag('1.1.0'),
            stages: ['deploy'],
            from: { tag: '1.0.0', digest: 'sha256:1.0.0' },
            to: '1.1.0',
          },
        ],
        skipped: [
          {
            container: 'storefront',
            choice: { mode: 'designated', tag: '2.0.0' },
            chosen: false,
            refusal: { code: 'same-version', container: 'storefront', message: expect.any(String) },
          },
        ],
      },
    });
  });

  test('Execute on a task takes that task alone', () => {
    const both = choices({
      'web/gateway': tag('1.1.0'),
      'web/storefront': { mode: 'build-deploy', confirmed: true },
    });
    const plan = planExecute(pipeline(), { server: 'web', container: 'storefront' }, both);
    expect(plan).toMatchObject({
      value: { armed: [{ container: 'storefront', stages: ['build', 'deploy'] }], skipped: [] },
    });
    expect(plan.ok && plan.value.armed[0] && 'to' in plan.value.armed[0]).toBe(false);
  });

  test('a refused choice is told as one that was chosen', () => {
    const plan = planExecute(pipeline(), { server: 'cache' }, choices({ 'cache/cache': tag('7.2.0') }));
    expect(plan).toMatchObject({
      value: { armed: [], skipped: [{ chosen: true, refusal: { code: 'same-version' } }] },
    });
  });

  test('a target that the map has not', () => {
    expect(planExecute(pipeline(), { server: 'wbe' }, choices({}))).toEqual({
      ok: false,
      error: { code: 'unknown-server', message: 'The map demo has no server wbe. It has web, cache.' },
    });
    expect(planExecute(pipeline(), { server: 'web', container: 'x' }, choices({}))).toEqual({
      ok: false,
      error: {
        code: 'unknown-container',
        message: 'The server web has no container x. It has gateway, storefront.',
      },
    });
  });

  test('Batch Execute: every armed task, counted for the button', () => {
    const all = choices({
      'web/gateway': tag('1.1.0'),
      'web/storefront': { mode: 'designated', tag: '2.1.0' },
      'cache/cache': tag('7.4.0'),
    });
    const batch = planBatch(pipeline(), all);
    expect(batch.servers.map(({ server, armed }) => [server, armed.length])).toEqual([
      ['web', 2],
      ['cache', 1],
    ]);
    expect(batch).toMatchObject({ skipped: [], taskCount: 3, serverCount: 2 });
    expect(describeCounts(batch)).toBe('3 tasks on 2 servers');
  });

  test('one server that can not does not hold up the others', () => {
    const lost: AgentView = { ...ALPHA, link: { state: 'lost', message: 'no route' } };
    const all = choices({ 'web/gateway': tag('1.1.0'), 'cache/cache': tag('7.4.0') });
    const batch = planBatch(pipeline(lost), all);
    expect(batch).toMatchObject({
      servers: [{ server: 'cache' }],
      skipped: [{ server: 'web', skipped: [{ refusal: { code: 'agent-unreachable' } }, {}] }],
    });
    expect(describeCounts(batch)).toBe('1 task on 1 server');
  });

  test('read-only arms nothing', () => {
    const batch = planBatch(pipeline(ALPHA, BETA, true), choices({ 'web/gateway': tag('1.1.0') }));
    expect(batch).toMatchObject({ servers: [], taskCount: 0 });
  });

  test('a viewer’s token arms nothing on its agent, and all on others', () => {
    const caller = { name: 'board', role: 'viewer' as const };
    const hello = {
      protocol: 1,
      version: '1',
      pid: 1,
      startedAt: '',
      engine: { state: 'unreachable' as const, message: '' },
      capabilities: [],
    };
    const viewed = pipeline({ ...ALPHA, hello: { ...hello, caller } }, { ...BETA, hello });
    const chosen = choices({ 'web/gateway': tag('1.1.0'), 'cache/cache': tag('7.4.0') });
    expect(planBatch(viewed, chosen)).toMatchObject({
      servers: [{ server: 'cache' }],
      skipped: [
        {
          server: 'web',
          skipped: [
            { refusal: { code: 'read-only', message: expect.stringContaining('"board" is a viewer') } },
            {},
          ],
        },
      ],
    });
  });

  test('the request has all containers and only the armed choices, and is one by the schema', () => {
    const plan = planExecute(pipeline(), { server: 'web' }, choices({ 'web/gateway': tag('1.1.0') }));
    const [web] = MAP.servers;
    if (!plan.ok || web === undefined) throw new Error('there is no plan');
    const input = toExecuteInput(plan.value, web, {
      service: 'shop',
      map: 'demo',
      key: 'key-0001',
      operator: 'ann',
    });
    expect(input).toEqual({
      key: 'key-0001',
      service: 'shop',
      map: 'demo',
      server: 'web',
      operator: 'ann',
      containers: [
        { name: 'gateway', image: 'shop/gateway', kind: 'common' },
        { name: 'storefront', image: 'shop/storefront', kind: 'built', settle: 2 },
      ],
      choices: [{ container: 'gateway', choice: tag('1.1.0') }],
    });
    expect(executeInputSchema.parse(input)).toEqual(input);
  });

  test('a request for nothing is a mistake of the caller', () => {
    const plan: ServerPlan = { server: 'cache', agent: 'beta', armed: [], skipped: [] };
    const server = { name: 'cache', agent: 'beta', containers: [cache] };
    expect(() => toExecuteInput(plan, server, { service: 's', map: 'm', key: 'k', operator: 'o' })).toThrow(
      RangeError,
    );
  });
});

describe('exit codes', () => {
  test.each<[JobState, ExitCode]>([
    ['DONE', 0],
    ['REFUSED', 2],
    ['RESTORED', 3],
    ['CANCELLED', 3],
    ['DEGRADED', 4],
    ['QUEUED', 0],
    ['RUNNING', 0],
  ])('%s is %j', (state, code) => {
    const failed = state === 'RESTORED' || state === 'DEGRADED';
    expect(exitCodeOfJob({ state, ...(failed && { error: { code: 'exited', message: '' } }) })).toBe(code);
  });

  test('RESTORED where nothing failed was asked for, and is 0', () => {
    expect(exitCodeOfJob({ state: 'RESTORED' })).toBe(0);
  });

  test('refused because the agent is out of reach is 5', () => {
    expect(exitCodeOfJob({ state: 'REFUSED', refusal: { code: 'agent-unreachable', message: '' } })).toBe(5);
    expect(exitCodeOfJob({ state: 'REFUSED', refusal: { code: 'build-failed', message: '' } })).toBe(3);
    expect(exitCodeOfJob({ state: 'REFUSED', refusal: { code: 'tag-not-found', message: '' } })).toBe(2);
  });

  test.each<[ExitCode[], ExitCode]>([
    [[], 2],
    [[0, 0], 0],
    [[0, 2], 2],
    [[2, 3, 0], 3],
    [[3, 5], 5],
    [[1, 3], 1],
    [[5, 4, 0], 4],
  ])('of %j the worst is %j', (codes, worst) => {
    expect(combineExitCodes(codes)).toBe(worst);
    expect(combineExitCodes(codes.toReversed())).toBe(worst);
  });
});
