import { createSandbox, type Host, pushStandardImages, type Sandbox } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { createDockerEngine, type Engine } from './index.ts';

const MB = 1024 * 1024;
/** The engine tries a layer again, some seconds later, before it gives a pull up. */
const ENGINE_PATIENCE_MS = 150_000;

let sandbox: Sandbox;
let host: Host;
let engine: Engine;
let image: string;

beforeAll(async () => {
  sandbox = await createSandbox({});
  host = await sandbox.createHost('p');
  await pushStandardImages(sandbox);
  image = `${sandbox.registry.host}/test/faulty:big`;
  engine = createDockerEngine({ kind: 'socket', path: host.socket });
});
afterAll(() => sandbox?.close());
afterEach(() => host.limitRate(undefined));

/** Begins a pull that takes a while, and returns once some of it has come. */
async function beginPull(signal?: AbortSignal) {
  await host.limitRate(4 * MB);
  const some = Promise.withResolvers<void>();
  const pulled = engine.pull(image, {
    onProgress: (current) => {
      if (current > MB) some.resolve();
    },
    ...(signal && { signal }),
  });
  await Promise.race([some.promise, pulled]);
  return { pulled };
}

test('a pull that is called off in the middle ends', async () => {
  const called = new AbortController();
  const { pulled } = await beginPull(called.signal);
  called.abort();
  expect(await pulled).toMatchObject({ ok: false, error: { code: 'cancelled' } });
});

test('an engine that dies in the middle of a pull is an unreachable one', async () => {
  const { pulled } = await beginPull();
  await host.stopEngine('SIGKILL');
  expect(await pulled).toMatchObject({ ok: false, error: { code: 'engine-unreachable' } });
  await host.startEngine();
});

test('an engine that is ended in the middle of a pull has not pulled', async () => {
  const { pulled } = await beginPull();
  await host.stopEngine('SIGTERM');
  expect((await pulled).ok).toBe(false);
  await host.startEngine();
  expect(await engine.inspectImage(image)).toBeUndefined();
});

test('a registry that dies in the middle of a pull is a failed pull', {
  timeout: ENGINE_PATIENCE_MS,
}, async () => {
  const { pulled } = await beginPull();
  await sandbox.registry.stop('SIGKILL');
  expect(await pulled).toMatchObject({
    ok: false,
    error: { code: 'pull-failed', message: expect.stringContaining('connection refused') },
  });
  await sandbox.registry.start();
});
