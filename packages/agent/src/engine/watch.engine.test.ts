import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createSandbox,
  type Host,
  pushStandardImages,
  type Sandbox,
  sharedSandbox,
} from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { createDockerEngine, createEngineWatch, type EngineWatch, type EngineWatchEvent } from './index.ts';

/** A reader that takes everything at once, and keeps it. */
function follow(watch: EngineWatch, about: (name: string) => boolean = () => true) {
  const events: EngineWatchEvent[] = [];
  const take = () => {
    for (const event of subscription.take()) {
      if (event.type === 'container' && !about(event.container.name)) continue;
      if (event.type === 'container-gone' && !about(event.name)) continue;
      events.push(event);
    }
  };
  const subscription = watch.subscribe(() => take());
  take();
  return {
    events,
    close: () => subscription.close(),
    /** Waits for an event of this form that came at or after `from`. */
    sees: (shape: object, from = 0) =>
      vi.waitFor(() => expect(events.slice(from)).toContainEqual(expect.objectContaining(shape)), {
        interval: 5,
      }),
  };
}

const uniqueName = () => `watch-${randomBytes(4).toString('hex')}`;
const container = (shape: object) => ({ type: 'container', container: expect.objectContaining(shape) });

describe('what is done by hand is seen', () => {
  let host: Host;
  let image: string;
  let watch: EngineWatch;
  let made: string[] = [];

  beforeAll(async () => {
    const sandbox = await sharedSandbox();
    host = sandbox.hosts.a;
    image = `${sandbox.registry}/test/faulty:ok`;
    watch = createEngineWatch(createDockerEngine({ kind: 'socket', path: host.socket }));
    await host.docker('pull', '-q', image);
  });
  afterEach(async () => {
    const names = made;
    made = [];
    for (const name of names) await host.docker('rm', '-f', name);
  });

  test('docker run, pause, stop, rename and rm', async () => {
    const name = uniqueName();
    const seen = follow(watch, (other) => other.startsWith(name));
    made.push(name);
    await seen.sees({ type: 'snapshot' });
    const id = (await host.docker('run', '-d', '--name', name, image)).trim();
    await seen.sees(container({ id, name, state: 'running' }));
    await host.docker('pause', name);
    await seen.sees(container({ id, state: 'paused' }));
    await host.docker('unpause', name);
    await host.docker('stop', name);
    await seen.sees(container({ id, state: 'exited', exitCode: 0 }));
    await host.docker('rename', name, `${name}-other`);
    await seen.sees(container({ id, name: `${name}-other` }));
    await host.docker('rm', `${name}-other`);
    made = [];
    await seen.sees({ type: 'container-gone', id, name: `${name}-other` });
    expect(seen.events.filter((event) => event.type === 'snapshot')).toHaveLength(1);
    seen.close();
  });

  test('a container that is replaced under its name is told gone before the other is there', async () => {
    const name = uniqueName();
    made.push(name);
    const seen = follow(watch, (other) => other === name);
    await seen.sees({ type: 'snapshot' });
    const first = (await host.docker('run', '-d', '--name', name, image)).trim();
    await host.docker('rm', '-f', name);
    const second = (await host.docker('run', '-d', '--name', name, image)).trim();
    await seen.sees(container({ id: second, state: 'running' }));
    const gone = seen.events.findIndex((event) => event.type === 'container-gone' && event.id === first);
    const there = seen.events.findIndex(
      (event) => event.type === 'container' && event.container.id === second,
    );
    expect(gone).toBeGreaterThanOrEqual(0);
    expect(gone).toBeLessThan(there);
    seen.close();
  });

  test('health is a change like any other', async () => {
    const name = uniqueName();
    made.push(name);
    const seen = follow(watch, (other) => other === name);
    await host.docker('run', '-d', '--name', name, image.replace(/ok$/, 'healthy'));
    await seen.sees(container({ name, health: 'healthy' }));
    seen.close();
  });

  test('a second reader gets a snapshot of its own, and the first is not disturbed', async () => {
    const name = uniqueName();
    made.push(name);
    const one = follow(watch, (other) => other === name);
    await one.sees({ type: 'snapshot' });
    await host.docker('run', '-d', '--name', name, image);
    await one.sees(container({ name, state: 'running' }));
    const two = follow(watch, (other) => other === name);
    const [snapshot] = two.events;
    expect(snapshot).toMatchObject({
      type: 'snapshot',
      containers: expect.arrayContaining([expect.objectContaining({ name, state: 'running' })]),
    });
    two.close();
    await host.docker('stop', name);
    await one.sees(container({ name, state: 'exited' }));
    expect(one.events.filter((event) => event.type === 'snapshot')).toHaveLength(1);
    one.close();
  });

  test('a reader that takes nothing for a while gets the latest state, once', async () => {
    const name = uniqueName();
    made.push(name);
    const quick = follow(watch, (other) => other.startsWith(name));
    await quick.sees({ type: 'snapshot' });
    const slow = watch.subscribe(() => {});
    slow.take();
    const id = (await host.docker('run', '-d', '--name', name, image)).trim();
    for (let round = 0; round < 3; round++) await host.docker('restart', '-t', '1', name);
    await host.docker('stop', name);
    await host.docker('rename', name, `${name}-last`);
    made.push(`${name}-last`);
    made = made.filter((other) => other !== name);
    await quick.sees(container({ name: `${name}-last`, state: 'exited' }));
    const own = slow.take().filter((event) => event.type === 'container' && event.container.id === id);
    expect(own).toEqual([container({ name: `${name}-last`, state: 'exited' })]);
    quick.close();
    slow.close();
  });
});

