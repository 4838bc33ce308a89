import type { RestoreInput } from '@towline/core/protocol';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDockerEngine } from '../engine/index.ts';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;
let web: string;
let network: string;

beforeEach(async () => {
  on = await ServiceOnEngine.start(host);
  web = on.name('web');
  network = on.name('net');
  await host.docker('network', 'create', network);
});
afterEach(async () => {
  await on.close();
  await host.docker('network', 'rm', network);
});

type Inspect = Awaited<ReturnType<ServiceOnEngine['inspect']>>;

/** A server that is degraded: what was removed in the middle of its job could not be restored. */
async function degrade(
  tag = 'ok',
  end: 'killed' | 'cancelled' = 'killed',
): Promise<{ before: Inspect; job: string; input: RestoreInput }> {
  const words = ['--env', 'MINE=1', '--restart', 'always', '--volume', '/data', '--publish', '127.0.0.1::80'];
  await host.docker('run', '--detach', '--name', web, ...words, `${faulty}:${tag}`);
  await host.docker('network', 'connect', '--alias', 'shop', network, web);
  await host.docker('exec', web, 'sh', '-c', 'echo kept > /data/file');
  const before = await on.inspect(web);
  const { choices: _, ...input } = on.input([
    { container: web, image: faulty, tag: 'ok2', more: { settle: 600 } },
  ]);
  const id = await on.begin({
    ...input,
    choices: [{ container: web, choice: { mode: 'image-tag', tag: 'ok2' } }],
  });
  await on.reaches(id, `gate:${web}`);
  // Not its volumes: whoever removes those as well has none left to bring back.
  await host.docker('rm', '--force', web);
  if (end === 'killed') await host.docker('kill', `${web}.next.${id}`);
  else expect((await on.jobs.cancel(id, 'ben')).ok).toBe(true);
  expect(await on.ended(id)).toMatchObject({
    state: 'DEGRADED',
    commands: expect.arrayContaining([]),
    // Whoever shows the commands says what they are for.
    error: { message: expect.not.stringContaining('command') },
  });
  return { before, job: id, input: { ...input, key: `${input.key}-restore` } };
}

async function restore(input: RestoreInput): Promise<string> {
  const begun = await on.jobs.restore(input);
  if (!begun.ok) throw new Error(begun.error.message);
  return begun.value.jobId;
}

function chosen({ Config, HostConfig, NetworkSettings, Mounts, Image }: Inspect) {
  const { Hostname: _, Volumes: __, ...config } = Config;
  const { Binds: ___, ...hostConfig } = HostConfig;
  const volumes = Mounts.map(({ Name, Destination }: Inspect) => [Name, Destination]);
  return {
    Image,
    config,
    hostConfig,
    volumes,
    alias: NetworkSettings.Networks[network].Aliases.includes('shop'),
  };
}

test('an old one that was removed is created again as it was, with its data and all its networks', async () => {
  const { before, job, input } = await degrade();
  const id = await restore(input);
  expect(await on.jobs.restore(input)).toEqual({ ok: true, value: { jobId: id, repeated: true } });
  expect(await on.ended(id)).toMatchObject({
    state: 'RESTORED',
    tasks: [{ container: web, from: { tag: 'ok2' }, to: { tag: 'ok' } }],
    steps: [{ kind: 'restore', state: 'DONE' }],
  });
  const after = await on.inspect(web);
  expect(after.State.Running).toBe(true);
  expect(chosen(after)).toEqual(chosen(before));
  expect(await host.docker('exec', web, 'cat', '/data/file')).toBe('kept\n');
  expect(await on.names()).toEqual([web]);
  expect(on.jobs.degraded()).toEqual([]);
  expect(on.jobs.get(job)?.state).toBe('DEGRADED');
  // And it can be executed again.
  expect(await on.execute({ container: web, image: faulty, tag: 'ok2' })).toMatchObject({ state: 'DONE' });
  expect(await on.jobs.restore({ ...input, key: `${input.key}-2` })).toMatchObject({
    ok: false,
    error: { code: 'refused', refusal: { code: 'not-degraded' } },
  });
});

test('what has taken its name meanwhile is left alone; restored where that has gone, also by an agent that was started again', async () => {
  const { before, input } = await degrade();
  await host.docker('create', '--name', web, `${faulty}:healthy`);
  const stranger = await on.inspect(web);
  const first = await on.ended(await restore(input));
  expect(first).toMatchObject({
    state: 'DEGRADED',
    error: { code: 'not-restored', message: expect.stringContaining(`has taken the name ${web} meanwhile`) },
  });
  expect(await on.inspect(web)).toEqual(stranger);
  await host.docker('rm', web);
  await on.restart();
  expect(await on.ended(await restore({ ...input, key: `${input.key}-2` }))).toMatchObject({
    state: 'RESTORED',
    tasks: [{ from: { tag: 'ok2' }, to: { tag: 'ok' } }],
  });
  expect(chosen(await on.inspect(web))).toEqual(chosen(before));
  expect(await on.names()).toEqual([web]);
});

