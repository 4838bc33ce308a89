import type { PruneRules } from '@towline/core/protocol';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createBuildEngine, createDockerEngine } from '../engine/index.ts';
import { ServiceOnEngine } from '../jobs/service-on-engine.ts';
import { createRegistry } from '../registry/index.ts';
import { createPruneService, type PruneService } from './index.ts';

const { registry, hosts, podman } = await sharedSandbox();
const host = hosts.a;
let on: ServiceOnEngine;
let app: string;
let web: string;
let prune: PruneService;
let rules: PruneRules;

/** Versions of an image of its own, 1 the oldest, each pushed. */
beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  app = `${registry}/test/${on.name('app')}`;
  web = on.name('web');
  for (const version of ['1', '2', '3', '4']) {
    await host.docker('create', '--name', on.name('maker'), `${registry}/test/faulty:ok`);
    await host.docker('commit', '--change', `LABEL v=${version}`, on.name('maker'), `${app}:${version}`);
    await host.docker('rm', on.name('maker'));
    await host.docker('push', '--quiet', `${app}:${version}`);
  }
  prune = createPruneService(parts());
  const containers = [{ container: web, image: app }];
  rules = { service: 'shop', map: 'test', containers, keep: 0, olderThanDays: 0, previous: false };
});
afterEach(async () => {
  await on.close();
  for (const tag of await tags()) await host.docker('rmi', '--force', `${app}:${tag}`);
});

function parts() {
  const address = { kind: 'socket', path: host.socket } as const;
  return {
    engine: createDockerEngine(address),
    buildEngine: createBuildEngine(address),
    registry: createRegistry({ configDir: on.stateDir }),
    jobs: on.jobs,
  };
}

async function tags(): Promise<string[]> {
  const listed = await host.docker('images', '--format', '{{.Tag}}', app);
  return listed.split('\n').filter(Boolean).toSorted();
}

async function list(change: Partial<PruneRules> = {}) {
  const found = await prune.list({ ...rules, ...change });
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
}

test('what nothing uses and no rollback wants is shown, and then removed; the rest is there still', async () => {
  await host.docker('run', '--detach', '--name', web, `${app}:2`);
  const deploy = (tag: string) => on.execute({ container: web, image: app, tag });
  expect(await deploy('3')).toMatchObject({ state: 'DONE' });
  const shown = await list();
  const namesOf = ({ images }: typeof shown) => images.map(({ names }) => names[0]);
  // 3 serves, 2 is kept for a rollback.
  expect(namesOf(shown).toSorted()).toEqual([`${app}:1`, `${app}:4`]);
  expect(shown.containers).toEqual([]);
  expect(namesOf(await list({ keep: 1 }))).toEqual([`${app}:1`]);
  expect(await list({ olderThanDays: 1 })).toEqual({ containers: [], images: [], stays: [] });
  expect(await tags()).toEqual(['1', '2', '3', '4']);

  // Only what was shown goes, and of it only what may go still.
  await host.docker('create', '--name', on.name('other'), `${app}:4`);
  const all = { containers: [], images: shown.images.map(({ id }) => id) };
  expect(await prune.prune({ ...rules, shown: all })).toMatchObject({
    ok: true,
    value: { removed: { images: [{ names: expect.arrayContaining([`${app}:1`]) }] }, left: [] },
  });
  expect(await tags()).toEqual(['2', '3', '4']);

  // With the previous container goes what it ran, unless a rollback would deploy it.
  const more = await list({ previous: true });
  expect(more).toMatchObject({ containers: [{ name: expect.stringContaining(`${web}.prev.`) }], images: [] });
  const [previous] = more.containers;
  const done = await prune.prune({
    ...rules,
    previous: true,
    shown: { containers: [previous?.id ?? ''], images: [] },
  });
  expect(done).toMatchObject({ ok: true, value: { removed: { containers: [{ id: previous?.id }] } } });
  expect(await on.names()).toEqual([on.name('other'), web]);
  // It is known for gone by an agent that is started again, and deploying goes on.
  await on.restart();
  expect(on.jobs.kept(rules)).toEqual([]);
  expect(await deploy('2')).toMatchObject({ state: 'DONE' });
});

