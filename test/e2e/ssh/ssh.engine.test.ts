import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chmod, copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { JobEvent } from '@towline/core/job';
import {
  type RunningAgentProcess,
  type Sshd,
  sharedSandbox,
  startAgent,
  startSshd,
} from '@towline/test/sandbox';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { followJob, openFleet, readMapFile } from '@towline/tui/fleet';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { shopMap } from '../cli/shop-map.ts';
import { type CliPlace, createPlace, TOWLINE } from '../cli/towline-process.ts';

const { registry, hosts } = await sharedSandbox();
let place: CliPlace;
/** In front of the network that `inner` is in. */
let gate: Sshd;
let inner: Sshd;
let alpha: RunningAgentProcess;
let beta: RunningAgentProcess;
let suffix: string;
const nameOf = (short: string) => `ssh-${short}-${suffix}`;

beforeAll(async () => {
  place = await createPlace();
  suffix = place.dir.slice(-6).toLowerCase();
  await mkdir(join(place.dir, '.ssh'), { mode: 0o700 });
  [gate, inner, alpha, beta] = await Promise.all([
    startSshd({ sandboxDir: place.dir }),
    startSshd({ sandboxDir: place.dir }),
    startAgent({ host: hosts.a, dir: join(place.dir, 'alpha') }),
    startAgent({ host: hosts.b, dir: join(place.dir, 'beta') }),
  ]);
  const container = (short: string, more: object = {}) => ({
    name: nameOf(short),
    image: `${registry}/shop/cache`,
    run: {},
    ...more,
  });
  await place.writeMap(
    shopMap(
      { alpha: `ssh://gate${alpha.socket}`, beta: `ssh://inner${beta.socket}` },
      {
        web: { agent: 'alpha', containers: [container('web', { settle: 0 })] },
        db: { agent: 'beta', containers: [container('db', { settle: 1 })] },
      },
    ),
  );
});

beforeEach(() => configure({ gate: gate.keyFile }));

afterAll(async () => {
  await Promise.all([alpha.stop(), beta.stop(), gate.close(), inner.close()]);
  for (const host of [hosts.a, hosts.b]) {
    const ids = (await host.docker('ps', '-aq', '--filter', `name=-${suffix}`)).split('\n').filter(Boolean);
    if (ids.length > 0) await host.docker('rm', '-f', ...ids);
  }
  await place.close();
});

async function configure(keys: { gate: string }): Promise<void> {
  const lines = [
    'Host gate',
    '  HostName 127.0.0.1',
    `  Port ${gate.port}`,
    `  IdentityFile ${keys.gate}`,
    `  UserKnownHostsFile ${gate.knownHostsFile}`,
    'Host inner',
    '  HostName 127.0.0.1',
    `  Port ${inner.port}`,
    `  IdentityFile ${inner.keyFile}`,
    `  UserKnownHostsFile ${inner.knownHostsFile}`,
    '  ProxyJump gate',
  ];
  await writeFile(join(place.dir, '.ssh', 'config'), `${lines.join('\n')}\n`);
}

test('a batch over two machines, one behind the other, through one connection to each', async () => {
  const agents = (await place.run('agents', '--json')).json();
  expect(agents).toMatchObject({ agents: [{ state: 'reachable' }, { state: 'reachable' }] });
  const sets = ['web', 'db'].flatMap((server) => ['--set', `${server}/${nameOf(server)}=tag:7.2.0`]);
  const ran = await place.run('batch', ...sets, '--yes');
  expect(ran, ran.stderr).toMatchObject({ code: 0 });
  expect(await hosts.a.docker('inspect', '-f', '{{.State.Running}}', nameOf('web'))).toContain('true');
  expect(await hosts.b.docker('inspect', '-f', '{{.State.Running}}', nameOf('db'))).toContain('true');
  // The jump host is logged in to once, for itself and for what is behind it: in each of the two runs.
  expect((await gate.log()).match(/Accepted publickey/g)).toHaveLength(2);
});

