import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillDisk, hasLoopDevices, mountLosableDisk, sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, onTestFinished, test } from 'vitest';
import { createDockerEngine } from '../engine/index.ts';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;
let web: string;

beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  web = on.name('web');
  const words = ['--rm', '--env', 'MINE=1', '--volume', '/data', '--publish', '127.0.0.1::80'];
  await host.docker('run', '--detach', '--name', web, ...words, `${faulty}:ok`);
  await host.docker('exec', web, 'sh', '-c', 'echo kept > /data/file');
});
afterEach(() => on.close());

const allowed = (tag: string) =>
  on.input([{ container: web, image: faulty, tag, more: { settle: tag === 'ok2' ? 0.3 : 60 } }], {
    allowAutoRemove: true,
  });

async function expectServing(tag: string): Promise<void> {
  expect(await on.inspect(web)).toMatchObject({
    State: { Running: true },
    Config: { Image: `${faulty}:${tag}`, Env: expect.arrayContaining(['MINE=1']) },
    HostConfig: { AutoRemove: true },
  });
  expect(await host.docker('exec', web, 'cat', '/data/file')).toBe('kept\n');
  expect(await on.names()).toEqual([web]);
}

/** The engine's events from now on: what it keeps of those before is little, and of all that use it. */
async function hear() {
  const engine = createDockerEngine({ kind: 'socket', path: host.socket });
  const told: { id: string; action: string }[] = [];
  const opened = Promise.withResolvers<void>();
  const stop = new AbortController();
  onTestFinished(() => stop.abort());
  const listen = async () => {
    for await (const event of engine.events(stop.signal, opened.resolve)) told.push(event);
  };
  listen().catch(opened.reject);
  await opened.promise;
  return {
    of: (id: string, actions: readonly string[]) =>
      told.filter((event) => event.id === id && actions.includes(event.action)).map(({ action }) => action),
  };
}

test('where it is allowed, one that its stop deletes is exchanged, with its data', async () => {
  expect(await on.plan(allowed('ok2'))).toMatchObject({
    containers: [{ container: web, order: 'stop-first', autoRemove: true }],
  });
  expect(await on.ended(await on.begin(allowed('ok2')))).toMatchObject({ state: 'DONE' });
  await expectServing('ok2');
});

test('and where the new one does not pass, it is created again, with its data', async () => {
  const job = await on.ended(await on.begin(allowed('exits')));
  expect(job).toMatchObject({ state: 'RESTORED' });
  await expectServing('ok');
});

test('an agent that is gone between the two brings it back', async () => {
  const id = await on.begin(allowed('exits-later'));
  await on.reaches(id, `gate:${web}`);
  await on.restart();
  expect(await on.ended(id)).toMatchObject({ state: 'RESTORED' });
  await expectServing('ok');
});

test('a disk of the journal that is full by then does not keep it from being brought back', async ({
  skip,
}) => {
  if (!hasLoopDevices()) skip('there are no loop devices here');
  const dir = await mkdtemp(join(tmpdir(), 'tl-auto-remove-'));
  const disk = await mountLosableDisk(join(dir, 'state'), 8 * 1024 * 1024);
  try {
    await on.restart({ stateDir: join(dir, 'state') });
    const heard = await hear();
    const id = await on.begin(allowed('stubborn'));
    await on.reaches(id, `gate:${web}`);
    await fillDisk(join(dir, 'state', 'filler'), 0);
    await host.docker('kill', `${web}.next.${id}`);
    const job = await on.ended(id);
    expect(job).toMatchObject({ state: 'RESTORED' });
    await expectServing('ok');
    // Its id is not written down: until it serves it keeps the name that the next agent would know it by.
    const { Id } = await on.inspect(web);
    await expect
      .poll(() => heard.of(Id, ['create', 'start', 'rename']))
      .toEqual(['create', 'start', 'rename']);
    // And an agent that is started again leaves it serving, whatever of this was written down.
    await rm(join(dir, 'state', 'filler'));
    await on.restart({ stateDir: join(dir, 'state') });
    await on.ended(id);
    await expectServing('ok');
  } finally {
    await on.restart();
    await disk.close();
    await rm(dir, { recursive: true, force: true });
  }
});
