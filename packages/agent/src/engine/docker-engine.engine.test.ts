import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { LogLine } from '@towline/core/protocol';
import { type Host, sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDockerEngine, type Engine, EngineError } from './index.ts';

let host: Host;
let registry: string;
let engine: Engine;
let made: string[] = [];

beforeAll(async () => {
  const sandbox = await sharedSandbox();
  host = sandbox.hosts.a;
  registry = sandbox.registry;
  engine = createDockerEngine({ kind: 'socket', path: host.socket });
});
afterEach(async () => {
  const names = made;
  made = [];
  for (const name of names) await host.docker('rm', '-f', '-v', name);
});

function uniqueName(): string {
  const name = `engine-${randomBytes(4).toString('hex')}`;
  made.push(name);
  return name;
}

async function run(image: string, ...options: string[]): Promise<{ name: string; id: string }> {
  const name = uniqueName();
  const id = (await host.docker('run', '-d', '--name', name, ...options, `${registry}/${image}`)).trim();
  return { name, id };
}

test('an engine says who it is', async () => {
  const info = await engine.info();
  expect(info).toMatchObject({ ok: true, value: { os: 'linux' } });
  expect(info.ok && info.value.apiVersion).toMatch(/^1\.\d+$/);
  expect(info.ok && info.value.insecureRegistries).toContain('127.0.0.0/8');
});

test('an engine is reached over TCP, and what DOCKER_HOST says does not matter once the address is known', async () => {
  const bridge = createServer((client) => {
    const socket = connect(host.socket);
    client.pipe(socket).pipe(client);
    for (const end of [client, socket]) end.on('error', () => {});
  });
  bridge.listen(0, '127.0.0.1');
  await once(bridge, 'listening');
  const address = bridge.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  vi.stubEnv('DOCKER_HOST', 'tcp://192.0.2.1:9');
  try {
    const overTcp = createDockerEngine({ kind: 'tcp', host: '127.0.0.1', port });
    expect(await overTcp.info()).toEqual(await engine.info());
    const overSocket = createDockerEngine({ kind: 'socket', path: host.socket });
    expect((await overSocket.info()).ok).toBe(true);
    await expect(overTcp.startContainer('no-such-container')).rejects.toMatchObject({ code: 'not-found' });
  } finally {
    vi.unstubAllEnvs();
    bridge.close();
  }
});

describe('pull', () => {
  const forget = (image: string) => host.docker('rmi', '-f', image).catch(() => '');

  test('reports bytes and brings the image', async () => {
    const image = `${registry}/test/faulty:big`;
    await forget(image);
    const told: { current: number; total: number | undefined; detail: string }[] = [];
    const onProgress = (current: number, total: number | undefined, detail: string) =>
      void told.push({ current, total, detail });
    expect(await engine.pull(image, { onProgress })).toEqual({ ok: true, value: undefined });
    expect(told.at(-1)).toMatchObject({ detail: expect.stringContaining('Downloaded newer image') });
    expect(told.at(-1)?.total).toBeGreaterThan(64 * 1024 * 1024);
    expect(told.at(-1)?.current).toBe(told.at(-1)?.total);
    expect((await engine.inspectImage(image))?.RepoDigests).toHaveLength(1);
    await forget(image);
  });

  test('a tag that is not there is a failure with the engine’s words', async () => {
    const pulled = await engine.pull(`${registry}/shop/gateway:9.9.9`);
    expect(pulled).toMatchObject({ ok: false, error: { code: 'pull-failed' } });
    expect(pulled.ok ? '' : pulled.error.message).toMatch(/9\.9\.9.*(unknown|not found)/s);
  });

  test('a registry that is not there is a failure', async () => {
    const pulled = await engine.pull('localhost:1/shop/gateway:1.0.0');
    expect(pulled).toMatchObject({ ok: false, error: { code: 'pull-failed' } });
    expect(pulled.ok ? '' : pulled.error.message).toContain('connection refused');
  });

  test('what is no name is not asked for', async () => {
    expect(await engine.pull('Not A Name')).toMatchObject({ ok: false, error: { code: 'pull-failed' } });
  });

  test('one that is called off says so', async () => {
    const called = AbortSignal.abort();
    expect(await engine.pull(`${registry}/test/faulty:big`, { signal: called })).toMatchObject({
      ok: false,
      error: { code: 'cancelled' },
    });
  });
});

