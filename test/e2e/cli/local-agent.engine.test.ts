import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { type Host, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type CliPlace, createPlace } from './towline-process.ts';

let place: CliPlace;
let host: Host;
let name: string;

beforeAll(async () => {
  const shared = await sharedSandbox();
  host = shared.hosts.b;
  place = await createPlace();
  place.env.DOCKER_HOST = `unix://${host.socket}`;
  name = `local-${place.dir.slice(-6).toLowerCase()}`;
  await host.docker('run', '-d', '--name', name, `${shared.registry}/shop/cache:7.2.0`);
});

afterAll(async () => {
  await stopAgent();
  await host.docker('rm', '-f', name);
  await place.close();
});

/** The pid of the agent that holds the state folder, as its lock has it. */
async function agentPid(): Promise<number | undefined> {
  const lock = await readFile(join(place.place().stateDir, 'agent.lock'), 'utf8').catch(() => undefined);
  return lock === undefined ? undefined : (JSON.parse(lock) as { pid: number }).pid;
}

async function stopAgent(): Promise<void> {
  const pid = await agentPid();
  if (pid === undefined) return;
  process.kill(pid, 'SIGTERM');
  await vi.waitUntil(async () => (await agentPid()) === undefined, 20_000);
}

test('without a map file the local engine is shown; many at once start one agent, which outlives them', async () => {
  const all = await Promise.all(Array.from({ length: 5 }, () => place.run('status', '--json')));
  for (const ran of all) {
    expect(ran).toMatchObject({ code: 0, stderr: '' });
    expect(ran.json()).toMatchObject({
      service: 'local',
      origin: 'local engine',
      servers: expect.arrayContaining([
        expect.objectContaining({
          name,
          agent: 'local',
          tasks: [
            expect.objectContaining({ container: name, deployed: expect.objectContaining({ tag: '7.2.0' }) }),
          ],
        }),
      ]),
    });
  }
  const pid = await agentPid();
  expect(pid).toBeDefined();
  expect((await place.run('agents')).stdout).toMatch(/^local +reachable/m);
  expect(await agentPid()).toBe(pid);
});

test('what the local engine runs can be executed', async () => {
  const ran = await place.run('execute', name, '--tag', '7.4.0');
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('7.2.0 → 7.4.0') });
});

test('map init writes it down, refuses to overwrite, and the file works while its agent does not run', async () => {
  const written = await place.run('map', 'init');
  expect(written).toMatchObject({ code: 0, stdout: expect.stringContaining(`Wrote ${place.mapFile}`) });
  const text = await readFile(place.mapFile, 'utf8');
  expect(text).toContain(name);
  expect(await place.run('map', 'check')).toMatchObject({ code: 0 });
  expect(await place.run('map', 'init')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('--force'),
  });
  await writeFile(place.mapFile, '# mine\n');
  expect(await place.run('map', 'init', '--force', '--json')).toMatchObject({ code: 0 });
  await stopAgent();
  expect(await place.run('status')).toMatchObject({ code: 0, stdout: expect.stringContaining(name) });
});

test('an agent that can not start is quoted', async () => {
  const other = await createPlace();
  try {
    await writeFile(join(other.dir, 'state'), 'in the way');
    const ran = await other.run('status');
    expect(ran).toMatchObject({ code: 5, stdout: '' });
    expect(ran.stderr).toContain('could not be started');
    // The path is too long for a socket: the agent says so itself.
    const deep = join(other.dir, 'x'.repeat(120));
    const long = await other.runWith(
      { XDG_RUNTIME_DIR: deep, XDG_STATE_HOME: join(other.dir, 's') },
      'status',
    );
    expect(long).toMatchObject({ code: 5, stdout: '' });
    expect(long.stderr).toContain('107');
  } finally {
    await other.close();
  }
});

test('each engine has an agent of its own, and a map that was written leads back to its engine', async () => {
  const { hosts, registry } = await sharedSandbox();
  const mine = await createPlace();
  const [alpha, beta] = [`unix://${hosts.a.socket}`, `unix://${hosts.b.socket}`];
  const only = `only-a-${mine.dir.slice(-6).toLowerCase()}`;
  const pidOf = async (engine: string) => {
    const lock = await readFile(join(mine.place(engine).stateDir, 'agent.lock'), 'utf8').catch(
      () => undefined,
    );
    return lock === undefined ? undefined : (JSON.parse(lock) as { pid: number }).pid;
  };
  const stop = async (engine: string) => {
    const pid = await pidOf(engine);
    if (pid === undefined) return;
    process.kill(pid, 'SIGTERM');
    await vi.waitUntil(async () => (await pidOf(engine)) === undefined, 20_000);
  };
  await hosts.a.docker('run', '-d', '--name', only, `${registry}/shop/cache:7.2.0`);
  try {
    const onAlpha = await mine.runWith({ DOCKER_HOST: alpha }, 'status');
    expect(onAlpha).toMatchObject({ code: 0, stdout: expect.stringContaining(only) });
    const onBeta = await mine.runWith({ DOCKER_HOST: beta }, 'status');
    expect(onBeta.code).toBe(0);
    expect(onBeta.stdout).not.toContain(only);
    expect(onBeta.stdout).toContain(name);

    expect(await mine.runWith({ DOCKER_HOST: alpha }, 'map', 'init')).toMatchObject({ code: 0 });
    await stop(alpha);
    // The file alone, on another day and in another shell.
    const later = await mine.runWith({ DOCKER_HOST: beta }, 'status', '--file', mine.mapFile);
    expect(later).toMatchObject({ code: 0, stdout: expect.stringContaining(only) });
    expect(await pidOf(alpha)).toBeDefined();
  } finally {
    await Promise.all([stop(alpha), stop(beta)]);
    await hosts.a.docker('rm', '-f', only);
    await mine.close();
  }
});

test('a DOCKER_HOST that is no address is said to be the one', async () => {
  const mine = await createPlace();
  try {
    for (const words of [['status'], ['map', 'init']]) {
      const ran = await mine.runWith({ DOCKER_HOST: 'banana' }, ...words);
      expect(ran).toMatchObject({ code: 1, stdout: '' });
      expect(ran.stderr).toContain('DOCKER_HOST: "banana" can\'t be used');
    }
  } finally {
    await mine.close();
  }
});

test('an agent of another engine on the socket is refused', async () => {
  const { hosts } = await sharedSandbox();
  const mine = await createPlace();
  const asked = `unix://${hosts.a.socket}`;
  const { socketPath } = mine.place(asked);
  await mkdir(dirname(socketPath), { recursive: true });
  const other = await startAgent({ host: hosts.b, dir: dirname(socketPath) });
  try {
    const ran = await mine.runWith({ DOCKER_HOST: asked }, 'status');
    expect(ran).toMatchObject({ code: 5, stdout: '' });
    expect(ran.stderr).toContain(`has the engine unix://${hosts.b.socket}, not ${asked}`);
  } finally {
    await other.stop();
    await mine.close();
  }
});
