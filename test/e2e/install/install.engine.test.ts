import { existsSync } from 'node:fs';
import { mkdir, readdir, readlink, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { programFiles, sharedSandbox } from '@towline/test/sandbox';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { shopMap } from '../cli/shop-map.ts';
import { type CliPlace, createPlace } from '../cli/towline-process.ts';
import { broken, copyPrograms, held, newer, newest, type RebuiltPrograms } from './rebuilt-programs.ts';
import { type ApartMachine, RUNTIME_DIR, setApart } from './set-apart.ts';

const { registry, hosts } = await sharedSandbox();
const URL = 'ssh://web';
let place: CliPlace;
let machine: ApartMachine;
let bin: string;
let container: string;
let programs: RebuiltPrograms;
let start: string;

beforeAll(async () => {
  place = await createPlace();
  container = `inst-${place.dir.slice(-6).toLowerCase()}`;
  bin = join(place.dir, 'bin');
  await mkdir(bin);
  programs = await copyPrograms(place);
  await writeFile(join(bin, 'node'), '#!/bin/sh\necho v18.20.0\n', { mode: 0o755 });
  machine = await setApart(place.dir, bin);
  const { sshd } = machine;
  await mkdir(join(place.dir, '.ssh'), { mode: 0o700 });
  const lines = ['Host web', '  HostName 127.0.0.1', `  Port ${sshd.port}`, `  IdentityFile ${sshd.keyFile}`];
  await writeFile(
    join(place.dir, '.ssh', 'config'),
    [...lines, `  UserKnownHostsFile ${sshd.knownHostsFile}`, ''].join('\n'),
  );
  // A job lasts until `letPass`.
  const healthcheck = {
    test: ['CMD', 'test', '-e', '/www/go'],
    interval: '0.2s',
    start_period: '5m',
    retries: 3,
  };
  const task = { name: container, image: `${registry}/shop/cache`, run: { healthcheck } };
  await place.writeMap(shopMap({ web: URL }, { web: { agent: 'web', containers: [task] } }));
});

afterAll(async () => {
  await machine.close();
  const ids = (await hosts.a.docker('ps', '-aq', '--filter', `name=${container}`))
    .split('\n')
    .filter(Boolean);
  if (ids.length > 0) await hosts.a.docker('rm', '-f', ...ids);
  await place.close();
});

const engine = () => ['--engine', `unix://${hosts.a.socket}`];

const versions = () => readdir(machine.path('/opt/towline/versions'));

test.each(['towline', 'agent'] as const)(
  'on a Node that is too old, %s says so, and nothing else',
  async (program) => {
    const older = 'data:text/javascript,Object.defineProperty(process, "version", { value: "v20.1.0" })';
    const ran = await execa(process.execPath, ['--import', older, programFiles()[program], '--version'], {
      reject: false,
    });
    expect(ran).toMatchObject({ exitCode: 1, stdout: '' });
    expect(ran.stderr).toBe(`Towline needs Node 22 or later; ${process.execPath} is v20.1.0.`);
  },
);

/** What there is of Towline on the machine. */
async function remains(): Promise<string[]> {
  const folders = ['/opt', '/run', '/var/lib', '/etc/systemd/system'];
  const found = await Promise.all(
    folders.map(async (folder) =>
      (await readdir(machine.path(folder)).catch(() => [])).map((name) => join(folder, name)),
    ),
  );
  return found.flat().filter((path) => path.includes('towline'));
}

async function execute(tag: string): Promise<string> {
  const ran = await place.run('execute', `web/${container}`, '--tag', tag, '--detach');
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  return ran.stdout.trim();
}

/** The version that is being deployed becomes healthy. */
async function letPass(): Promise<void> {
  const running = () =>
    hosts.a.docker('ps', '-q', '--filter', `name=${container}`, '--filter', 'health=starting');
  await expect.poll(running, { timeout: 50_000 }).not.toBe('');
  await hosts.a.docker('exec', (await running()).trim(), 'touch', '/www/go');
}

test('nothing is done to a machine without a yes', async () => {
  const plan = await place.run('agent', 'install', URL, ...engine(), '--plan', '--json');
  expect(plan, plan.stderr).toMatchObject({ code: 0 });
  expect(plan.json()).toMatchObject({ state: 'PLANNED', before: null });
  const unasked = await place.run('agent', 'install', URL, ...engine());
  expect(unasked).toMatchObject({ code: 64, stderr: expect.stringContaining('say --yes to do it') });
  const readOnly = await place.run('--read-only', 'agent', 'install', URL, ...engine(), '--yes');
  expect(readOnly.code).toBe(2);
  expect(await remains()).toEqual([]);
});

test('Ctrl-C while something is sent leaves nothing half, and says what to do', async () => {
  await programs.rebuild((agent) => agent);
  const running = programs.start('agent', 'install', URL, ...engine(), '--yes');
  const nodes = () => readdir(machine.path('/opt/towline/nodes')).catch(() => []);
  await expect.poll(nodes, { timeout: 50_000, interval: 5 }).toEqual([expect.stringMatching(/\.part$/)]);
  running.kill('SIGINT');
  const ran = await running;
  expect(ran, ran.stderr).toMatchObject({ exitCode: 130 });
  expect(ran.stderr).toContain('interrupted; it did not send Node');
  expect(ran.stderr).toContain('The same command again does the rest');
  await expect.poll(nodes, { timeout: 50_000 }).toEqual([]);
});

test('without systemd the agent is brought with a Node, and nothing starts it', async () => {
  const ran = await place.run('agent', 'install', URL, ...engine(), '--yes', '--json');
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(ran.json()).toMatchObject({ state: 'INSTALLED', start: '(setsid /opt/towline/start &)' });
  expect(await readdir(machine.path('/opt/towline/nodes'))).toEqual([process.versions.node]);
  ({ start } = ran.json() as { start: string });
  expect((await place.run('agents')).code).toBe(5);
});

test('where the machine has no agent, one that its user started without options is found', async () => {
  const words = ['/opt/towline/current/towline-agent', '--state-dir', '/var/lib/own', ...engine()];
  const script = `XDG_RUNTIME_DIR=${RUNTIME_DIR} "$@" >/dev/null 2>&1 </dev/null & echo $!`;
  const pid = Number(await machine.run('sh', '-c', script, 'sh', ...words));
  const found = `${URL} (found at ${RUNTIME_DIR}/towline/agent.sock)`;
  await expect.poll(async () => (await place.run('agents')).stdout, { timeout: 50_000 }).toContain(found);
  process.kill(pid);
  await expect.poll(() => existsSync(`/proc/${pid}`), { timeout: 50_000 }).toBe(false);
});

test('it runs by the command that is printed', async () => {
  const { sshd } = machine;
  const there = ['-F', join(place.dir, '.ssh', 'config'), '-p', String(sshd.port), 'web'];
  await execa('ssh', [...there, start], { stdin: 'ignore' });
  await expect.poll(async () => (await place.run('agents')).code, { timeout: 50_000 }).toBe(0);
  const again = await place.run('agent', 'install', URL, '--yes');
  expect(again).toMatchObject({ code: 0, stdout: expect.stringContaining('is there already, and runs') });
});

test('it gets another engine where one is named, and keeps it after that', async () => {
  // Another way to the same one.
  const other = `unix://${join(place.dir, 'other.sock')}`;
  await symlink(hosts.a.socket, other.slice('unix://'.length));
  const ran = await place.run('agent', 'install', URL, '--engine', other, '--yes');
  expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('and answers') });
  expect(ran.stderr).toContain(`Its engine becomes ${other}; it was unix://${hosts.a.socket}.`);
  expect(await place.run('agents')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining(`${URL} (found at /run/towline/agent.sock)`),
  });
  const plan = await place.run('agent', 'install', URL, '--plan', '--json');
  expect(plan.json()).toMatchObject({ engine: other, engineBefore: null, steps: [] });
});

