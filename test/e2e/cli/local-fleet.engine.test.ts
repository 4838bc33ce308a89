import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Host, sharedSandbox } from '@towline/test/sandbox';
import { type Fleet, openFleet } from '@towline/tui/fleet';
import { localAgent } from '@towline/tui/link';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import { type CliPlace, createPlace } from './towline-process.ts';

let place: CliPlace;
let host: Host;
let registry: string;
let fleet: Fleet | undefined;

beforeAll(async () => {
  const shared = await sharedSandbox();
  host = shared.hosts.b;
  registry = shared.registry;
  place = await createPlace();
  place.env.DOCKER_HOST = `unix://${host.socket}`;
});

afterEach(async () => {
  await fleet?.close();
  fleet = undefined;
});

afterAll(async () => {
  const pid = await lockPid();
  if (pid !== undefined) process.kill(pid, 'SIGTERM');
  await vi.waitUntil(async () => (await lockPid()) === undefined, 20_000);
  await place.close();
});

async function lockPid(): Promise<number | undefined> {
  const lock = await readFile(join(place.place().stateDir, 'agent.lock'), 'utf8').catch(() => undefined);
  return lock === undefined ? undefined : (JSON.parse(lock) as { pid: number }).pid;
}

function open(idleExitSeconds = 60): Fleet {
  const agent = localAgent({ env: place.env, idleExitSeconds });
  if (!agent.ok) throw new Error(agent.error.message);
  fleet = openFleet({
    source: { kind: 'local', agent: agent.value },
    readOnly: false,
    env: place.env,
    version: '0.1.0',
  });
  return fleet;
}

function servers({ store }: Fleet): string[] {
  return store
    .getState()
    .services.flatMap(({ maps }) => maps.flatMap((map) => map.servers.map(({ name }) => name)));
}

test('what is done by hand shows', async () => {
  const opened = open();
  await opened.settled();
  const name = `by-hand-${place.dir.slice(-6).toLowerCase()}`;
  const seen = () => opened.store.getState().agents.local?.containers[name];
  expect(servers(opened)).not.toContain(name);
  await host.docker('run', '-d', '--name', name, `${registry}/shop/cache:7.2.0`);
  await vi.waitUntil(() => seen()?.state === 'running' && servers(opened).includes(name), 20_000);
  await host.docker('stop', name);
  await vi.waitUntil(() => seen()?.state === 'exited', 20_000);
  await host.docker('rm', name);
  await vi.waitUntil(() => seen() === undefined && !servers(opened).includes(name), 20_000);
});

test('a local agent that is killed is started again, and the link comes back', async () => {
  const opened = open();
  await opened.settled();
  const pid = await lockPid();
  if (pid === undefined) throw new Error('no agent holds the state folder');
  const states: string[] = [];
  opened.store.subscribe(({ agents }) => states.push(agents.local?.link.state ?? ''));
  process.kill(pid, 'SIGKILL');
  await vi.waitUntil(() => states.includes('lost') && states.at(-1) === 'connected', 20_000);
  expect(opened.store.getState().agents.local?.hello?.pid).not.toBe(pid);
});

test('a started agent ends by itself when nobody needs it', async () => {
  const before = await lockPid();
  if (before !== undefined) process.kill(before, 'SIGTERM');
  await vi.waitUntil(async () => (await lockPid()) === undefined, 20_000);
  const opened = open(1);
  await opened.settled();
  expect(await lockPid()).toBeDefined();
  await opened.close();
  await vi.waitUntil(async () => (await lockPid()) === undefined, 20_000);
});
