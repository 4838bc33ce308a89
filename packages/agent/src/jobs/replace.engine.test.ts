import { once } from 'node:events';
import { appendFile, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { AT_GATE, FAILS, ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const gateway = `${registry}/shop/gateway`;
const storefront = `${registry}/shop/storefront`;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;

beforeEach(async () => {
  on = await ServiceOnEngine.start(hosts.a);
});
afterEach(() => on.close());

const run = (name: string, image: string, ...words: string[]) =>
  on.host.docker('run', '--detach', '--name', name, ...words, image);

type Inspect = Awaited<ReturnType<ServiceOnEngine['inspect']>>;

/** Every old container runs under its name with its policy, as it did, and nothing is left beside them. */
async function expectServing(...before: Inspect[]): Promise<void> {
  const names = before.map(({ Name }) => Name.slice(1));
  for (const old of before) {
    expect(await on.inspect(old.Name.slice(1))).toMatchObject({
      Id: old.Id,
      State: { Running: true },
      HostConfig: { RestartPolicy: old.HostConfig.RestartPolicy },
    });
  }
  expect(await on.names()).toEqual(names.toSorted());
}

async function running(name: string, image: string, ...words: string[]) {
  await run(name, image, ...words);
  return await on.inspect(name);
}

test('a container runs the new image, with all that was chosen for it and the image’s own new defaults', async () => {
  const name = on.name('gateway');
  const network = on.name('net');
  const volume = on.name('data');
  await on.host.docker('network', 'create', network);
  try {
    const before = await running(
      name,
      `${gateway}:1.0.0`,
      ...['--env', 'MINE=1', '--label', 'mine=yes', '--restart', 'always'],
      ...['--volume', `${volume}:/data`, '--volume', '/anonymous', '--publish', '127.0.0.1::8080'],
      ...['--network', network, '--network-alias', 'front', '--memory', '64m'],
    );
    await on.host.docker('exec', name, 'sh', '-c', 'echo kept > /anonymous/file');

    const job = await on.execute({ container: name, image: gateway, tag: '1.1.0' });

    expect(job).toMatchObject({
      state: 'DONE',
      operator: 'tester',
      tasks: [{ container: name, mode: 'image-tag', from: { tag: '1.0.0' }, to: { tag: '1.1.0' } }],
    });
    expect(job.tasks[0]?.to.digest).toMatch(/^sha256:/);
    expect(job.steps.map(({ kind, state }) => `${kind} ${state}`)).toEqual([
      'resolve DONE',
      'pull DONE',
      'inspect DONE',
      'create DONE',
      'hold-restart DONE',
      'stop-old DONE',
      'start-new DONE',
      'gate DONE',
      'rename DONE',
      'commit DONE',
    ]);
    const now = await on.inspect(name);
    expect(now.Id).not.toBe(before.Id);
    expect(now.Config.Image).toBe(`${gateway}:1.1.0`);
    expect(now.Config.Env).toEqual(before.Config.Env);
    expect(now.Config.Cmd).not.toEqual(before.Config.Cmd);
    expect(now.Config.Labels).toEqual({ mine: 'yes', 'io.towline.job': job.id });
    expect(now.HostConfig.RestartPolicy).toEqual(before.HostConfig.RestartPolicy);
    expect(now.HostConfig.Memory).toBe(64 * 1024 * 1024);
    expect(now.HostConfig.PortBindings).toEqual(before.HostConfig.PortBindings);
    expect(now.NetworkSettings.Networks[network].Aliases).toContain('front');
    expect(now.NetworkSettings.Networks[network].Aliases).not.toContain(before.Id.slice(0, 12));
    expect(await on.host.docker('exec', name, 'cat', '/anonymous/file')).toContain('kept');
    expect(await on.page(name)).toContain('gateway 1.1.0');

    // The old one is kept, and does not come back with its engine.
    const kept = await on.inspect(before.Id);
    expect(kept).toMatchObject({
      Name: `/${name}.prev.${job.id}`,
      State: { Running: false },
      HostConfig: { RestartPolicy: { Name: 'no' } },
    });
  } finally {
    await on.host.docker('rm', '--force', '--volumes', ...(await on.names()));
    await on.host.docker('network', 'rm', network);
    await on.host.docker('volume', 'rm', '--force', volume);
  }
});

test('one old container is kept: the next success removes it, and none that a person has taken', async () => {
  const name = on.name('gateway');
  const first = await running(name, `${gateway}:1.0.0`);
  const one = await on.execute({ container: name, image: gateway, tag: '1.1.0' });
  const second = await on.inspect(name);
  expect(await on.names()).toEqual([name, `${name}.prev.${one.id}`]);

  const two = await on.execute({ container: name, image: gateway, tag: '1.2.0' });
  await expect.poll(() => on.names()).toEqual([name, `${name}.prev.${two.id}`]);
  await expect(on.inspect(first.Id)).rejects.toThrow();

  // After a restart it is known from the journals.
  await on.restart();
  const taken = on.name('taken');
  await on.host.docker('rename', second.Id, taken);
  const three = await on.execute({ container: name, image: gateway, tag: '1.0.0' });
  await on.restart();
  expect(await on.names()).toEqual([name, `${name}.prev.${three.id}`, taken].toSorted());
});

test('a rollback takes what ran before from this machine, whatever its tag names in the registry by now', async () => {
  const name = on.name('gateway');
  const own = `${registry}/test/${on.name('moving')}`;
  const push = async (from: string, tag: string) => {
    await on.host.docker('pull', '--quiet', `${gateway}:${from}`);
    await on.host.docker('tag', `${gateway}:${from}`, `${own}:${tag}`);
    await on.host.docker('push', '--quiet', `${own}:${tag}`);
  };
  try {
    await push('1.0.0', 'first');
    await push('1.1.0', 'second');
    const before = await running(name, `${own}:first`);
    await on.execute({ container: name, image: own, tag: 'second' });
    await push('1.2.0', 'first');
    const input = on.input([{ container: name, image: own, tag: 'first' }], { rollback: true });
    const job = await on.ended(await on.begin(input));
    expect(job).toMatchObject({ state: 'DONE', tasks: [{ to: { tag: 'first' } }] });
    expect((await on.inspect(name)).Image).toBe(before.Image);
    expect(await on.page(name)).toContain('gateway 1.0.0');
  } finally {
    for (const tag of ['first', 'second']) await on.host.docker('rmi', '--force', `${own}:${tag}`);
  }
});

test('latest over latest is done again', async () => {
  const name = on.name('gateway');
  const before = await running(name, `${gateway}:latest`);
  const job = await on.execute({ container: name, image: gateway, tag: 'latest' });
  expect(job.state).toBe('DONE');
  expect((await on.inspect(name)).Id).not.toBe(before.Id);
});

test('a healthcheck lets it through', async () => {
  const name = on.name('healthy');
  await run(name, `${faulty}:ok`);
  const job = await on.execute({ container: name, image: faulty, tag: 'healthy' });
  expect(job).toMatchObject({ state: 'DONE' });
  expect(job.steps.find(({ kind }) => kind === 'gate')?.message).toBe('healthy');
});

test('two containers are one update', async () => {
  const names = [on.name('gateway'), on.name('storefront')] as const;
  await run(names[0], `${gateway}:1.0.0`);
  await run(names[1], `${storefront}:2.0.0`);
  const job = await on.execute(
    { container: names[0], image: gateway, tag: '1.1.0' },
    { container: names[1], image: storefront, tag: '2.1.0' },
  );
  expect(job.state).toBe('DONE');
  expect(await on.page(names[0])).toContain('gateway 1.1.0');
  expect(await on.page(names[1])).toContain('storefront 2.1.0');
});

test('three in the order of what they depend on; where the last fails all go back, the last one first', async () => {
  const [front, api, db] = [on.name('front'), on.name('api'), on.name('db')] as const;
  const before = [
    await running(db, `${gateway}:1.0.0`, '--restart', 'always'),
    await running(api, `${storefront}:2.0.0`),
    await running(front, `${faulty}:ok`),
  ];
  const needs = (...dependsOn: string[]) => ({ settle: 0.3, dependsOn });
  const job = await on.execute(
    { container: front, image: faulty, tag: 'exits', more: { ...needs(api), ...FAILS } },
    { container: api, image: storefront, tag: '2.1.0', more: needs(db) },
    { container: db, image: gateway, tag: '1.1.0' },
  );
  expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'exited' } });
  const order = (kind: string) =>
    job.steps
      .filter((step) => step.kind === kind)
      .toSorted((one, other) => ((one.startedAt ?? '') < (other.startedAt ?? '') ? -1 : 1))
      .map(({ container, state }) => [container, state]);
  expect(order('gate')).toEqual([
    [db, 'DONE'],
    [api, 'DONE'],
    [front, 'ERROR'],
  ]);
  expect(order('restore')).toEqual([
    [front, 'DONE'],
    [api, 'DONE'],
    [db, 'DONE'],
  ]);
  await expectServing(...before);
  expect(await on.page(db)).toContain('gateway 1.0.0');
});