test('a newer one takes its place in the middle of a job, which goes on', async () => {
  // A Node that fits has come to the machine meanwhile.
  await rm(join(bin, 'node'));
  await symlink(process.execPath, join(bin, 'node'));
  const [before] = await versions();
  const job = await execute('7.2.0');
  const busy = await programs.withAgent(newer, 'agent', 'install', URL, '--yes');
  expect(busy).toMatchObject({ exitCode: 2, stderr: expect.stringContaining(`job ${job} on shop/demo/web`) });
  // Undone or gone on with can only be what is on the engine that the agent has then.
  const moved = await programs.withAgent(newer, 'agent', 'install', URL, ...engine(), '--yes', '--now');
  expect(moved).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('Say --wait to wait for it') });
  const ran = await programs.withAgent(newer, 'agent', 'install', URL, '--yes', '--now');
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('and answers') });
  const left = await versions();
  expect(left).toHaveLength(1);
  expect(left).not.toEqual([before]);
  expect(await readdir(machine.path('/opt/towline/nodes'))).toEqual([]);
  await letPass();
  const followed = await place.run('job', job, '--follow');
  expect(followed, followed.stderr).toMatchObject({ code: 0 });
  expect(await hosts.a.docker('inspect', '-f', '{{.Config.Image}} {{.State.Running}}', container)).toBe(
    `${registry}/shop/cache:7.2.0 true\n`,
  );
});

