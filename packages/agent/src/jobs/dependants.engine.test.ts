import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { type Chosen, FAILS, ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
const gateway = `${registry}/shop/gateway`;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;
/** The one that is exchanged. */
let web: string;

beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  web = on.name('web');
});
afterEach(() => on.close());

type Inspect = Awaited<ReturnType<ServiceOnEngine['inspect']>>;

async function run(
  container: string,
  image: string,
  words: string[],
  ...command: string[]
): Promise<Inspect> {
  await host.docker('run', '--detach', '--name', container, ...words, image, ...command);
  return await on.inspect(container);
}
const serve = (...words: string[]) => run(web, `${gateway}:1.0.0`, words);
const hang = (word: string, words: string[], ...command: string[]) =>
  run(on.name(word), `${faulty}:ok`, words, ...command);
const to = (tag: string, image = gateway): Chosen => ({ container: web, image, tag });
/** The address that a link's alias has in it. */
async function linked(container: string): Promise<string | undefined> {
  const lines = (await host.docker('exec', container, 'cat', '/etc/hosts')).split('\n');
  return lines.find((line) => /\sshop(\s|$)/.test(line))?.split(/\s/)[0];
}
/** The map names these containers as well, and none of them is chosen. */
const naming = (chosen: Chosen, ...words: string[]) =>
  on.input([chosen, ...words.map((word) => ({ container: on.name(word), image: faulty, tag: '' }))], {
    choices: [{ container: chosen.container, choice: { mode: 'image-tag', tag: chosen.tag } }],
  });
const stepsOf = (job: { steps: { id: string }[] }, container: string) =>
  job.steps.filter(({ id }) => id.endsWith(`:${container}`)).map(({ id }) => id.split(':')[0]);

/** How a container of this name hangs on the one that is exchanged: none of them is in the map. */
const WAYS: Readonly<Record<string, (to: (word: string) => string) => string[]>> = {
  net: (to) => ['--network', `container:${to('web')}`, '--env', 'MINE=1', '--restart', 'always'],
  pid: (to) => ['--pid', `container:${to('web')}`],
  ipc: (to) => ['--ipc', `container:${to('web')}`],
  volumes: (to) => ['--volumes-from', `${to('web')}:ro`],
  link: (to) => ['--link', `${to('web')}:shop`],
  outer: (to) => ['--pid', `container:${to('net')}`],
  stopped: (to) => ['--network', `container:${to('web')}`, '--label', 'mine=yes', '--restart', 'always'],
};

/** The one that is exchanged, with what hangs on it in these ways. */
async function surrounded(...ways: string[]): Promise<{ before: Inspect; hanging: Record<string, Inspect> }> {
  const before = await serve('--ipc', 'shareable', '--volume', '/data', '--restart', 'always');
  await host.docker('exec', web, 'sh', '-c', 'echo kept > /data/file');
  const hanging: Record<string, Inspect> = {};
  for (const way of ways) {
    const name = on.name(way);
    const words = WAYS[way]?.((word) => on.name(word)) ?? [];
    await host.docker('create', '--name', name, ...words, `${faulty}:ok`);
    if (way !== 'stopped') await host.docker('start', name);
    hanging[way] = await on.inspect(name);
  }
  return { before, hanging };
}

/** What a person chose for a container, less what names the one that it hangs on. */
function chosenFor({ Config, HostConfig, Image }: Inspect) {
  const { Hostname, Labels, AttachStdout, AttachStderr, ...config } = Config;
  const { 'io.towline.job': _, ...labels } = Labels ?? {};
  const { NetworkMode, PidMode, IpcMode, Links, ...hostConfig } = HostConfig;
  return { Image, labels, config: said(config), hostConfig: said(hostConfig) };
}

/** An engine says null, and an empty list or map, for the same. */
function said(all: object) {
  return Object.fromEntries(
    Object.entries(all).filter(([, value]) => JSON.stringify(value ?? {}).length > 2),
  );
}