test.each([
  ['exits at once', 'exits', 'no', 'exited', /^line 300$/, FAILS.settle],
  // Its lines are read while it writes them once more.
  [
    'exits at once, and its policy starts it again',
    'exits',
    'always',
    /exited|restarting/,
    /^line \d+$/,
    FAILS.settle,
  ],
  // Two seconds after its start.
  ['exits later', 'exits-later', 'no', 'exited', /^no more$/, 60],
  // Its healthcheck says when; the old one, which has none, has to run for as long.
  ['is unhealthy', 'unhealthy', 'no', 'unhealthy', undefined, 1],
])(
  'a new container that %s, twice in a row: the old one serves again, and its last lines are kept',
  async (_, tag, restart, code, line, settle) => {
    const name = on.name('faulty');
    const before = await running(name, `${faulty}:ok`, '--restart', restart);
    for (let time = 1; time <= 2; time++) {
      const job = await on.execute({ container: name, image: faulty, tag, more: { settle } });
      expect(job).toMatchObject({
        state: 'RESTORED',
        error: {
          code: expect.stringMatching(code),
          message: expect.stringContaining('The old version serves again.'),
        },
      });
      await expectServing(before);
      const lines = job.logs.find(({ container }) => container === name)?.lines ?? [];
      expect(lines.length).toBeLessThanOrEqual(200);
      if (line !== undefined) expect(lines.at(-1)).toMatch(line);
      if (code === 'unhealthy') expect(job.error?.message).toContain('its healthcheck fails: not well.');
    }
  },
);

