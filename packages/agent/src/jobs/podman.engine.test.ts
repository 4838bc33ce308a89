import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createDockerEngine } from '../engine/index.ts';
import { FAILS, ServiceOnEngine } from './service-on-engine.ts';

const { registry, podman } = await sharedSandbox();
const gateway = `${registry}/shop/gateway`;
const faulty = `${registry}/test/faulty`;
let on: ServiceOnEngine;

beforeEach(async () => {
  on = await ServiceOnEngine.start(podman());
});
afterEach(() => on.close());

const run = (name: string, image: string, ...words: string[]) =>
  on.host.docker('run', '--detach', '--name', name, ...words, image);

test('what it can’t do is said, and what it has on its disk is counted', async () => {
  const engine = createDockerEngine({ kind: 'socket', path: on.host.socket });
  const info = await engine.info();
  expect(info.ok && info.value.limits.join(' ')).toContain('Podman can’t change a restart policy');
  await run(on.name('gateway'), `${gateway}:1.0.0`);
  const { images, containers } = await engine.diskUsage();
  const { Id, Image } = await on.inspect(on.name('gateway'));
  const image = images.find(({ id }) => id === Image);
  expect(image?.names).toContain(`${gateway}:1.0.0`);
  expect(containers.find(({ id }) => id === Id)).toMatchObject({ imageId: image?.id });
});

test('a container runs the new image, with what was chosen for it and its data', async () => {
  const name = on.name('gateway');
  const network = on.name('net');
  await on.host.docker('network', 'create', network);
  try {
    const words = ['--env', 'MINE=1', '--label', 'mine=yes', '--memory', '64m', '--volume', '/anonymous'];
    const way = ['--publish', '127.0.0.1:18080:8080', '--network', network, '--network-alias', 'front'];
    await run(name, `${gateway}:1.0.0`, ...words, ...way);
    const before = await on.inspect(name);
    await on.host.docker('exec', name, 'sh', '-c', 'echo kept > /anonymous/file');

    const job = await on.execute({ container: name, image: gateway, tag: '1.1.0' });

    expect(job).toMatchObject({ state: 'DONE' });
    expect(job.changes?.flatMap(({ changes }) => changes).map(({ setting }) => setting)).toEqual(['Cmd']);
    const now = await on.inspect(name);
    expect(now.Config.Env).toContain('MINE=1');
    expect(now.Config.Labels).toMatchObject({ mine: 'yes' });
    expect(now.HostConfig.Memory).toBe(before.HostConfig.Memory);
    expect(now.HostConfig.PortBindings).toEqual(before.HostConfig.PortBindings);
    expect(Object.keys(now.NetworkSettings.Networks)).toEqual([network]);
    expect(now.NetworkSettings.Networks[network].Aliases).toContain('front');
    expect(await on.host.docker('exec', name, 'cat', '/anonymous/file')).toContain('kept');
    expect(await on.page(name)).toContain('gateway 1.1.0');
    expect(await on.names()).toEqual([name, `${name}.prev.${job.id}`]);
  } finally {
    const names = await on.names();
    if (names.length > 0) await on.host.docker('rm', '--force', '--volumes', ...names);
    await on.host.docker('network', 'rm', network);
  }
});

test('one whose restart policy can’t be held is not kept: it would come back beside the new one', async () => {
  const name = on.name('gateway');
  await run(name, `${gateway}:1.0.0`, '--restart', 'always');
  const job = await on.execute({ container: name, image: gateway, tag: '1.1.0' });
  expect(job).toMatchObject({ state: 'DONE' });
  await expect.poll(() => on.names()).toEqual([name]);
  expect((await on.inspect(name)).HostConfig.RestartPolicy.Name).toBe('always');
});

test('one that exits at once is restored, policy and all', async () => {
  const name = on.name('faulty');
  await run(name, `${faulty}:ok`, '--restart', 'always');
  const before = await on.inspect(name);
  const job = await on.execute({ container: name, image: faulty, tag: 'exits', more: FAILS });
  expect(job).toMatchObject({ state: 'RESTORED' });
  const now = await on.inspect(name);
  expect(now).toMatchObject({ Id: before.Id, State: { Running: true } });
  expect(now.HostConfig.RestartPolicy.Name).toBe('always');
  expect(await on.names()).toEqual([name]);
});

test('what hangs on it hangs on the new one; and is not kept either where that one is not', async () => {
  const [web, net, pid] = [on.name('web'), on.name('net'), on.name('pid')] as const;
  await run(web, `${gateway}:1.0.0`, '--restart', 'always');
  await run(net, `${faulty}:ok`, '--network', `container:${web}`);
  await run(pid, `${faulty}:ok`, '--pid', `container:${web}`);
  try {
    const failed = await on.execute({ container: web, image: faulty, tag: 'exits', more: FAILS });
    expect(failed).toMatchObject({ state: 'RESTORED' });
    expect(await on.page(net)).toContain('gateway 1.0.0');
    expect(await on.names()).toEqual([net, pid, web]);
    const job = await on.execute({ container: web, image: gateway, tag: '1.1.0' });
    expect(job).toMatchObject({ state: 'DONE' });
    expect(await on.page(net)).toContain('gateway 1.1.0');
    expect(await on.host.docker('exec', pid, 'ps')).toContain('httpd');
    expect(job.changes?.filter(({ container, changes }) => container !== web && changes.length > 0)).toEqual(
      [],
    );
    await expect.poll(() => on.names()).toEqual([net, pid, web]);
  } finally {
    // An engine that removes nothing that something hangs on.
    await on.host.docker('rm', '--force', net, pid);
  }
});