test('one that does not start is taken back, and the old one serves', async () => {
  const [before] = await versions();
  const ran = await programs.withAgent(broken, 'agent', 'install', URL, '--yes');
  expect(ran, ran.stdout).toMatchObject({ exitCode: 3 });
  expect(ran.stderr).toContain('it could not start it');
  expect(ran.stderr).toContain('broken on purpose');
  expect(ran.stderr).toContain(`Agent ${before} is back, and answers.`);
  expect((await place.run('agents')).code).toBe(0);
});

test('one that finds no room on the disk changes nothing', async () => {
  const before = await versions();
  const { size } = await stat(machine.path('/opt/towline/current/towline-agent.cjs'));
  await machine.run('mount', '-o', `remount,size=${Math.ceil(size * 1.5)}`, '/opt');
  const ran = await programs.withAgent(newest, 'agent', 'install', URL, '--yes');
  await machine.run('mount', '-o', 'remount,size=50%', '/opt');
  expect(ran, ran.stdout).toMatchObject({ exitCode: 1 });
  expect(ran.stderr).toContain('No space left on device');
  expect(ran.stderr).toContain('The agent that was there runs as before.');
  // With its half, the disk would be full for everybody there.
  expect((await versions()).filter((version) => !before.includes(version))).toEqual([
    expect.stringMatching(/\.part$/),
  ]);
  const [part = ''] = (await versions()).filter((version) => version.endsWith('.part'));
  expect(await readdir(machine.path(`/opt/towline/versions/${part}`))).toEqual([]);
});

test('where no program may be run it is said what to look at', async () => {
  await machine.run('mount', '-o', 'remount,noexec', '/opt');
  const ran = await programs.withAgent(newest, 'agent', 'install', URL, '--yes');
  await machine.run('mount', '-o', 'remount,exec', '/opt');
  expect(ran, ran.stdout).toMatchObject({ exitCode: 1 });
  expect(ran.stderr).toContain('See whether it is mounted noexec: findmnt -T /opt/towline');
  expect(ran.stderr).toContain('The agent that was there runs as before.');
});

test('a line that is lost in the middle of the exchange is waited for', async () => {
  const before = await readlink(machine.path('/opt/towline/current'));
  const go = join(place.dir, 'go');
  await programs.rebuild(held(go));
  const running = programs.start('agent', 'install', URL, '--yes');
  const agents = async () => (await machine.processes()).length;
  await expect
    .poll(() => readlink(machine.path('/opt/towline/current')), { timeout: 50_000 })
    .not.toBe(before);
  await machine.sshd.killConnections();
  await expect.poll(agents, { timeout: 50_000 }).toBeGreaterThan(1);
  await writeFile(go, '');
  const ran = await running;
  expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('and answers') });
  expect(await versions()).toHaveLength(1);
});

test('it is taken off when its jobs have ended, and nothing is left but, on request, the history', async () => {
  const job = await execute('7.4.0');
  const busy = await place.run('agent', 'uninstall', URL, '--yes');
  expect(busy).toMatchObject({ code: 2, stderr: expect.stringContaining(`job ${job}`) });
  const waiting = place.run('agent', 'uninstall', URL, '--keep-history', '--yes', '--wait');
  await letPass();
  const ran = await waiting;
  expect(ran, ran.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('the agent is gone, and its history stays in /var/lib/towline.'),
  });
  expect(await remains()).toEqual(['/var/lib/towline']);
  expect(await hosts.a.docker('inspect', '-f', '{{.Config.Image}}', container)).toBe(
    `${registry}/shop/cache:7.4.0\n`,
  );
  const forgets = await place.run('agent', 'uninstall', URL, '--yes');
  expect(forgets, forgets.stderr).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('nothing of it is left'),
  });
  expect(await remains()).toEqual([]);
  // Its connection's process ends after whoever made it.
  await expect.poll(() => machine.processes()).toEqual([await machine.sshd.listener()]);
  expect(existsSync('/opt/towline')).toBe(false);
});