test('one that can’t be created leaves the old one untouched', async () => {
  const name = on.name('gateway');
  const folder = await mkdtemp(join(tmpdir(), 'tl-gone-'));
  const mount = `type=bind,source=${folder},target=/mnt`;
  const before = await running(name, `${gateway}:1.0.0`, '--mount', mount);
  await rm(folder, { recursive: true });
  for (let time = 1; time <= 2; time++) {
    const job = await on.execute({ container: name, image: gateway, tag: '1.1.0' });
    expect(job).toMatchObject({
      state: 'RESTORED',
      error: { code: 'engine', message: expect.stringContaining('The old version was not touched.') },
    });
    expect(job.steps.find(({ kind }) => kind === 'create')?.state).toBe('ERROR');
    expect(job.steps.find(({ kind }) => kind === 'stop-old')?.state).toBe('SKIPPED');
    await expectServing(before);
  }
});

test('one of another architecture is refused, twice in a row', async () => {
  const name = on.name('faulty');
  const before = await running(name, `${faulty}:ok`);
  for (let time = 1; time <= 2; time++) {
    const job = await on.execute({ container: name, image: faulty, tag: 'foreign' });
    expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'wrong-platform' } });
    expect(job.refusal?.message).toContain('linux/riscv64');
    await expectServing(before);
  }
});