test('all that hangs on it is created again of its own image, and hangs on the new one', async () => {
  const { before, hanging } = await surrounded(...Object.keys(WAYS));
  const job = await on.ended(await on.begin(naming(to('1.1.0'), 'pid', 'ipc', 'volumes', 'link', 'outer')));
  expect(job).toMatchObject({ state: 'DONE', tasks: [{ container: web }] });

  const now = await on.inspect(web);
  expect(now.Id).not.toBe(before.Id);
  const after: Record<string, Inspect> = {};
  for (const [word, old] of Object.entries(hanging)) {
    const found = await on.inspect(on.name(word));
    after[word] = found;
    expect(found.Id, word).not.toBe(old.Id);
    expect(chosenFor(found), word).toEqual(chosenFor(old));
    expect(found.State.Running, word).toBe(old.State.Running);
  }
  expect(after.net?.HostConfig.NetworkMode).toBe(`container:${now.Id}`);
  expect(after.pid?.HostConfig.PidMode).toBe(`container:${now.Id}`);
  expect(after.ipc?.HostConfig.IpcMode).toBe(`container:${now.Id}`);
  expect(after.outer?.HostConfig.PidMode).toBe(`container:${after.net?.Id}`);
  expect(after.stopped?.HostConfig.NetworkMode).toBe(`container:${now.Id}`);
  expect(after.link?.HostConfig.Links).toEqual([`/${web}:/${on.name('link')}/shop`]);

  expect(await on.page(on.name('net'))).toContain('gateway 1.1.0');
  expect(await host.docker('exec', on.name('pid'), 'ps')).toContain('httpd');
  expect(await host.docker('exec', on.name('volumes'), 'cat', '/data/file')).toContain('kept');
  expect(await linked(on.name('link'))).toBe(now.NetworkSettings.IPAddress);

  // Each of them is seen to be touched, and why.
  expect(stepsOf(job, on.name('net'))).toEqual([
    'hold-restart',
    'stop-old',
    'create',
    'start-new',
    'gate',
    'rename',
  ]);
  expect(stepsOf(job, on.name('volumes'))).toEqual([
    'create',
    'hold-restart',
    'stop-old',
    'start-new',
    'gate',
    'rename',
  ]);
  expect(stepsOf(job, on.name('stopped'))).toEqual(['create', 'hold-restart', 'rename']);
  expect(job.steps.find(({ id }) => id === `create:${on.name('net')}`)?.message).toBe(
    `shares the network of ${web}; the same settings`,
  );
  expect(job.steps.map(({ state }) => state)).not.toContain('WAIT');
});

test('old ones that are kept hang on nothing any more, and the next update removes them', async () => {
  // This one by the name, which the new one has.
  await surrounded('volumes');
  const names = [web, on.name('volumes')];
  for (const tag of ['1.1.0', '1.2.0']) {
    const job = await on.ended(await on.begin(naming(to(tag), 'volumes')));
    expect(job.state).toBe('DONE');
    const both = names.flatMap((name) => [name, `${name}.prev.${job.id}`]);
    await expect.poll(() => on.names()).toEqual(both.toSorted());
  }
});

/** The same containers as before, doing what they did. */
async function expectAsBefore({ before, hanging }: Awaited<ReturnType<typeof surrounded>>): Promise<void> {
  for (const old of [before, ...Object.values(hanging)]) {
    const found = await on.inspect(old.Name.slice(1));
    expect(found).toMatchObject({
      Id: old.Id,
      State: { Running: old.State.Running },
      HostConfig: { RestartPolicy: old.HostConfig.RestartPolicy },
    });
  }
  expect(await on.names()).toEqual([web, ...Object.keys(hanging).map((word) => on.name(word))].toSorted());
  expect(await on.page(on.name('net'))).toContain('gateway 1.0.0');
}

test('where the new one fails, all of it hangs on the old one again', async () => {
  const all = await surrounded('net', 'pid', 'link', 'stopped');
  const job = await on.execute({ ...to('exits', faulty), more: FAILS });
  // Its policy starts it again and again.
  expect(job).toMatchObject({
    state: 'RESTORED',
    error: { code: expect.stringMatching(/exited|restarting/) },
  });
  await expectAsBefore(all);
  expect(await host.docker('exec', on.name('pid'), 'ps')).toContain('httpd');
  expect(await linked(on.name('link'))).toBe((await on.inspect(web)).NetworkSettings.IPAddress);
});

test('where one that hangs on it fails, both are restored, and why is said', async () => {
  const all = await surrounded('net');
  // Well with the old version alone.
  const ask = 'until wget -q -O /tmp/page http://127.0.0.1:8080/; do sleep 0.1; done';
  const picky = `trap "exit 0" TERM; ${ask}; grep 1.0.0 /tmp/page || exit 7; sleep 1000000 & wait`;
  const last = await hang('picky', ['--network', `container:${web}`], 'sh', '-c', picky);
  const job = await on.execute(to('1.1.0'));
  expect(job).toMatchObject({ state: 'RESTORED', error: { code: 'exited' } });
  expect(job.error?.message).toContain('ended with code 7');
  await expectAsBefore({ ...all, hanging: { ...all.hanging, picky: last } });
  const restored = job.steps.filter(({ kind }) => kind === 'restore').map(({ container }) => container);
  expect(restored.indexOf(web)).toBeLessThan(restored.indexOf(on.name('picky')));
});

