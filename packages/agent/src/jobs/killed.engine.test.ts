import { once } from 'node:events';
import { createServer } from 'node:net';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import type { AgentOnEngine } from './agent-on-engine.ts';
import { FOLLOWED_STEPS, runFollowed } from './followed.ts';
import { type KillableAgent, openKillableAgent } from './killable-agent.ts';
import { AT_GATE, type ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
const faulty = `${registry}/test/faulty`;
let killable: KillableAgent;
let on: ServiceOnEngine;
let agent: AgentOnEngine;

beforeEach(async () => {
  killable = await openKillableAgent(host);
  ({ on, agent } = killable);
});
afterEach(() => killable.close());

type Inspect = Awaited<ReturnType<ServiceOnEngine['inspect']>>;

async function running(name: string, tag: string, ...words: string[]): Promise<Inspect> {
  await host.docker('run', '--detach', '--name', name, ...words, `${faulty}:${tag}`);
  return await on.inspect(name);
}

async function expectServing(...before: Inspect[]): Promise<void> {
  for (const old of before) {
    expect(await on.inspect(old.Name.slice(1))).toMatchObject({
      Id: old.Id,
      State: { Running: true },
      HostConfig: { RestartPolicy: old.HostConfig.RestartPolicy },
    });
  }
  expect(await on.names()).toEqual(before.map(({ Name }) => Name.slice(1)).toSorted());
}

const change = (container: string, tag: string, settle = 0.3) => ({
  container,
  image: faulty,
  tag,
  more: { settle },
});

test.each(FOLLOWED_STEPS)(
  'killed at %s, with one in its network that nobody chose: both serve, and it hangs on what serves',
  async (at) => {
    const followed = await runFollowed(on, faulty);
    const id = await agent.killAt(followed.stepOf(at), followed.input);
    await followed.expectServing(await agent.restarted(id));
  },
);

test('killed at the gate, the new one runs: the gate decides, and the job is done', async () => {
  const name = on.name('web');
  await running(name, 'ok', '--restart', 'always', ...AT_GATE);
  const id = await agent.killAt(`gate:${name}`, on.input([change(name, 'ok2')]));
  await on.openGate(name, id);
  const job = await agent.restarted(id);
  expect(job).toMatchObject({ state: 'DONE' });
  // What was done is told as done, and who did it.
  const ends = job.steps.filter(({ kind }) => ['gate', 'rename', 'commit'].includes(kind));
  expect(ends.map(({ kind, state }) => [kind, state])).toEqual([
    ['gate', 'DONE'],
    ['rename', 'DONE'],
    ['commit', 'DONE'],
  ]);
  expect(ends.at(-1)?.message).toContain('the agent was interrupted');
  expect(await on.inspect(name)).toMatchObject({
    State: { Running: true },
    Config: { Image: `${faulty}:ok2` },
    HostConfig: { RestartPolicy: { Name: 'always' } },
  });
  expect(await on.names()).toEqual([name, `${name}.prev.${id}`]);
});

test('killed while it takes back what was cancelled: it is taken back, and nothing goes on', async () => {
  const name = on.name('web');
  const before = await running(name, 'ok', '--restart', 'always');
  await agent.start();
  const input = on.input([change(name, 'ok2', 600)]);
  const id = await agent.begin(input, `restore:${name}`, { cancelAt: `gate:${name}` });
  await agent.kill();
  expect(await agent.restarted(id)).toMatchObject({ state: 'CANCELLED', cancelledBy: expect.any(String) });
  await expectServing(before);
});

test('killed at the gate, and cancelled when it is at it again: the old one serves', async () => {
  const name = on.name('web');
  const before = await running(name, 'ok', '--restart', 'always');
  const id = await agent.killAt(`gate:${name}`, on.input([change(name, 'ok2', 600)]));
  await agent.start();
  await agent.begins(id);
  await agent.cancel(id);
  const job = await agent.ended(id);
  expect(job).toMatchObject({ state: 'CANCELLED', cancelledBy: 'ben' });
  expect(job.error).toBeUndefined();
  expect(job.steps.find(({ kind }) => kind === 'gate')).toMatchObject({ state: 'CANCELLED' });
  await expectServing(before);
});

test('killed at the gate, the new one ended meanwhile: the old one serves again', async () => {
  const name = on.name('web');
  const before = await running(name, 'ok', '--restart', 'always');
  const id = await agent.killAt(`gate:${name}`, on.input([change(name, 'exits-later', 600)]));
  await host.docker('wait', `${name}.next.${id}`);
  const job = await agent.restarted(id);
  expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'interrupted' } });
  await expectServing(before);
});