test('a port that is taken already: what was created for it is gone again, twice in a row', async () => {
  const name = on.name('gateway');
  await run(on.name('holder'), `${gateway}:1.0.0`, '--publish', '127.0.0.1:18431:8080');
  const spec = { settle: 0.3, run: { ports: ['127.0.0.1:18431:8080'] } };
  for (let time = 1; time <= 2; time++) {
    const job = await on.execute({ container: name, image: gateway, tag: '1.1.0', more: spec });
    expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'engine' } });
    expect(job.error?.message).toMatch(/port is already allocated.*holder has port 18431/);
    expect(await on.names()).toEqual([on.name('holder')]);
  }
});

test('a container that does not exist is created as the map says, its network with it', async () => {
  const name = on.name('gateway');
  const network = on.name('net');
  const image = gateway;
  const spec = { settle: 0.3, run: { environment: { MINE: '1' }, networks: [network], restart: 'always' } };
  try {
    const job = await on.execute({ container: name, image, tag: '1.0.0', more: spec });
    expect(job.state).toBe('DONE');
    const made = await on.inspect(name);
    expect(made.Config.Env).toContain('MINE=1');
    expect(made.HostConfig.RestartPolicy.Name).toBe('always');
    expect(Object.keys(made.NetworkSettings.Networks)).toEqual([network]);
    expect(await on.page(name)).toContain('gateway 1.0.0');
    expect(await on.names()).toEqual([name]);
    // Then it is replaced as any other.
    const next = await on.execute({ container: name, image, tag: '1.1.0', more: spec });
    expect(next.state).toBe('DONE');
    expect((await on.inspect(name)).Config.Env).toContain('MINE=1');
  } finally {
    const names = await on.names();
    if (names.length > 0) await on.host.docker('rm', '--force', '--volumes', ...names);
    await on.host.docker('network', 'rm', network);
  }
});

test('one that fails as soon as it is created is removed again', async () => {
  const name = on.name('faulty');
  const job = await on.execute({ container: name, image: faulty, tag: 'exits', more: { ...FAILS, run: {} } });
  expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'exited' } });
  expect(job.error?.message).toContain('There was no old version: what was created is removed');
  expect(job.error?.message).not.toContain('serves again');
  expect(await on.names()).toEqual([]);
});

test('the same key twice is one job; one after the other, at the same time, and after a restart', async () => {
  const name = on.name('gateway');
  await run(name, `${gateway}:1.0.0`);
  const input = on.input([{ container: name, image: gateway, tag: '1.1.0' }]);
  const [first, second] = await Promise.all([on.jobs.execute(input), on.jobs.execute(input)]);
  if (!first.ok || !second.ok) throw new Error('refused');
  expect(first.value).toEqual({ jobId: second.value.jobId, repeated: false });
  expect(second.value.repeated).toBe(true);
  await on.ended(first.value.jobId);
  await on.restart();
  expect(await on.jobs.execute(input)).toEqual({
    ok: true,
    value: { jobId: first.value.jobId, repeated: true },
  });
  expect(on.jobs.list(10)).toHaveLength(1);
});

