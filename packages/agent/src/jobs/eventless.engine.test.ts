import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDockerEngine } from '../engine/index.ts';
import { type EventlessEngine, eventlessEngine } from './eventless-engine.ts';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;
let way: EventlessEngine;
let web: string;

beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  way = await eventlessEngine(host.socket, on.stateDir);
  await on.restart({ engine: createDockerEngine({ kind: 'socket', path: way.socket }) });
  web = on.name('web');
  await host.docker('run', '--detach', '--name', web, `${faulty}:ok`);
});
afterEach(async () => {
  await on.close();
  await way.close();
});

test('the old one is started again, and looked at, where the engine has stopped to tell its events', async () => {
  const before = await on.inspect(web);
  const id = await on.begin(on.input([{ container: web, image: faulty, tag: 'ok2', more: { settle: 600 } }]));
  await on.reaches(id, `gate:${web}`);
  way.shutEvents();
  expect((await on.jobs.cancel(id, 'ben')).ok).toBe(true);
  expect(await on.ended(id)).toMatchObject({ state: 'CANCELLED' });
  const after = await on.inspect(web);
  expect([after.Id, after.State.Running]).toEqual([before.Id, true]);
  expect(await on.names()).toEqual([web]);
});

test('nothing is touched where it tells none from the beginning', async () => {
  const before = await on.inspect(web);
  way.shutEvents();
  const job = await on.execute({ container: web, image: faulty, tag: 'ok2' });
  expect(job).toMatchObject({
    state: 'RESTORED',
    error: { message: expect.stringContaining('events are not allowed') },
  });
  const { Id, State } = await on.inspect(web);
  expect([Id, State.StartedAt]).toEqual([before.Id, before.State.StartedAt]);
  expect(await on.names()).toEqual([web]);
});
