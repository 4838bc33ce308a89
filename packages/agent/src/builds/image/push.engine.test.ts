import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  createSandbox,
  type Host,
  ONE_USER,
  pushStandardImages,
  type Sandbox,
  serveHostRegistry,
} from '@towline/test/sandbox';
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest';
import { type BuildEngine, createBuildEngine } from '../../engine/index.ts';
import { createRegistry, type Registry } from '../../registry/index.ts';
import { createImage, pushImage } from './index.ts';

const execute = promisify(execFile);
const MB = 1024 * 1024;
/** The engine tries a layer five times, with up to 25 seconds between, before it gives a push up. */
const ENGINE_PATIENCE_MS = 180_000;

let sandbox: Sandbox;
let host: Host;
let engine: BuildEngine;
let registry: Registry;
let folder: string;
let name: string;

beforeAll(async () => {
  sandbox = await createSandbox({});
  host = await sandbox.createHost('p');
  await pushStandardImages(sandbox);
  engine = createBuildEngine({ kind: 'socket', path: host.socket });
  folder = await mkdtemp(join(tmpdir(), 'towline-push-'));
  registry = createRegistry({ configDir: folder });
});
afterAll(async () => {
  await rm(folder, { recursive: true, force: true });
  await sandbox?.close();
});
beforeEach(() => {
  name = `${sandbox.registry.host}/push/${randomBytes(6).toString('hex')}`;
});

/** An image with a layer of random bytes under `name:1`. */
async function build(bytes: number): Promise<void> {
  const source = await mkdtemp(join(folder, 'source-'));
  await writeFile(join(source, 'data'), randomBytes(bytes));
  const dockerfile = { text: 'FROM scratch\nCOPY data /data\n' };
  const made = await createImage(
    engine,
    { source, dockerfile, tags: [`${name}:1`] },
    {},
    new AbortController().signal,
  );
  expect(made).toMatchObject({ ok: true });
}

function push(onProgress: Parameters<typeof pushImage>[3] = () => {}, signal = new AbortController().signal) {
  return pushImage(engine, registry, { name, tag: '1' }, onProgress, signal);
}

test('a push tells its bytes, and the digest is the registry’s', async () => {
  await build(3 * MB);
  const told: { current: number; total: number | undefined }[] = [];
  const pushed = await push((current, total) => void told.push({ current, total }));
  expect(pushed).toMatchObject({
    ok: true,
    value: { digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) },
  });
  const there = await registry.manifest(name, '1');
  expect(there.ok && there.value.digest).toBe(pushed.ok && pushed.value.digest);
  expect(told.at(-1)?.total).toBeGreaterThanOrEqual(3 * MB);
  expect(told.at(-1)?.current).toBe(told.at(-1)?.total);
  const currents = told.map(({ current }) => current);
  expect(currents).toEqual(currents.toSorted((a, b) => a - b));
  // What is there already is not sent again.
  const again = await push();
  expect(again).toEqual(pushed);
});

test('an image that the engine has not is a failure', async () => {
  expect(await push()).toMatchObject({ ok: false, error: { code: 'push-failed' } });
});

test('one that is called off ends', async () => {
  await build(16 * MB);
  await host.limitRate(2 * MB);
  const cancel = new AbortController();
  const pushed = await push((current) => void (current > MB && cancel.abort()), cancel.signal);
  await host.limitRate(undefined);
  expect(pushed).toMatchObject({ ok: false, error: { code: 'cancelled' } });
  expect(await registry.manifest(name, '1')).toMatchObject({ ok: false, error: { code: 'tag-not-found' } });
});

test('an engine that dies in the middle is an unreachable one', async () => {
  await build(16 * MB);
  await host.limitRate(2 * MB);
  const some = Promise.withResolvers<void>();
  const pushing = push((current) => void (current > MB && some.resolve()));
  await Promise.race([some.promise, pushing]);
  await host.stopEngine('SIGKILL');
  expect(await pushing).toMatchObject({ ok: false, error: { code: 'engine-unreachable' } });
  await host.limitRate(undefined);
  await host.startEngine();
});

