import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, expect, test, vi } from 'vitest';
import { engineAnswers } from './engine-api.ts';
import { podmanSupport } from './engine-support.ts';
import { createSandbox, hostOf, type Sandbox, sweep } from './sandbox.ts';
import { sharedSandbox } from './shared-sandbox.ts';
import { pushStandardImages } from './standard-images.ts';

const withoutPodman = !(await podmanSupport()).ok && !process.env.CI;
const open: Sandbox[] = [];

afterEach(async () => {
  for (const sandbox of open.splice(0)) await sandbox.close();
});

async function newSandbox(): Promise<Sandbox> {
  const sandbox = await createSandbox();
  open.push(sandbox);
  return sandbox;
}

test('one image name is the same in every host, and each has ports of its own', async () => {
  const { registry, hosts } = await sharedSandbox();
  for (const [host, tag] of [
    [hosts.a, '1.0.0'],
    [hosts.b, '1.1.0'],
  ] as const) {
    const name = `sandbox-page-${process.pid}`;
    const port = '18080';
    await host.docker('run', '-d', '--name', name, '-p', `${port}:8080`, `${registry}/shop/gateway:${tag}`);
    try {
      const page = async () => await host.run('busybox', ['wget', '-q', '-O-', `http://127.0.0.1:${port}/`]);
      expect(await vi.waitFor(page)).toBe(`gateway ${tag}\n`);
    } finally {
      await host.docker('rm', '-f', name);
    }
  }
});

test('a sandbox that is closed leaves nothing, also where containers ignore TERM and the engine is dead', async () => {
  const sandbox = await newSandbox();
  const [first, second] = await Promise.all([sandbox.createHost('one'), sandbox.createHost('two')]);
  await pushStandardImages(sandbox);
  for (const host of [first, second]) {
    await host.docker('run', '-d', '--restart=always', `${sandbox.registry.host}/test/faulty:stubborn`);
  }
  await second.stopEngine('SIGKILL');
  await sandbox.close();
  expect(await tracesOf(sandbox)).toEqual([]);
});

test.skipIf(withoutPodman)(
  'a host with Podman is one like any other, and leaves nothing, its containers without an engine included',
  async () => {
    const sandbox = await newSandbox();
    const host = await sandbox.createPodmanHost('one');
    await pushStandardImages(sandbox);
    const images = sandbox.registry.host;
    await host.docker('network', 'create', 'own');
    await host.docker('run', '-d', '--restart=always', '--name', 'kept', `${images}/test/faulty:stubborn`);
    await host.docker('run', '-d', '--network', 'own', '-p', '18080:8080', `${images}/shop/gateway:1.0.0`);
    await host.stopEngine('SIGKILL');
    await expect(host.docker('ps')).rejects.toThrow(/daemon/);
    const page = async () => await host.run('busybox', ['wget', '-q', '-O-', 'http://127.0.0.1:18080/']);
    expect(await vi.waitFor(page)).toBe('gateway 1.0.0\n');
    await host.startEngine();
    expect(await host.docker('ps', '--format', '{{.Names}}', '--filter', 'name=kept')).toBe('kept\n');
    await host.stopEngine();
    await sandbox.close();
    expect(await tracesOf(sandbox)).toEqual([]);
  },
);

test('an engine that was killed comes back with its containers, a registry with its images', async () => {
  const sandbox = await newSandbox();
  const host = await sandbox.createHost('one');
  await pushStandardImages(sandbox);
  const image = `${sandbox.registry.host}/test/faulty:ok`;
  await host.docker('run', '-d', '--restart=always', '--name', 'kept', image);
  await host.stopEngine('SIGKILL');
  await expect(host.docker('ps')).rejects.toThrow(/daemon/);
  await host.startEngine();
  expect(await host.docker('ps', '--format', '{{.Names}}')).toBe('kept\n');

  await sandbox.registry.stop();
  await expect(host.docker('pull', image)).rejects.toThrow(/refused/);
  await sandbox.registry.start();
  await host.docker('pull', image);
});

test('a limited rate holds a pull up until it is lifted', async () => {
  const sandbox = await newSandbox();
  const host = await sandbox.createHost('one');
  await pushStandardImages(sandbox);
  // At this rate it would take an hour.
  await host.limitRate(20_000);
  const pull = host.docker('pull', '-q', `${sandbox.registry.host}/test/faulty:big`);
  const lifted = Symbol('lifted');
  const first = await Promise.race([pull, new Promise((resolve) => setTimeout(resolve, 500, lifted))]);
  expect(first).toBe(lifted);
  await host.limitRate(undefined);
  await pull;
});

test('what a killed run left is swept by the next, and nothing else', async () => {
  const mine = await newSandbox();
  const host = await mine.createHost('one');
  const door = fileURLToPath(new URL('./sandbox.ts', import.meta.url));
  const script = `
    import { createSandbox } from ${JSON.stringify(door)};
    const sandbox = await createSandbox();
    await sandbox.createHost('one');
    console.log(JSON.stringify({ id: sandbox.id, dir: sandbox.dir }));
    setInterval(() => {}, 1000);
  `;
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const line = await new Promise<string>((resolve) =>
    child.stdout.once('data', (data) => resolve(String(data))),
  );
  const left: { id: string; dir: string } = JSON.parse(line);
  expect(await engineAnswers(hostOf(left, 'one').socket)).toBe(true);
  const killed = new Promise((resolve) => child.once('exit', resolve));
  child.kill('SIGKILL');
  await killed;

  await sweep();
  // The demo's tests, which may run beside this one, sweep as well, and whoever comes second finds less.
  await expect.poll(() => tracesOf(left)).toEqual([]);
  expect(await engineAnswers(host.socket)).toBe(true);
});

/** Whatever is still there of a sandbox: its folder, its namespaces, its cgroups, its mounts and its processes. */
async function tracesOf({ id, dir }: { id: string; dir: string }): Promise<string[]> {
  const traces = existsSync(dir) ? [dir] : [];
  const namespaces = await readdir('/run/netns').catch(() => []);
  traces.push(...namespaces.filter((name) => name.startsWith(`tl-${id}-`)));
  const mounts = await readFile('/proc/self/mountinfo', 'utf8');
  traces.push(...mounts.split('\n').filter((line) => line.includes(dir)));
  const cgroups = await readdir('/sys/fs/cgroup');
  for (const folder of ['', ...cgroups]) {
    const cgroup = join('/sys/fs/cgroup', folder, `towline-${id}`);
    if (existsSync(cgroup)) traces.push(cgroup);
  }
  for (const entry of (await readdir('/proc')).filter((name) => /^\d+$/.test(name))) {
    const words = await readFile(`/proc/${entry}/cmdline`, 'utf8').catch(() => '');
    if (words.includes(`${dir}/`)) traces.push(words.replaceAll('\0', ' '));
  }
  return traces;
}