test('killed at the gate, a person removed the new one and renamed the old one: it serves again', async () => {
  const name = on.name('web');
  const before = await running(name, 'ok', '--restart', 'always');
  const id = await agent.killAt(`gate:${name}`, on.input([change(name, 'ok2', 600)]));
  await host.docker('rm', '--force', `${name}.next.${id}`);
  await host.docker('rename', name, on.name('elsewhere'));
  expect(await agent.restarted(id)).toMatchObject({ state: 'RESTORED' });
  await expectServing(before);
});

test('killed with the names changed in part: they are finished', async () => {
  const name = on.name('web');
  await running(name, 'ok', ...AT_GATE);
  const id = await agent.killAt(`gate:${name}`, on.input([change(name, 'ok2')]));
  await on.openGate(name, id);
  await host.docker('rename', name, `${name}.prev.${id}`);
  expect(await agent.restarted(id)).toMatchObject({ state: 'DONE' });
  expect((await on.inspect(name)).Config.Image).toBe(`${faulty}:ok2`);
  expect(await on.names()).toEqual([name, `${name}.prev.${id}`]);
});

test('killed while the old one is stopping: the engine goes on with that, and it is started again', async () => {
  const name = on.name('web');
  const before = await running(name, 'stubborn', '--stop-timeout', '4', '--restart', 'always');
  const id = await agent.killAt(`stop-old:${name}`, on.input([change(name, 'ok')]));
  expect((await on.inspect(name)).State.Running).toBe(true);
  expect(await agent.restarted(id)).toMatchObject({ state: 'RESTORED' });
  await expectServing(before);
});

test('killed with one of two exchanged: both are restored', async () => {
  const [first, second] = [on.name('one'), on.name('two')];
  const before = [await running(first, 'ok', '--restart', 'always'), await running(second, 'ok')];
  const id = await agent.killAt(
    `gate:${second}`,
    on.input([change(first, 'ok2'), change(second, 'exits-later', 600)]),
  );
  await host.docker('wait', `${second}.next.${id}`);
  expect(await agent.restarted(id)).toMatchObject({ state: 'RESTORED' });
  await expectServing(...before);
});

test('killed, and the old one removed meanwhile: degraded, and its saved inspect creates it again', async () => {
  const name = on.name('web');
  const before = await running(name, 'ok', '--env', 'MINE=1', '--restart', 'always');
  const id = await agent.killAt(`gate:${name}`, on.input([change(name, 'exits-later', 600)]));
  await host.docker('wait', `${name}.next.${id}`);
  await host.docker('rm', '--force', name);
  const job = await agent.restarted(id);
  expect(job).toMatchObject({ state: 'DEGRADED', error: { code: 'interrupted' } });
  const recreate = job.commands.find((command) => command.startsWith('curl'));
  expect(recreate).toBeDefined();
  for (const command of job.commands) {
    await host.run('env', [`DOCKER_HOST=unix://${host.socket}`, 'sh', '-c', command]);
  }
  expect(await on.inspect(name)).toMatchObject({
    Image: before.Image,
    State: { Running: true },
    Config: { Env: before.Config.Env },
    HostConfig: { RestartPolicy: { Name: 'always' } },
  });
});

test('killed before anything was created: nothing was touched, and the server is free', async () => {
  const name = on.name('web');
  const before = await running(name, 'ok');
  // A registry that takes the call and never answers.
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const change = { container: name, image: `localhost:${port}/test/faulty`, tag: 'ok2' };
    const id = await agent.killAt(`resolve:${name}`, on.input([change]));
    expect(await agent.restarted(id)).toMatchObject({ state: 'RESTORED', error: { code: 'interrupted' } });
    await expectServing(before);
  } finally {
    silent.close();
  }
  expect(await on.execute({ container: name, image: faulty, tag: 'ok2' })).toMatchObject({ state: 'DONE' });
});
