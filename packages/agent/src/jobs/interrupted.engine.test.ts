import { createSandbox, type Host, pushStandardImages, type Sandbox } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { ServiceOnEngine } from './service-on-engine.ts';

const MB = 1024 * 1024;
/** The engine tries a layer again, some seconds later, before it gives a pull up. */
const REGISTRY_PATIENCE_MS = 150_000;

let sandbox: Sandbox;
let host: Host;
let faulty: string;
let on: ServiceOnEngine;

beforeAll(async () => {
  sandbox = await createSandbox({});
  host = await sandbox.createHost('i');
  await pushStandardImages(sandbox);
  faulty = `${sandbox.registry.host}/test/faulty`;
});
afterAll(() => sandbox?.close());
afterEach(async () => {
  await host.limitRate(undefined);
  await on.close();
});

const running = async (name: string, ...words: string[]) => {
  await host.docker('run', '--detach', '--name', name, ...words, `${faulty}:ok`);
  return await on.inspect(name);
};

async function expectServing(before: Awaited<ReturnType<ServiceOnEngine['inspect']>>): Promise<void> {
  const name = before.Name.slice(1);
  expect(await on.inspect(name)).toMatchObject({
    Id: before.Id,
    State: { Running: true },
    HostConfig: { RestartPolicy: before.HostConfig.RestartPolicy },
  });
  expect(await on.names()).toEqual([name]);
}

/** Begins a job whose pull takes a while, and returns once some of it has come. */
async function beginPull(name: string): Promise<string> {
  await host.limitRate(4 * MB);
  const id = await on.begin(on.input([{ container: name, image: faulty, tag: 'big' }]));
  for await (const event of on.events(id)) {
    if (event.type === 'step-progress' && event.current > MB) return id;
  }
  throw new Error('the pull ended before it was looked at');
}

test('a cancel in the middle of a pull leaves everything untouched, and progress is told five times a second at most', async () => {
  on = await ServiceOnEngine.start(host);
  const name = on.name('web');
  const before = await running(name, '--restart', 'always');
  const id = await beginPull(name);
  await on.jobs.cancel(id, 'ben');
  const job = await on.ended(id);
  expect(job.state).toBe('CANCELLED');
  expect(job.steps.find(({ kind }) => kind === 'pull')?.state).toBe('CANCELLED');
  expect(job.steps.find(({ kind }) => kind === 'create')?.state).toBe('SKIPPED');
  await expectServing(before);
  const times: number[] = [];
  for await (const event of on.events(id)) {
    if (event.type === 'step-progress') times.push(Date.parse(event.at));
  }
  // The last one may come right after the one before it.
  const seconds = ((times.at(-1) ?? 0) - (times[0] ?? 0)) / 1000;
  expect(times.length).toBeLessThanOrEqual(seconds * 5 + 2);
});

test('a registry that dies in the middle of a pull leaves everything untouched', {
  timeout: REGISTRY_PATIENCE_MS,
}, async () => {
  on = await ServiceOnEngine.start(host);
  const name = on.name('web');
  const before = await running(name, '--restart', 'always');
  const id = await beginPull(name);
  await sandbox.registry.stop('SIGKILL');
  try {
    expect(await on.ended(id)).toMatchObject({ state: 'RESTORED', error: { code: 'pull-failed' } });
    await expectServing(before);
  } finally {
    await sandbox.registry.start();
  }
});

test('an engine that dies at the gate and comes back: the old one serves again', async () => {
  on = await ServiceOnEngine.start(host);
  const name = on.name('web');
  const before = await running(name, '--restart', 'always');
  const slow = { container: name, image: faulty, tag: 'ok2', more: { settle: 600 } };
  const id = await on.begin(on.input([slow]));
  await on.reaches(id, `gate:${name}`);
  await host.stopEngine('SIGKILL');
  await host.startEngine();
  expect(await on.ended(id)).toMatchObject({ state: 'RESTORED', error: { code: 'engine-unreachable' } });
  await expectServing(before);
});

test('an engine that dies and stays away: degraded, and the commands that are shown bring the old one back', async () => {
  on = await ServiceOnEngine.start(host, { enginePatienceMs: 500 });
  const name = on.name('web');
  const before = await running(name, '--restart', 'always');
  const input = on.input([{ container: name, image: faulty, tag: 'ok2', more: { settle: 600 } }]);
  const id = await on.begin(input);
  await on.reaches(id, `gate:${name}`);
  await host.stopEngine('SIGKILL');
  const job = await on.ended(id);
  expect(job).toMatchObject({ state: 'DEGRADED', error: { code: 'engine-unreachable' } });
  expect(on.jobs.degraded()).toEqual([`shop/test/${job.server}`]);
  expect(await on.jobs.execute(on.input([{ container: name, image: faulty, tag: 'ok2' }]))).toMatchObject({
    ok: false,
    error: { code: 'engine-unreachable' },
  });

  await host.startEngine();
  for (const command of job.commands) {
    const [docker, ...words] = command.split(' ');
    expect(docker).toBe('docker');
    // One that finds its work done says so.
    await host.docker(...words).catch(() => undefined);
  }
  await expectServing(before);
  // What serves again can be executed, with nothing to be told to the agent.
  const next = await on.execute({ container: name, image: faulty, tag: 'ok2' });
  expect(next.state).toBe('DONE');
  expect(on.jobs.degraded()).toEqual([]);
});