test('not while a job runs', async () => {
  await host.docker('run', '--detach', '--name', web, `${app}:2`);
  const id = await on.begin(on.input([{ container: web, image: app, tag: '3', more: { settle: 600 } }]));
  await on.reaches(id, `gate:${web}`);
  const refused = await prune.prune({ ...rules, shown: { containers: [], images: ['any'] } });
  expect(refused).toMatchObject({ ok: false, error: { code: 'refused', refusal: { code: 'job-running' } } });
  await on.jobs.cancel(id, 'ben');
  await on.ended(id);
});

test('a job that begins in the middle: what went is told, and the rest is left', async () => {
  await host.docker('run', '--detach', '--name', web, `${app}:4`);
  const { images } = await list();
  const shown = { containers: [], images: images.map(({ id }) => id) };
  const { buildEngine, ...others } = parts();
  let job: string | undefined;
  const removeImage = async (name: string) => {
    const removed = await buildEngine.removeImage(name);
    // Of one that is left: what went, it would pull again.
    const input = on.input([{ container: web, image: app, tag: '1', more: { settle: 600 } }]);
    job ??= await on.begin(input);
    return removed;
  };
  const done = await createPruneService({ ...others, buildEngine: { removeImage } }).prune({
    ...rules,
    shown,
  });
  if (!done.ok) throw new Error(done.error.message);
  const { removed, left } = done.value;
  expect(removed.images).toHaveLength(1);
  expect(left).toContainEqual({
    name: expect.stringContaining(app),
    message: expect.stringContaining('a job began'),
  });
  expect(await tags()).toEqual(['1', '2', '4']);
  await on.jobs.cancel(job ?? '', 'ben');
  await on.ended(job ?? '');
});

test('what another map’s rollback and a degraded server’s restore want stays', async () => {
  const theirs = on.name('theirs');
  await host.docker('run', '--detach', '--name', theirs, `${app}:1`);
  const other = on.input([{ container: theirs, image: app, tag: '2' }], { map: 'other' });
  expect(await on.ended(await on.begin(other))).toMatchObject({ state: 'DONE' });
  expect((await list({ previous: true })).containers).toEqual([]);
  // Theirs is gone, by hand: its version 1 is what they would deploy again.
  const [previous] = on.jobs.kept({ service: 'shop', map: 'other' });
  await host.docker('rm', previous?.id ?? '');

  await host.docker('run', '--detach', '--name', web, `${app}:3`);
  const id = await on.begin(on.input([{ container: web, image: app, tag: '2', more: { settle: 600 } }]));
  await on.reaches(id, `gate:${web}`);
  await host.docker('rm', '--force', web);
  await host.docker('kill', `${web}.next.${id}`);
  expect(await on.ended(id)).toMatchObject({ state: 'DEGRADED' });

  await host.docker('pull', '--quiet', `${app}:4`);
  const tagsOf = ({ images }: Awaited<ReturnType<typeof list>>) => images.map(({ names }) => names[0]);
  expect(tagsOf(await list())).toEqual([`${app}:4`]);
});

test('what is in no registry stays, also where the engine gives it a digest', async () => {
  const other = podman();
  const local = `${registry}/test/${on.name('local')}`;
  const address = { kind: 'socket', path: other.socket } as const;
  const engine = createDockerEngine(address);
  await other.docker('create', '--name', on.name('maker'), `${registry}/test/faulty:ok`);
  await other.docker('commit', on.name('maker'), `${local}:1`);
  await other.docker('rm', on.name('maker'));
  try {
    const { images } = await engine.diskUsage();
    const made = images.find(({ names }) => names.includes(`${local}:1`));
    expect(made?.names).toEqual([`${local}:1`, expect.stringContaining(`${local}@sha256:`)]);
    const onPodman = createPruneService({ ...parts(), engine, buildEngine: createBuildEngine(address) });
    const found = await onPodman.list({ ...rules, containers: [{ container: web, image: local }] });
    expect(found).toEqual({
      ok: true,
      value: {
        containers: [],
        images: [],
        stays: [{ name: `${local}:1`, message: expect.stringContaining('could not be pulled again') }],
      },
    });
  } finally {
    await other.docker('rmi', `${local}:1`);
  }
});