test('a job whose connection is killed in the middle is followed to its end, with nothing lost and nothing twice', async () => {
  const read = await readMapFile(place.mapFile);
  if (!read.ok) throw new Error(read.error.message);
  const source = { kind: 'file' as const, path: place.mapFile, ...read.value };
  const fleet = openFleet({ source, readOnly: false, env: place.env, version: '0.1.0' });
  try {
    await fleet.settled();
    const lost: string[] = [];
    fleet.store.subscribe(({ agents }) => {
      const link = agents.beta?.link;
      if (link?.state === 'lost') lost.push(link.message);
    });
    // Watched for long enough to be cut off meanwhile.
    const begun = await fleet.execute('beta', {
      key: randomUUID(),
      service: 'shop',
      map: 'demo',
      server: 'db',
      operator: fleet.operator,
      containers: [
        { name: nameOf('db'), image: `${registry}/shop/cache`, kind: 'common', run: {}, settle: 3 },
      ],
      choices: [{ container: nameOf('db'), choice: { mode: 'image-tag', tag: '7.4.0' } }],
    });
    if (!begun.ok) throw new Error(begun.error.message);
    const seen: JobEvent[] = [];
    let killed = 0;
    const end = await followJob(fleet, 'beta', begun.value.jobId, {
      signal: new AbortController().signal,
      async onEvent(_, event) {
        seen.push(event);
        if (killed > 0) return;
        killed = await gate.killConnections();
      },
    });
    expect(killed).toBe(1);
    expect(end).toMatchObject({ kind: 'ended', last: { state: 'DONE' } });
    expect(lost.join('\n')).toContain('@gate');
    const told = (await place.run('job', begun.value.jobId, '--json')).json();
    expect(told).toMatchObject({ state: 'DONE' });
    expect(seen.map(({ seq }) => seq)).toEqual(seen.map((_, at) => (seen[0]?.seq ?? 0) + at));
    expect(seen.at(-1)?.type).toBe('ended');
  } finally {
    await fleet.close();
  }
});

test('the hop that failed is named, the other agents go on', async () => {
  await configure({ gate: gate.strangerKeyFile });
  const none = await place.run('agents');
  expect(none.code).toBe(5);
  expect(none.stderr).toMatch(/alpha: \S+@gate .*accepts none of the keys/);
  expect(none.stderr).toMatch(/beta: \S+@gate .*accepts none of the keys/);
  await configure({ gate: gate.keyFile });
  await beta.stop();
  try {
    const one = await place.run('agents');
    expect(one.code).toBe(5);
    expect(one.stdout).toMatch(/alpha +reachable/);
    expect(one.stderr).toMatch(/beta: \S+@inner \(127\.0\.0\.1:\d+, through gate\): .*Start towline-agent/);
  } finally {
    beta = await startAgent({ host: hosts.b, dir: join(place.dir, 'beta') });
  }
});

test('a passphrase is had from SSH_ASKPASS, a hidden prompt or the dashboard, or it is said what to do', async () => {
  const key = join(place.dir, '.ssh', 'locked');
  await copyFile(gate.keyFile, key);
  const change = ['-q', '-p', '-P', '', '-N', 'open sesame', '-a', '1', '-f', key];
  await promisify(execFile)('ssh-keygen', change);
  await configure({ gate: key });
  const none = await place.run('agents');
  expect(none).toMatchObject({ code: 5, stderr: expect.stringContaining(`ssh-add ${key}`) });

  const askpass = join(place.dir, 'askpass');
  await writeFile(askpass, `#!/bin/sh\necho "$1" > ${place.dir}/asked\necho 'open sesame'\n`);
  await chmod(askpass, 0o755);
  const helped = await place.runWith({ SSH_ASKPASS: askpass }, 'agents');
  expect(helped, helped.stderr).toMatchObject({ code: 0 });

  let dashboard: Terminal | undefined;
  const terminal = openTerminal({
    command: process.execPath,
    args: [TOWLINE, 'agents'],
    cwd: place.dir,
    env: place.env,
  });
  try {
    await terminal.waitFor(/Passphrase for the key/);
    terminal.type('open sesame');
    terminal.press('Enter');
    expect((await terminal.exited).code).toBe(0);
    const screen = terminal.screen().join('\n');
    expect(screen).not.toContain('sesame');
    expect(screen).toMatch(/beta +reachable/);

    dashboard = openTerminal({ command: process.execPath, args: [TOWLINE], cwd: place.dir, env: place.env });
    await dashboard.waitFor(/Passphrase for the key/);
    dashboard.type('sesame');
    dashboard.press('Enter');
    await dashboard.waitFor('That was not it.');
    dashboard.type('open sesame');
    dashboard.press('Enter');
    await dashboard.waitFor(/Running +db on beta/);
    dashboard.press('q');
    expect((await dashboard.exited).code).toBe(0);
  } finally {
    await terminal.close();
    await dashboard?.close();
    await rm(key);
  }
});