describe('an engine that goes away', () => {
  let sandbox: Sandbox;
  let host: Host;
  let watch: EngineWatch;
  let image: string;

  beforeAll(async () => {
    sandbox = await createSandbox({});
    host = await sandbox.createHost('w');
    await pushStandardImages(sandbox);
    image = `${sandbox.registry.host}/test/faulty:ok`;
    watch = createEngineWatch(createDockerEngine({ kind: 'socket', path: host.socket }));
  });
  afterAll(() => sandbox?.close());

  test('and one that hangs is told as well, and found again when it goes on', async () => {
    const engine = createDockerEngine({ kind: 'socket', path: host.socket });
    const seen = follow(createEngineWatch(engine, 1_000));
    await seen.sees({ type: 'snapshot' });
    const pid = Number(await readFile(join(host.sandboxDir, host.name, 'docker.pid'), 'utf8'));
    process.kill(pid, 'SIGSTOP');
    try {
      await seen.sees({ type: 'engine-lost', message: expect.stringContaining('in time') });
    } finally {
      process.kill(pid, 'SIGCONT');
    }
    await seen.sees({ type: 'snapshot' }, seen.events.length);
    seen.close();
  });

  test.each<NodeJS.Signals>(['SIGTERM', 'SIGKILL'])('with %s is found again', async (signal) => {
    const name = uniqueName();
    const seen = follow(watch);
    await seen.sees({ type: 'snapshot' });
    await host.docker('run', '-d', '--name', name, image);
    await seen.sees(container({ name, state: 'running' }));

    await host.stopEngine(signal);
    await seen.sees({ type: 'engine-lost' });
    const before = seen.events.length;
    // Once, however often it is tried.
    expect(seen.events.filter((event) => event.type === 'engine-lost')).toHaveLength(1);
    // One who comes meanwhile is told, too.
    const late = follow(watch);
    expect(late.events).toEqual([{ type: 'engine-lost', message: expect.stringContaining(host.socket) }]);

    await host.startEngine();
    await seen.sees({ type: 'snapshot' }, before);
    await late.sees({ type: 'snapshot' });
    const snapshot = seen.events.slice(before).find((event) => event.type === 'snapshot');
    expect(snapshot?.containers).toContainEqual(
      expect.objectContaining({ name, state: expect.stringMatching(/exited|running/) }),
    );
    // And it goes on from there.
    await host.docker('rm', '-f', name);
    await seen.sees({ type: 'container-gone', name }, before);
    await late.sees({ type: 'container-gone', name });
    seen.close();
    late.close();
  });
});