describe('containers', () => {
  test('are observed as they are', async () => {
    const { name, id } = await run('shop/gateway:1.1.0', '--label', 'com.docker.compose.project=shop');
    const image = await engine.inspectImage(`${registry}/shop/gateway:1.1.0`);
    const expected = {
      id,
      name,
      image: `${registry}/shop/gateway:1.1.0`,
      imageId: image?.Id,
      tag: '1.1.0',
      digest: image?.RepoDigests?.[0]?.split('@')[1],
      state: 'running',
      composeProject: 'shop',
    };
    expect(await engine.observe(name)).toMatchObject(expected);
    expect((await engine.listContainers()).find((container) => container.id === id)).toMatchObject(expected);
  });

  test('have the tag of the image that they run, when it was named by its id', async () => {
    await host.docker('pull', '-q', `${registry}/shop/cache:7.4.0`);
    const imageId = (await engine.inspectImage(`${registry}/shop/cache:7.4.0`))?.Id ?? '';
    const name = uniqueName();
    await host.docker('run', '-d', '--name', name, imageId.slice('sha256:'.length, 'sha256:'.length + 12));
    expect(await engine.observe(name)).toMatchObject({ imageId, tag: '7.4.0', state: 'running' });
  });

  test('go through their life by the verbs', async () => {
    await host.docker('pull', '-q', `${registry}/test/faulty:ok`);
    const name = uniqueName();
    const created = await engine.createContainer(name, {
      Image: `${registry}/test/faulty:ok`,
      HostConfig: { RestartPolicy: { Name: 'always' } },
    });
    expect(await engine.observe(name)).toMatchObject({ id: created.id, state: 'created' });
    await engine.startContainer(created.id);
    await engine.startContainer(created.id);
    expect(await engine.observe(name)).toMatchObject({ state: 'running' });
    await engine.setRestartPolicy(created.id, { Name: 'no' });
    expect((await engine.inspectContainer(name))?.HostConfig.RestartPolicy?.Name).toBe('no');
    await engine.stopContainer(created.id, { timeout: 5 });
    await engine.stopContainer(created.id);
    expect(await engine.observe(name)).toMatchObject({ state: 'exited', exitCode: 0 });
    const renamed = uniqueName();
    await engine.renameContainer(created.id, renamed);
    expect(await engine.observe(name)).toBeUndefined();
    await engine.removeContainer(created.id);
    expect(await engine.inspectContainer(renamed)).toBeUndefined();
    made = [];
  });

  test('can be in several networks', async () => {
    const network = uniqueName();
    made.pop();
    await engine.ensureNetwork(network);
    await engine.ensureNetwork(network);
    const { id } = await run('test/faulty:ok');
    await engine.connectNetwork(network, id, { Aliases: ['friend'] });
    expect((await engine.inspectContainer(id))?.NetworkSettings.Networks[network]?.Aliases).toContain(
      'friend',
    );
    await engine.disconnectNetwork(network, id);
    expect((await engine.inspectContainer(id))?.NetworkSettings.Networks).not.toHaveProperty(network);
    await host.docker('network', 'rm', network);
  });

  test('fail with the engine’s own words and a code', async () => {
    const { name } = await run('test/faulty:ok');
    const conflict = engine.createContainer(name, { Image: `${registry}/test/faulty:ok` });
    await expect(conflict).rejects.toMatchObject({
      code: 'conflict',
      message: expect.stringContaining(name),
    });
    const missing = engine.startContainer('no-such-container');
    await expect(missing).rejects.toMatchObject({
      code: 'not-found',
      statusCode: 404,
      message: 'No such container: no-such-container',
    });
    await expect(engine.createContainer(uniqueName(), { Image: 'no-such-image' })).rejects.toMatchObject({
      code: 'not-found',
    });
  });
});