test('one that was chosen as well hangs on the new one, whatever the order in the map', async () => {
  await serve();
  const side = on.name('side');
  await run(side, `${faulty}:ok`, ['--network', `container:${web}`]);
  const job = await on.execute({ container: side, image: faulty, tag: 'ok2' }, to('1.1.0'));
  expect(job.state).toBe('DONE');
  const now = await on.inspect(side);
  expect(now.Config.Image).toBe(`${faulty}:ok2`);
  expect(now.HostConfig.NetworkMode).toBe(`container:${(await on.inspect(web)).Id}`);
  expect(await on.page(side)).toContain('gateway 1.1.0');
});

test('one that is created for the first time hangs on the new one', async () => {
  await serve();
  const side = on.name('side');
  const more = { run: { network_mode: `container:${web}` } };
  const job = await on.execute({ container: side, image: faulty, tag: 'ok', more }, to('1.1.0'));
  expect(job.state).toBe('DONE');
  expect(await on.page(side)).toContain('gateway 1.1.0');
});

test('start-first: it hangs on the new one, and the old one served until then', async () => {
  const network = on.name('net');
  await host.docker('network', 'create', network);
  try {
    await serve('--network', network);
    await hang('side', ['--network', `container:${web}`]);
    const job = await on.execute({ ...to('1.1.0'), more: { settle: 0.3, update: 'start-first' } });
    expect(job.state).toBe('DONE');
    expect(await on.page(on.name('side'))).toContain('gateway 1.1.0');
    const ids = job.steps.map(({ id }) => id);
    expect(ids.indexOf(`stop-old:${on.name('side')}`)).toBeGreaterThan(ids.indexOf(`gate:${web}`));
  } finally {
    await host.docker('rm', '--force', '--volumes', ...(await on.names()));
    await host.docker('network', 'rm', network);
  }
});

test('a link on a network of one’s own finds the new one by its name, and is left alone', async () => {
  const network = on.name('net');
  await host.docker('network', 'create', network);
  try {
    await serve('--network', network);
    const before = await hang('side', ['--network', network, '--link', `${web}:shop`]);
    const job = await on.execute(to('1.1.0'));
    expect(job.state).toBe('DONE');
    expect(await on.inspect(on.name('side'))).toMatchObject({
      Id: before.Id,
      State: { StartedAt: before.State.StartedAt },
    });
    const { IPAddress } = (await on.inspect(web)).NetworkSettings.Networks[network];
    expect(await host.docker('exec', on.name('side'), 'nslookup', 'shop', '127.0.0.11')).toContain(IPAddress);
  } finally {
    await host.docker('rm', '--force', '--volumes', ...(await on.names()));
    await host.docker('network', 'rm', network);
  }
});

describe('refused before anything is touched', () => {
  test('one that hangs on it would be deleted by its stop', async () => {
    const before = await serve();
    const side = await hang('side', ['--rm', '--network', `container:${web}`]);
    const job = await on.execute(to('1.1.0'));
    expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'auto-remove', container: web } });
    expect(job.refusal?.message).toContain(`${on.name('side')} shares the network of ${web}`);
    expect((await on.inspect(web)).Id).toBe(before.Id);
    expect((await on.inspect(side.Id)).State.StartedAt).toBe(side.State.StartedAt);
  });

  test('the agent runs in one that hangs on it', async () => {
    await serve();
    const side = await hang('side', ['--network', `container:${web}`]);
    await on.restart({ own: { cgroup: '', mountinfo: '', hostname: side.Id.slice(0, 12) } });
    const job = await on.execute(to('1.1.0'));
    expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'own-container' } });
  });

  test('another job is at one that hangs on it; and that is its own for as long as the job runs', async () => {
    await serve();
    const side = on.name('side');
    await hang('side', ['--network', `container:${web}`]);
    const slow: Chosen = { container: side, image: faulty, tag: 'ok2', more: { settle: 600 } };
    const first = await on.begin(on.input([slow], { server: 'other' }));
    await on.reaches(first, `gate:${side}`);
    const job = await on.execute(to('1.1.0'));
    expect(job).toMatchObject({ state: 'REFUSED', refusal: { code: 'job-running' } });
    await on.jobs.cancel(first, 'ben');
    await on.ended(first);

    const second = await on.begin(on.input([{ ...to('1.1.0'), more: { settle: 600 } }]));
    await on.reaches(second, `gate:${web}`);
    expect(await on.jobs.execute(on.input([slow], { server: 'other' }))).toMatchObject({
      ok: false,
      error: { refusal: { code: 'job-running' } },
    });
    await on.jobs.cancel(second, 'ben');
    expect(await on.ended(second)).toMatchObject({ state: 'CANCELLED' });
    expect(await on.page(side)).toContain('gateway 1.0.0');
  });
});