test('a follower that resumes gets every event once, live and afterwards', async () => {
  const name = on.name('gateway');
  await run(name, `${gateway}:1.0.0`);
  const id = await on.begin(on.input([{ container: name, image: gateway, tag: '1.1.0' }]));
  const seen: number[] = [];
  for (let resumed = 0; resumed < 100; resumed++) {
    let last: string | undefined;
    const gone = new AbortController();
    for await (const event of on.jobs.follow(id, seen.at(-1) ?? 0, gone.signal)) {
      seen.push(event.seq);
      last = event.type;
      // Cut off after every third.
      if (event.seq % 3 === 0) break;
    }
    if (last === 'ended' || last === undefined) break;
  }
  const all: number[] = [];
  for await (const event of on.events(id)) all.push(event.seq);
  expect(all).toEqual(all.map((_, at) => at + 1));
  expect(seen).toEqual(all);
  await on.restart();
  const after: number[] = [];
  for await (const event of on.events(id, 5)) after.push(event.seq);
  expect(after).toEqual(all.slice(5));
  expect(on.jobs.get(id)?.lastSeq).toBe(all.length);
});

test('a cancel at the gate brings the old one back; one after the end is refused', async () => {
  const name = on.name('gateway');
  const before = await running(name, `${gateway}:1.0.0`, '--restart', 'always');
  const id = await on.begin(
    on.input([{ container: name, image: gateway, tag: '1.1.0', more: { settle: 600 } }]),
  );
  await on.reaches(id, `gate:${name}`);
  expect(await on.jobs.cancel(id, 'ben')).toEqual({ ok: true, value: undefined });
  expect(await on.ended(id)).toMatchObject({ state: 'CANCELLED', cancelledBy: 'ben' });
  await expectServing(before);
  expect(await on.jobs.cancel(id, 'ben')).toMatchObject({ ok: false, error: { code: 'refused' } });
  expect(await on.jobs.cancel('nothing', 'ben')).toMatchObject({ ok: false, error: { code: 'not-found' } });
});

test('a cancel does not wait for a registry that does not answer', async () => {
  const name = on.name('web');
  const before = await running(name, `${faulty}:ok`);
  const silent = createServer(() => {}).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  try {
    const address = silent.address();
    const port = typeof address === 'object' ? address?.port : 0;
    const id = await on.begin(
      on.input([{ container: name, image: `localhost:${port}/test/faulty`, tag: 'ok2' }]),
    );
    await on.reaches(id, `resolve:${name}`);
    expect(await on.jobs.cancel(id, 'ben')).toEqual({ ok: true, value: undefined });
    const job = await on.ended(id);
    expect(job).toMatchObject({ state: 'CANCELLED', cancelledBy: 'ben' });
    expect(job.steps[0]).toMatchObject({ kind: 'resolve', state: 'CANCELLED' });
    await expectServing(before);
  } finally {
    silent.close();
  }
});

test('a new one that a person removes at the gate: the old one serves again', async () => {
  const name = on.name('web');
  const before = await running(name, `${faulty}:ok`, '--restart', 'always');
  const id = await on.begin(on.input([{ container: name, image: faulty, tag: 'ok2', more: { settle: 60 } }]));
  await on.reaches(id, `gate:${name}`);
  const next = `${name}.next.${id}`;
  // So many files take their time: it has ended long before it is gone, and an engine refuses to remove what is being removed.
  const files = 'mkdir /many; i=0; while [ $i -lt 6000 ]; do : > /many/$i; i=$((i+1)); done';
  await on.host.docker('exec', next, 'sh', '-c', files);
  await on.host.docker('rm', '--force', next);
  expect(await on.ended(id)).toMatchObject({ state: 'RESTORED' });
  await expectServing(before);
});

test('an old one that a person removes at the gate: the new one passes, and takes its name', async () => {
  const name = on.name('gateway');
  await run(name, `${gateway}:1.0.0`, ...AT_GATE);
  const id = await on.begin(on.input([{ container: name, image: gateway, tag: '1.1.0' }]));
  await on.reaches(id, `gate:${name}`);
  await on.host.docker('rm', '--force', name);
  await on.openGate(name, id);
  expect(await on.ended(id)).toMatchObject({ state: 'DONE' });
  expect(await on.names()).toEqual([name]);
  expect(await on.page(name)).toContain('gateway 1.1.0');
  // What was kept of it is nothing, which does not trouble the next.
  expect(await on.execute({ container: name, image: gateway, tag: '1.2.0' })).toMatchObject({
    state: 'DONE',
  });
});