describe('logs', () => {
  const read = (id: string, follow: boolean, tail: number, signal = new AbortController().signal) =>
    Array.fromAsync(engine.logs(id, { follow, tail, signal }));

  test('the last lines, with their stream and time', async () => {
    const { id } = await run('test/faulty:exits');
    await host.docker('wait', id);
    const lines = await read(id, false, 3);
    expect(lines.map(({ line, stream }) => [line, stream])).toEqual([
      ['line 298', 'stderr'],
      ['line 299', 'stderr'],
      ['line 300', 'stderr'],
    ]);
    expect(lines.every(({ at }) => !Number.isNaN(Date.parse(at)))).toBe(true);
    expect(await engine.tailLogs(id, 2)).toEqual(['line 299', 'line 300']);
    expect(await read(id, false, 0)).toEqual([]);
  });

  test('with a TTY', async () => {
    const { id } = await run('test/faulty:exits', '--tty');
    await host.docker('wait', id);
    expect((await read(id, false, 1)).map(({ line }) => line)).toEqual(['line 300']);
  });

  test('followed to the container’s end, or to the reader’s', async () => {
    const { id } = await run('shop/gateway:1.0.0');
    const seen: LogLine[] = [];
    const ended = new AbortController();
    for await (const line of engine.logs(id, { follow: true, tail: 10, signal: ended.signal })) {
      seen.push(line);
      ended.abort();
    }
    expect(seen).toMatchObject([{ stream: 'stdout', line: 'gateway 1.0.0 serves on port 8080' }]);
    const following = read(id, true, 10);
    await engine.stopContainer(id);
    expect(await following).toHaveLength(1);
  });

  test.each([
    ['dockerd', () => host],
    ['Podman', async () => (await sharedSandbox()).podman()],
  ])('followed by a slow reader, all lines of a container that ended meanwhile, on %s', async (_, hostOf) => {
    const on = await hostOf();
    const its = createDockerEngine({ kind: 'socket', path: on.socket });
    const name = `engine-${randomBytes(4).toString('hex')}`;
    const script = 'i=0; while [ $i -lt 20000 ]; do i=$((i+1)); echo "$i"; done; sleep 1';
    const image = `${registry}/test/faulty:ok`;
    try {
      await on.docker('run', '-d', '--name', name, '--entrypoint', '/bin/sh', image, '-c', script);
      const isRunning = async () => (await its.inspectContainer(name))?.State.Running;
      const { signal } = new AbortController();
      const seen: string[] = [];
      for await (const { line } of its.logs(name, { follow: true, since: 0, tail: 0, signal })) {
        seen.push(line);
        if (seen.length === 10) await expect.poll(isRunning).toBe(false);
        // Then not faster than Podman reads to the end.
        if (seen.length % 2_000 === 0) await its.ping(10_000);
      }
      expect(seen).toEqual(Array.from({ length: 20_000 }, (__, at) => String(at + 1)));
      expect(await Array.fromAsync(its.logs(name, { follow: true, tail: 3, signal }))).toHaveLength(3);
    } finally {
      await on.docker('rm', '-f', name);
    }
  });

  test('of no container', async () => {
    await expect(read('no-such-container', false, 1)).rejects.toMatchObject({ code: 'not-found' });
  });
});

test('what two ask for at once is counted for either', async () => {
  const { id } = await run('test/faulty:ok');
  const count = async () => {
    for (let times = 0; times < 10; times++) {
      const { containers } = await engine.diskUsage();
      expect(containers.map((container) => container.id)).toContain(id);
    }
  };
  await Promise.all([count(), count()]);
});

test('containers that go while Podman lists all of them do not keep it from telling the others', async () => {
  const podman = (await sharedSandbox()).podman();
  const its = createDockerEngine({ kind: 'socket', path: podman.socket });
  const image = `${registry}/test/faulty:ok`;
  await podman.docker('pull', '--quiet', image);
  let left = 6;
  const comeAndGo = async () => {
    for (; left > 0; left--) {
      const { id } = await its.createContainer(`engine-${randomBytes(4).toString('hex')}`, { Image: image });
      await its.removeContainer(id, { force: true });
    }
  };
  const going = comeAndGo();
  while (left > 0) {
    const { images } = await its.diskUsage();
    expect(images.flatMap(({ names }) => names)).toContain(image);
    await its.inspectContainers();
  }
  await going;
});

test('an engine that is not there is unreachable, with its address and what to do', async () => {
  const nobody = createDockerEngine({ kind: 'socket', path: `${host.sandboxDir}/nobody.sock` });
  expect(await nobody.info()).toMatchObject({
    ok: false,
    error: {
      code: 'engine-unreachable',
      message: expect.stringMatching(/nobody\.sock.*is the engine running/),
    },
  });
  await expect(nobody.listContainers()).rejects.toBeInstanceOf(EngineError);
  await expect(nobody.listContainers()).rejects.toMatchObject({ code: 'unreachable' });
  expect(await nobody.pull('nginx')).toMatchObject({ ok: false, error: { code: 'engine-unreachable' } });
  const events = Array.fromAsync(nobody.events(new AbortController().signal));
  await expect(events).rejects.toMatchObject({ code: 'unreachable' });
});
