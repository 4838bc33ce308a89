import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDockerEngine } from '../engine/index.ts';
import { type Chosen, ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
const gateway = `${registry}/shop/gateway`;
const REPLACEMENTS = Number(process.env.TOWLINE_REPLACEMENTS ?? 2);
const REQUESTS = Number(process.env.TOWLINE_REQUESTS ?? 1_000);
let on: ServiceOnEngine;
let network: string;

beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  network = on.name('net');
});
afterEach(async () => {
  const names = await on.names();
  if (names.length > 0) await host.docker('rm', '--force', '--volumes', ...names);
  await host.docker('network', 'rm', network).catch(() => undefined);
  await on.close();
});

const run = (container: string, ...words: string[]) =>
  host.docker('run', '--detach', '--name', container, ...words, `${gateway}:1.0.0`);
const startFirst = (container: string, tag: string, more: Chosen['more'] = {}): Chosen => ({
  container,
  image: gateway,
  tag,
  more: { settle: 0.3, update: 'start-first', ...more },
});

/** Calls a name on the network until `end`, as a container there would. */
async function hammer(name: string): Promise<{ end(): Promise<{ requests: number; failures: string[] }> }> {
  const container = on.name('client');
  await run(container, '--network', network);
  const { State } = await on.inspect(container);
  const program = fileURLToPath(new URL('alias-client.ts', import.meta.url));
  const words = [`--net=/proc/${State.Pid}/ns/net`, process.execPath, program, name, String(REQUESTS)];
  const client = spawn('nsenter', words, { stdio: ['ignore', 'pipe', 'inherit'] });
  const said = text(client.stdout);
  const ended = once(client, 'exit');
  return {
    async end() {
      client.kill('SIGTERM');
      await ended;
      return JSON.parse(await said);
    },
  };
}

test('a client through the alias loses no request', { timeout: 300_000 }, async () => {
  const name = on.name('web');
  await host.docker('network', 'create', '--subnet', '10.30.77.0/24', network);
  await run(name, '--network', network, '--network-alias', 'shop', '--restart', 'always');
  const client = await hammer('shop');
  for (let at = 0; at < REPLACEMENTS; at++) {
    const job = await on.execute(startFirst(name, at % 2 === 0 ? '1.1.0' : '1.0.0'));
    expect(job).toMatchObject({ state: 'DONE' });
    const kinds = job.steps.map(({ kind }) => kind);
    expect(kinds.indexOf('stop-old')).toBeGreaterThan(kinds.indexOf('gate'));
  }
  const { requests, failures } = await client.end();
  expect(failures).toEqual([]);
  expect(requests).toBeGreaterThanOrEqual(REQUESTS);
  const now = await on.inspect(name);
  expect(now.HostConfig.RestartPolicy.Name).toBe('always');
  expect(now.NetworkSettings.Networks[network].Aliases).toContain('shop');
  expect(now.NetworkSettings.Networks[network].IPAMConfig?.IPv4Address ?? '').toBe('');
});

test('one that is removed after it passed: the old one was never stopped, and has its names back', async () => {
  const name = on.name('web');
  await host.docker('network', 'create', network);
  await run(name, '--network', network, '--network-alias', 'shop', '--restart', 'always');
  const before = await on.inspect(name);
  // Held before the first thing that is done to the old one, whose drain is over in two seconds.
  const engine = createDockerEngine({ kind: 'socket', path: host.socket });
  const setRestartPolicy = engine.setRestartPolicy.bind(engine);
  const held = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  engine.setRestartPolicy = async (...policy) => {
    held.resolve();
    await goOn.promise;
    await setRestartPolicy(...policy);
  };
  await on.restart({ engine });
  const id = await on.begin(on.input([startFirst(name, '1.1.0')]));
  await held.promise;
  const [next] = (await on.names()).filter((one) => !one.includes('.prev.'));
  await host.docker('rm', '--force', next ?? '');
  goOn.resolve();
  expect(await on.ended(id)).toMatchObject({ state: 'RESTORED', error: { code: 'container-gone' } });
  const now = await on.inspect(name);
  expect(now).toMatchObject({ Id: before.Id, State: { StartedAt: before.State.StartedAt, Running: true } });
  expect(now.HostConfig.RestartPolicy.Name).toBe('always');
  expect(now.NetworkSettings.Networks[network].Aliases).toContain('shop');
  expect(await on.names()).toEqual([name]);
});

test('one that does not pass never had the alias, and the old one was never stopped', async () => {
  const name = on.name('web');
  await host.docker('network', 'create', network);
  await run(name, '--network', network, '--network-alias', 'shop');
  const before = await on.inspect(name);
  const job = await on.execute({
    ...startFirst(name, 'exits-later'),
    image: `${registry}/test/faulty`,
    more: { settle: 5, update: 'start-first' },
  });
  expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'exited' } });
  const after = await on.inspect(name);
  expect(after.Id).toBe(before.Id);
  expect(after.State.StartedAt).toBe(before.State.StartedAt);
  expect(after.NetworkSettings.Networks).toEqual(before.NetworkSettings.Networks);
  expect(await on.names()).toEqual([name]);
});

test('a cancel after the takeover gives the old one its names back', async () => {
  const name = on.name('web');
  await host.docker('network', 'create', network);
  await run(name, '--network', network, '--network-alias', 'shop');
  const before = await on.inspect(name);
  const id = await on.begin(on.input([startFirst(name, '1.1.0')]));
  await on.reaches(id, `drain:${name}`);
  await on.jobs.cancel(id, 'ben');
  expect(await on.ended(id)).toMatchObject({ state: 'CANCELLED' });
  const after = await on.inspect(name);
  expect(after.Id).toBe(before.Id);
  expect(after.State.StartedAt).toBe(before.State.StartedAt);
  expect(after.NetworkSettings.Networks[network].Aliases).toContain('shop');
  expect(await on.names()).toEqual([name]);
});

test.each<[string, string[], string]>([
  ['a published port', ['--publish', '8080'], 'publishes 8080/tcp'],
  ['a volume', ['--volume', '/data'], 'write to /data'],
  ['host networking', ['--network', 'host'], 'host’s own network'],
  ['a fixed MAC address', ['--mac-address', '02:42:ac:11:77:01'], 'MAC address'],
])('refused before anything is touched: %s', async (_, words, reason) => {
  const name = on.name('web');
  await run(name, ...words);
  const job = await on.execute(startFirst(name, '1.1.0'));
  expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'start-first-forbidden' } });
  expect(job.refusal?.message).toContain(reason);
  expect(job.steps).toEqual([]);
  expect(await on.names()).toEqual([name]);
});