/** A registry of its own in the host's network, over a folder, until the test is over. */
async function startRegistry(storage: string, auth: object): Promise<string> {
  const started = await serveHostRegistry(host, { storage, auth });
  onTestFinished(() => started.close());
  return started.host;
}

test('a registry that wants a login is pushed to with the machine’s own, and refuses without', async () => {
  const htpasswd = join(folder, 'htpasswd');
  await writeFile(htpasswd, ONE_USER);
  const storage = await mkdtemp(join(folder, 'storage-'));
  const place = await startRegistry(storage, { htpasswd: { realm: 'test', path: htpasswd } });
  name = `${place}/push/private`;
  await build(MB);
  // The registry is in the host's network alone: here the engine's own answer is what counts.
  const push = async () => await engine.push(`${name}:1`, { auth: await registry.engineAuth(name) });
  const denied = await push();
  expect(denied).toMatchObject({ ok: false, error: { code: 'push-denied' } });
  expect(denied.ok ? '' : denied.error.message).toContain('docker login');
  const logIn = async (password: string) => {
    const auth = Buffer.from(`op:${password}`).toString('base64');
    await writeFile(join(folder, 'config.json'), JSON.stringify({ auths: { [place]: { auth } } }));
  };
  await logIn('open wrong');
  const wrong = await push();
  expect(wrong).toMatchObject({ ok: false, error: { code: 'push-denied' } });
  expect(JSON.stringify(wrong)).not.toContain('open wrong');
  await logIn('lets go');
  expect(await push()).toMatchObject({ ok: true });

  // What is built on such an image is built with the login as well.
  for (const builder of ['buildkit', 'classic'] as const) {
    const build = (auth?: Registry['engineAuth']) =>
      createImage(
        engine,
        {
          source: folder,
          dockerfile: { text: `FROM ${name}:1\nLABEL by=${builder}\n` },
          tags: [`${name}:2`],
          builder,
          auth,
        },
        {},
        new AbortController().signal,
      );
    await host.docker('rmi', '-f', `${name}:1`).catch(() => '');
    await host.docker('builder', 'prune', '-af');
    const refused = await build();
    expect(refused, builder).toMatchObject({ ok: false, error: { code: 'base-image' } });
    expect(await build((image) => registry.engineAuth(image)), builder).toMatchObject({
      ok: true,
      value: { builder },
    });
  }
});

// At once: the engine does not give either up for most of a minute.
test('a registry whose disk is full is the reason, and one that dies in the middle', {
  timeout: ENGINE_PATIENCE_MS,
}, async () => {
  const dying = name;
  const storage = await mkdtemp(join(folder, 'storage-'));
  await execute('mount', ['-t', 'tmpfs', '-o', 'size=2m', 'tmpfs', storage]);
  onTestFinished(async () => {
    await execute('umount', ['--lazy', storage]);
  });
  name = `${await startRegistry(storage, {})}/push/full`;
  await build(8 * MB);
  const pushingToFull = push();

  name = dying;
  await build(16 * MB);
  await host.limitRate(2 * MB);
  const some = Promise.withResolvers<void>();
  const pushing = push((current) => void (current > MB && some.resolve()));
  await Promise.race([some.promise, pushing]);
  await sandbox.registry.stop('SIGKILL');
  await host.limitRate(undefined);
  const [full, died] = await Promise.all([pushingToFull, pushing]);
  expect(full).toMatchObject({ ok: false, error: { code: 'push-failed' } });
  // The engine passes no more on than the registry's status.
  expect(full.ok ? '' : full.error.message).toMatch(/500 .* whether its disk is full/);
  expect(died).toMatchObject({ ok: false, error: { code: 'registry-unavailable' } });
  expect(died.ok ? '' : died.error.message).toContain('connection refused');
  await sandbox.registry.start();
});