test('one that was brought back by hand is not touched', async () => {
  const { input } = await degrade();
  await host.docker('run', '--detach', '--name', web, `${faulty}:healthy`);
  const byHand = await on.inspect(web);
  expect(await on.jobs.restore(input)).toMatchObject({
    ok: false,
    error: { refusal: { code: 'not-degraded' } },
  });
  expect((await on.inspect(web)).Id).toBe(byHand.Id);
});

test('one that looked before another restore had ended begins nothing on what that one brought back', async () => {
  const { before, input } = await degrade();
  const engine = createDockerEngine({ kind: 'socket', path: host.socket });
  const inspect = engine.inspectContainer.bind(engine);
  const looked = Promise.withResolvers<void>();
  const goOn = Promise.withResolvers<void>();
  let holds = false;
  engine.inspectContainer = async (id) => {
    const held = holds;
    const found = await inspect(id);
    if (!held) return found;
    looked.resolve();
    await goOn.promise;
    return found;
  };
  await on.restart({ engine });
  holds = true;
  const late = on.jobs.restore({ ...input, key: `${input.key}-late` });
  await looked.promise;
  holds = false;
  expect(await on.ended(await restore(input))).toMatchObject({ state: 'RESTORED' });
  goOn.resolve();
  expect(await late).toMatchObject({ ok: false, error: { refusal: { code: 'not-degraded' } } });
  expect(chosen(await on.inspect(web))).toEqual(chosen(before));
  expect(await on.names()).toEqual([web]);
});

test('its image is gone as well: that is the reason, and the commands are there still', async () => {
  const tag = on.name('gone');
  await host.docker('create', '--name', on.name('maker'), `${faulty}:ok`);
  await host.docker('commit', '--change', 'LABEL made=here', on.name('maker'), `${faulty}:${tag}`);
  await host.docker('rm', on.name('maker'));
  const { input } = await degrade(tag);
  await host.docker('rmi', `${faulty}:${tag}`);
  const job = await on.ended(await restore(input));
  expect(job).toMatchObject({
    state: 'DEGRADED',
    error: {
      code: 'not-restored',
      message: expect.stringMatching(/could not be created again: .*no such image/i),
    },
  });
  expect(job.commands.join('\n')).toContain('curl');
});

test('a new one that serves comes back where the old one does not start any more, and goes once it does', async () => {
  // The old version's image alone looks for the file.
  const tag = on.name('picky');
  const script = 'test ! -e /data/broken && exec sh -c "trap exit TERM; sleep 1000000 & wait"';
  await host.docker('create', '--name', on.name('maker'), `${faulty}:ok`);
  await host.docker(
    'commit',
    '--change',
    `CMD ["sh", "-c", ${JSON.stringify(script)}]`,
    on.name('maker'),
    `${faulty}:${tag}`,
  );
  await host.docker('rm', on.name('maker'));
  const { before, job, input } = await degrade(tag, 'cancelled');
  const fresh = `${web}.next.${job}`;
  expect((await on.inspect(fresh)).State.Running).toBe(true);
  await host.docker('exec', fresh, 'touch', '/data/broken');

  const first = await on.ended(await restore(input));
  expect(first).toMatchObject({
    state: 'DEGRADED',
    error: {
      code: 'not-restored',
      message: expect.stringContaining('The new version is back in its place.'),
    },
  });
  // The old one is there again: to create it once more would only meet its name.
  expect(first.commands.join('\n')).toMatch(/docker start [0-9a-f]{12}$/);
  expect(first.commands.join('\n')).not.toContain('curl');
  const back = await on.inspect(fresh);
  expect(back).toMatchObject({
    State: { Running: true },
    Config: { Image: `${faulty}:ok2` },
    HostConfig: { RestartPolicy: { Name: 'always' } },
  });

  await host.docker('exec', fresh, 'rm', '/data/broken');
  expect(await on.ended(await restore({ ...input, key: `${input.key}-2` }))).toMatchObject({
    state: 'RESTORED',
  });
  expect(chosen(await on.inspect(web))).toEqual(chosen(before));
  expect(await on.names()).toEqual([web]);
  await host.docker('rm', '--force', '--volumes', web);
  await host.docker('rmi', `${faulty}:${tag}`);
});
