import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BootedMachine,
  bootMachine,
  bootSupport,
  createGitServers,
  type GitServers,
  type Sshd,
  sharedSandbox,
  startSshd,
} from '@towline/test/sandbox';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type CliPlace, createPlace } from '../cli/towline-process.ts';
import { broken, copyPrograms, newer, type RebuiltPrograms } from './rebuilt-programs.ts';

const support = await bootSupport();
const why = support.ok ? '' : ` (skipped: ${support.error.message})`;

describe.skipIf(!support.ok)(`on a machine with systemd${why}`, async () => {
  const { registry, hosts } = await sharedSandbox();
  const URL = 'ssh://root@web';
  const UNIT = 'towline-agent.service';
  let place: CliPlace;
  let git: GitServers;
  let machine: BootedMachine;
  let sshd: Sshd;
  let programs: RebuiltPrograms;
  let name: string;

  beforeAll(async () => {
    [place, git] = await Promise.all([createPlace(), createGitServers()]);
    programs = await copyPrograms(place);
    name = `systemd-${place.dir.slice(-6).toLowerCase()}`;
    machine = await bootMachine(hosts.a, [
      { here: git.dir, there: git.dir },
      { here: process.execPath, there: '/usr/local/bin/node' },
      { here: hosts.a.socket, there: '/run/docker.sock' },
    ]);
    sshd = await startSshd({ sandboxDir: git.dir, machine });
    const ssh = join(place.dir, '.ssh');
    await mkdir(ssh, { mode: 0o700 });
    const to = ['HostName 127.0.0.1', `Port ${sshd.port}`, `IdentityFile ${sshd.keyFile}`];
    const host = ['Host web', ...to, `UserKnownHostsFile ${sshd.knownHostsFile}`, ''];
    await writeFile(join(ssh, 'config'), host.join('\n  '));

    // What it builds comes from git over SSH, with the key and the known hosts of root there.
    const [repository, server] = await Promise.all([git.repository('shop'), git.ssh()]);
    await repository.commit({
      files: { Dockerfile: `FROM ${registry}/test/faulty:ok\nCOPY page /page\n`, page: 'one\n' },
    });
    const keys = join(git.dir, 'keys');
    await mkdir(keys);
    await copyFile(server.keyFile, join(keys, 'id_ed25519'));
    await writeFile(join(keys, 'known_hosts'), await readFile(server.knownHostsFile));
    await machine.run('cp', '-rT', keys, '/root/.ssh');
    const image = { name: `${registry}/${name}/page`, version: '1.0.0' };
    const source = { git: server.url('shop'), ref: 'main', credentials: 'ssh' };
    await place.writeMap({
      agents: { web: { url: URL } },
      services: {
        shop: {
          builds: { page: { source, image, agent: 'web' } },
          maps: {
            demo: {
              servers: { web: { agent: 'web', containers: [{ name, build: 'page', settle: 0, run: {} }] } },
            },
          },
        },
      },
    });
  });

  afterAll(async () => {
    await machine?.close();
    await sshd?.close();
    const ids = (await hosts.a.docker('ps', '-aq', '--filter', `name=${name}`)).split('\n').filter(Boolean);
    if (ids.length > 0) await hosts.a.docker('rm', '-f', ...ids);
    await git?.close();
    await place?.close();
  });

  const state = async () => (await machine.run('systemctl', 'is-active', UNIT).catch(() => 'none')).trim();

  test('its unit starts the agent, which builds and deploys under it', async () => {
    const ran = await place.run('agent', 'install', URL, '--yes');
    expect(ran, ran.stderr).toMatchObject({ code: 0, stdout: expect.stringContaining('and answers') });
    expect(ran.stderr).not.toContain('send Node');
    expect(await machine.run('systemctl', 'is-enabled', UNIT)).toBe('enabled\n');
    const deployed = await place.run('execute', `web/${name}`, '--build', '--confirm');
    expect(deployed, deployed.stderr).toMatchObject({ code: 0 });
    expect(await hosts.a.docker('exec', name, 'stat', '-c', '%a', '/page')).toBe('644\n');
  });

  test('a newer one that ends at once is taken back, and says why; one that does not takes its place', async () => {
    const failed = await programs.withAgent(broken, 'agent', 'install', URL, '--yes');
    expect(failed, failed.stderr).toMatchObject({ exitCode: 3 });
    expect(failed.stderr).toMatch(/ {2}It ended\. It said:\n(?: {2}.*\n)* {2}Error: broken on purpose\n/);
    expect(failed.stderr).toMatch(/Agent \S+ is back, and answers\./);
    const ran = await programs.withAgent(newer, 'agent', 'install', URL, '--yes');
    expect(ran, ran.stderr).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('and answers') });
    expect(await state()).toBe('active');
  });

  test('a newer one that ends at once is taken back also where nobody is there any more', async () => {
    const current = async () => (await machine.run('readlink', '/opt/towline/current')).trim();
    const before = await current();
    await programs.rebuild(broken);
    const running = programs.start('agent', 'install', URL, '--yes');
    await expect.poll(current, { timeout: 50_000, interval: 10 }).not.toBe(before);
    const asked = async () => (await machine.run('ps', '-eo', 'args')).includes('until [ -S');
    await expect.poll(asked, { timeout: 50_000, interval: 10 }).toBe(true);
    running.kill('SIGKILL');
    await running;
    await expect.poll(current, { timeout: 50_000 }).toBe(before);
    await expect.poll(async () => (await place.run('agents')).code, { timeout: 50_000 }).toBe(0);
  });

  test('it is taken off, and systemd knows nothing of it', async () => {
    const ran = await place.run('agent', 'uninstall', URL, '--yes');
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
    const known = await machine.run('systemctl', 'list-units', '--all', '--plain', '--no-legend', 'towline*');
    const files = await machine.run('find', '/etc', '/opt', '/run', '/var', '-xdev', '-name', '*towline*');
    expect([known, files]).toEqual(['', '']);
  });
});