test('an agent that is ended at the gate, and again at it, says that its job goes on, and not that it was cancelled', async () => {
  const name = on.name('gateway');
  await run(name, `${gateway}:1.0.0`, ...AT_GATE);
  const id = await on.begin(on.input([{ container: name, image: gateway, tag: '1.1.0' }]));
  let seen = 0;
  for (let ended = 0; ended < 2; ended++) {
    for await (const event of on.events(id, seen)) {
      seen = event.seq;
      if (event.type === 'step-started' && event.kind === 'gate') break;
    }
    await on.restart();
  }
  await on.openGate(name, id);
  expect(await on.ended(id)).toMatchObject({ state: 'DONE' });
  const ends: unknown[] = [];
  for await (const event of on.events(id)) {
    if (event.type === 'step-ended' && event.step === `gate:${name}`) ends.push([event.state, event.message]);
  }
  const left = ['CANCELLED', 'the agent was ended; the job goes on from here once it runs again'];
  expect(ends).toEqual([left, left, ['DONE', expect.any(String)]]);
});

test('state files that are damaged are set aside and told of, and the rest is there', async () => {
  const name = on.name('gateway');
  await run(name, `${gateway}:1.0.0`);
  const ids = [];
  for (const tag of ['1.1.0', '1.2.0', '1.0.0']) {
    ids.push((await on.execute({ container: name, image: gateway, tag })).id);
  }
  const [first, second, third] = ids.map((id) => join(on.stateDir, 'jobs', `${id}.ndjson`));
  if (first === undefined || second === undefined || third === undefined) throw new Error('three jobs');
  await on.jobs.close();
  await writeFile(first, 'not JSON\n');
  await writeFile(second, '');
  await appendFile(third, '{"type":"en');
  await on.restart();
  expect(on.jobs.problems()).toHaveLength(2);
  expect(on.jobs.list(10).map(({ id }) => id)).toEqual([ids[2]]);
  const files = await readdir(join(on.stateDir, 'jobs'));
  expect(files.filter((file) => file.includes('.corrupt-'))).toHaveLength(1);
  // And it works on.
  expect((await on.execute({ container: name, image: gateway, tag: '1.1.0' })).state).toBe('DONE');
});

test('a new container whose job’s journal is lost is told of, and left to a person', async () => {
  const name = `${on.name('gateway')}.next.lost1`;
  await run(name, `${gateway}:1.0.0`, '--label', 'io.towline.job=lost1');
  const mine = `${on.name('mine')}.next.lost1`;
  await run(mine, `${gateway}:1.0.0`);
  await on.restart();
  await expect.poll(() => on.jobs.problems()).toContainEqual(expect.stringContaining(name));
  expect(on.jobs.problems().join()).not.toContain(mine);
  expect(await on.names()).toHaveLength(2);
});

test('of the history the newest are kept, and those that a kept container is known by', async () => {
  await on.close();
  on = await ServiceOnEngine.start(hosts.a, { historyLimit: 3 });
  const name = on.name('gateway');
  const other = on.name('storefront');
  await run(name, `${gateway}:1.0.0`);
  await run(other, `${storefront}:2.0.0`);
  const done = await on.execute({ container: name, image: gateway, tag: '1.1.0' });
  const refused = [];
  for (let at = 0; at < 4; at++) {
    refused.push(await on.execute({ container: other, image: storefront, tag: 'none-such' }));
  }
  await expect.poll(() => on.jobs.list(10).length).toBe(3);
  const kept = [refused[3], refused[2], done].map((job) => job?.id);
  expect(on.jobs.list(10).map(({ id }) => id)).toEqual(kept);
  await on.restart();
  expect(on.jobs.list(10).map(({ id }) => id)).toEqual(kept);
});
