import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { appendFile, chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { type Sshd, startSshd } from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { agentAddress } from '../agent-url.ts';
import { createSshWays, type SshWays } from './index.ts';
import { createMachines } from './machines.ts';
import { readWorld } from './read-world.ts';
import { remoteShell } from './remote-shell.ts';
import { sshRoute } from './route.ts';

const run = promisify(execFile);
const { username } = userInfo();

let dir: string;
let web: Sshd;
let gate: Sshd;
/** One that lets nobody through to anything. */
let strict: Sshd;
/** What an agent's socket is to SSH: one that answers with what it is told. */
let echo: Server;
let socket: string;
let home: string;
let ways: SshWays | undefined;
let asked: string[];
let keepaliveMs: number | undefined;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-ssh-'));
  socket = join(dir, 'agent.sock');
  echo = createServer((near) => {
    near.on('error', () => {});
    near.pipe(near);
  });
  await new Promise<void>((resolve) => echo.listen(socket, resolve));
  const refusals = ['AllowStreamLocalForwarding no', 'AllowTcpForwarding no'];
  [web, gate, strict] = await Promise.all([
    startSshd({ sandboxDir: dir }),
    startSshd({ sandboxDir: dir }),
    startSshd({ sandboxDir: dir, config: refusals }),
  ]);
});

afterAll(async () => {
  await Promise.all([web.close(), gate.close(), strict.close()]);
  echo.close();
  await rm(dir, { recursive: true });
});

beforeEach(async () => {
  home = await mkdtemp(join(dir, 'home-'));
  await mkdir(join(home, '.ssh'), { mode: 0o700 });
  asked = [];
  keepaliveMs = undefined;
});

afterEach(() => {
  ways?.close();
  ways = undefined;
});

const ssh = (...parts: string[]) => join(home, '.ssh', ...parts);
const configure = (...lines: string[]) => writeFile(ssh('config'), `${lines.join('\n')}\n`);
const block = (name: string, sshd: Sshd, ...lines: string[]) => [
  `Host ${name}`,
  '  HostName 127.0.0.1',
  `  Port ${sshd.port}`,
  ...lines.map((line) => `  ${line}`),
];
const letIn = (sshd: Sshd) => [`IdentityFile ${sshd.keyFile}`, `UserKnownHostsFile ${sshd.knownHostsFile}`];

function open(url: string, passphrases: (string | undefined)[] = [], env: NodeJS.ProcessEnv = {}) {
  const address = agentAddress(url);
  if (!address.ok || address.value.kind !== 'ssh') throw new Error(`${url} is no address`);
  ways ??= createSshWays({
    env: { HOME: home, ...env },
    ...(keepaliveMs !== undefined && { keepaliveMs }),
    ask: async (question) => {
      asked.push(question);
      return passphrases.shift();
    },
  });
  return ways.open(address.value, new AbortController().signal);
}

/** What comes back of a word that is sent. */
async function echoed(url: string, ...rest: [(string | undefined)[]?, NodeJS.ProcessEnv?]): Promise<string> {
  const way = await open(url, ...rest);
  if (!way.ok) return way.error.message;
  way.value.write('hello');
  for await (const data of way.value) {
    return String(data);
  }
  return 'ended';
}

test('a socket of another machine is reached by a name of the configuration', async () => {
  await configure(...block('web', web, ...letIn(web)));
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
});

test('a machine behind another is reached through it, and both are shared', async () => {
  await configure(
    ...block('gate', gate, ...letIn(gate)),
    ...block('web', web, ...letIn(web), 'ProxyJump gate'),
  );
  const before = (await gate.connections()).length;
  const all = await Promise.all(Array.from({ length: 12 }, () => open(`ssh://web${socket}`)));
  expect(all.map(({ ok }) => ok)).toEqual(Array.from({ length: 12 }, () => true));
  expect(await echoed(`ssh://gate${socket}`)).toBe('hello');
  expect((await gate.connections()).length - before).toBe(1);
});

test('a machine that is reached by IPv6 alone, by its address, by a name, and as a jump host', async () => {
  const six = await startSshd({ sandboxDir: dir, address: '::1' });
  onTestFinished(() => six.close());
  const letInSix = letIn(six).map((line) => `  ${line}`);
  await configure(
    ...['Host ::1', ...letInSix],
    ...['Host six', '  HostName ::1', `  Port ${six.port}`, ...letInSix],
    ...block('web', web, ...letIn(web), 'ProxyJump six'),
    ...block('db', web, ...letIn(web), `ProxyJump [::1]:${six.port}`),
  );
  expect(await echoed(`ssh://[::1]:${six.port}${socket}`)).toBe('hello');
  expect(await echoed(`ssh://six${socket}`)).toBe('hello');
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
  expect(await echoed(`ssh://db${socket}`)).toBe('hello');
  expect(await echoed(`ssh://[::1]:${web.port}${socket}`)).toBe(
    `${username}@::1 (port ${web.port}): nobody listens on port ${web.port} of ::1. Start sshd there, or name its port in the url.`,
  );
});

test('eight megabytes each way come through whole, also to a slow reader', async () => {
  await configure(...block('web', web, ...letIn(web)));
  const way = await open(`ssh://web${socket}`);
  if (!way.ok) throw new Error(way.error.message);
  const sent = Buffer.alloc(8 * 1024 * 1024, 'towline ');
  way.value.end(sent);
  const parts: Buffer[] = [];
  for await (const part of way.value) {
    parts.push(part);
    await new Promise((resolve) => setImmediate(resolve));
  }
  expect(Buffer.concat(parts).equals(sent)).toBe(true);
});

test('once they are closed nothing is waited for', async () => {
  await configure(...block('web', web, ...letIn(web)));
  const route = sshRoute({ kind: 'ssh', host: 'web' }, readWorld({ HOME: home }));
  if (!route.ok) throw new Error(route.error.message);
  const machines = createMachines({ ask: async () => undefined, uid: process.getuid?.() });
  const lease = await machines.connect(route.value.hops);
  if (!lease.ok) throw new Error(lease.error.message);
  machines.close();
  const timers = () => process.getActiveResourcesInfo().filter((kind) => kind === 'Timeout').length;
  const before = timers();
  lease.value.release();
  expect(timers()).toBeLessThanOrEqual(before);
});

test('a shell there takes what it is sent, says what it says, and how it ended', async () => {
  await configure(...block('web', web, ...letIn(web)));
  // Those of the tests before may still be ending.
  await expect.poll(() => web.connections()).toEqual([]);
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
  const connected = (await web.connections()).length;
  const shell = await ways?.shell({ kind: 'ssh', host: 'web' }, new AbortController().signal);
  if (!shell?.ok) throw new Error(shell?.error.message);
  const { run: there, name } = shell.value;
  expect(name).toBe(`${username}@web (127.0.0.1:${web.port})`);
  const sent = Readable.from([Buffer.alloc(3 * 1024 * 1024, 1), Buffer.alloc(2 * 1024 * 1024, 2)]);
  const counted = await there("wc -c; echo it\\'s >&2; exit 7", sent);
  expect(counted).toEqual({ ok: true, value: { code: 7, stdout: '5242880\n', stderr: "it's\n" } });
  // One that takes nothing of what it is sent, and one that is killed.
  expect(await there('exit 3', Readable.from([Buffer.alloc(4 * 1024 * 1024)]))).toMatchObject({
    value: { code: 3 },
  });
  expect(await there('kill -9 $$')).toMatchObject({ value: { code: 128 } });
  expect((await web.connections()).length).toBe(connected);
  const cut = there('echo begun; exec sleep 100');
  await web.killConnections();
  expect(await cut).toMatchObject({ error: { message: `${name}: the SSH connection was lost.` } });
  shell.value.close();
});

test('a command there that does not end is given up, and its script is not what is said of it', async () => {
  await configure(...block('web', web, ...letIn(web)));
  const route = sshRoute({ kind: 'ssh', host: 'web' }, readWorld({ HOME: home }));
  if (!route.ok) throw new Error(route.error.message);
  const machines = createMachines({ ask: async () => undefined, uid: process.getuid?.() });
  onTestFinished(() => machines.close());
  const lease = await machines.connect(route.value.hops);
  if (!lease.ok) throw new Error(lease.error.message);
  const shell = remoteShell({ ...lease.value, name: 'web', patienceMs: 200 });
  // As what a login script waits for.
  expect(await shell.run('echo begun; exec sleep 100')).toMatchObject({
    error: {
      message: expect.stringMatching(/^web: a command there says nothing and does not end\. Where `ssh`/),
    },
  });
});

test('a connection that is killed ends what goes over it with its reason, and is made again', async () => {
  await configure(...block('web', web, ...letIn(web)));
  const way = await open(`ssh://web${socket}`);
  if (!way.ok) throw new Error(way.error.message);
  const closed = new Promise((resolve) => way.value.once('close', resolve));
  await web.killConnections();
  await closed;
  expect(way.value.errored?.message).toBe(
    `${username}@web (127.0.0.1:${web.port}): the SSH connection was lost. It is tried again.`,
  );
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
});

test('a connection that changes its keys goes on', async () => {
  const changing = await startSshd({ sandboxDir: dir, config: ['RekeyLimit 1M'] });
  try {
    await configure(...block('web', changing, ...letIn(changing)));
    const way = await open(`ssh://web${socket}`);
    if (!way.ok) throw new Error(way.error.message);
    const sent = 4 * 1024 * 1024;
    let came = 0;
    way.value.end(Buffer.alloc(sent));
    for await (const part of way.value) came += Buffer.byteLength(part);
    expect(came).toBe(sent);
  } finally {
    await changing.close();
  }
});

test('a machine that says nothing more is found out', async () => {
  keepaliveMs = 400;
  await expect.poll(() => web.connections()).toEqual([]);
  await configure(...block('web', web, ...letIn(web)));
  const way = await open(`ssh://web${socket}`);
  if (!way.ok) throw new Error(way.error.message);
  const closed = new Promise((resolve) => way.value.once('close', resolve));
  const stopped = await web.connections();
  for (const pid of stopped) process.kill(pid, 'SIGSTOP');
  try {
    await closed;
    expect(way.value.errored?.message).toContain('has not answered for some time');
  } finally {
    for (const pid of stopped) process.kill(pid, 'SIGKILL');
  }
});

test('a gate that is killed is named to those behind it', async () => {
  await configure(
    ...block('gate', gate, ...letIn(gate)),
    ...block('web', web, ...letIn(web), 'ProxyJump gate'),
  );
  const way = await open(`ssh://web${socket}`);
  if (!way.ok) throw new Error(way.error.message);
  const closed = new Promise((resolve) => way.value.once('close', resolve));
  await gate.killConnections();
  await closed;
  expect(way.value.errored?.message).toContain(
    `${username}@gate (127.0.0.1:${gate.port}): the SSH connection was lost`,
  );
});

test('keys: an encrypted file is unlocked once for all that take it', async () => {
  const key = ssh('locked');
  await copyFile(web.keyFile, key);
  await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'sesame', '-a', '1', '-f', key]);
  const lines = [`IdentityFile ${key}`, `UserKnownHostsFile ${web.knownHostsFile}`];
  await configure(...block('web', web, ...lines), ...block('same', web, ...lines));
  expect(await echoed(`ssh://web${socket}`, ['wrong', 'sesame'])).toBe('hello');
  expect(await echoed(`ssh://same${socket}`)).toBe('hello');
  expect(asked).toEqual([
    `Passphrase for the key ${key}:`,
    `That was not it. Passphrase for the key ${key}:`,
  ]);
});

test('keys: of several only the one that the machine takes is asked for', async () => {
  const [locked, stranger] = [ssh('locked'), ssh('stranger')];
  await copyFile(web.keyFile, locked);
  await copyFile(web.strangerKeyFile, stranger);
  for (const key of [locked, stranger]) {
    await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'sesame', '-a', '1', '-f', key]);
  }
  const lines = [
    `IdentityFile ${stranger}`,
    `IdentityFile ${locked}`,
    `UserKnownHostsFile ${web.knownHostsFile}`,
  ];
  await configure(...block('web', web, ...lines));
  expect(await echoed(`ssh://web${socket}`, ['sesame'])).toBe('hello');
  expect(asked).toEqual([`Passphrase for the key ${locked}:`]);
});

test.each<[(string | undefined)[], string, NodeJS.ProcessEnv]>([
  [[undefined], 'its passphrase was not given', {}],
  // Of an SSH agent that is gone.
  [['a', 'b', 'c'], 'was wrong', { SSH_AUTH_SOCK: '/run/nowhere/agent.sock' }],
])(
  'keys: a passphrase that is not given, or wrong, is told and not asked for again: %j',
  async (answers, part, env) => {
    const key = ssh('locked');
    await copyFile(web.keyFile, key);
    await run('ssh-keygen', ['-q', '-p', '-P', '', '-N', 'sesame', '-a', '1', '-f', key]);
    await configure(...block('web', web, `IdentityFile ${key}`, `UserKnownHostsFile ${web.knownHostsFile}`));
    const given: (string | undefined)[] = [...answers];
    const said = await echoed(`ssh://web${socket}`, given, env);
    expect(said).toContain(part);
    expect(said).toContain(`eval "$(ssh-agent)" && ssh-add ${key}`);
    const times = asked.length;
    expect(await echoed(`ssh://web${socket}`)).toContain(part);
    expect(asked).toHaveLength(times);
    // Until somebody wants to be.
    ways?.askAgain();
    given.push('sesame');
    expect(await echoed(`ssh://web${socket}`)).toBe('hello');
    expect(asked).toHaveLength(times + 1);
  },
);

test('keys: the SSH agent’s are used, and only those of the files where it is said', async () => {
  const agentSocket = join(home, 'a.sock');
  const { stdout } = await run('ssh-agent', ['-a', agentSocket]);
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1]);
  try {
    const env = { SSH_AUTH_SOCK: agentSocket };
    const add = (file: string) => run('ssh-add', ['-q', file], { env: { ...process.env, ...env } });
    await add(web.keyFile);
    await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`));
    expect(await echoed(`ssh://web${socket}`, [], env)).toBe('hello');
    ways?.close();
    ways = undefined;
    const other = [`IdentityFile ${web.strangerKeyFile}`, 'IdentitiesOnly yes'];
    await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`, ...other));
    expect(await echoed(`ssh://web${socket}`, [], env)).toContain(
      `none of the keys for ${username}: ${web.strangerKeyFile}`,
    );
    // The public key alone says which of the agent's is meant.
    await copyFile(`${web.keyFile}.pub`, ssh('web.pub'));
    const named = [`IdentityFile ${ssh('web.pub')}`, 'IdentitiesOnly yes'];
    await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`, ...named));
    expect(await echoed(`ssh://web${socket}`, [], env)).toBe('hello');
  } finally {
    process.kill(pid);
  }
});

test('machines that take a connection and say nothing keep nobody from the others', async () => {
  const near = new Set<Socket>();
  const dead = await Promise.all(
    Array.from({ length: 12 }, async (_, at) => {
      const server = createServer((socket) => near.add(socket.on('error', () => {})));
      const host = `127.0.7.${at + 1}`;
      await new Promise<void>((resolve) => server.listen(0, host, resolve));
      const address = server.address();
      return { server, host, port: typeof address === 'object' && address !== null ? address.port : 0 };
    }),
  );
  try {
    await configure(...block('web', web, ...letIn(web)));
    const waiting = dead.map(({ host, port }) => open(`ssh://${host}:${port}${socket}`));
    await vi.waitUntil(() => near.size >= 6);
    expect(await Promise.race([...waiting, echoed(`ssh://web${socket}`)])).toBe('hello');
  } finally {
    ways?.close();
    for (const socket of near) socket.destroy();
    for (const { server } of dead) server.close();
  }
});

test('a machine behind another that lets nothing be heard of it is waited for no longer than one in front', async () => {
  // Who stands still accepts nobody; past its queue the system drops what comes, as a firewall would.
  const listens =
    "require('net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, function () { console.log(this.address().port) })";
  const still = spawn(process.execPath, ['-e', listens], { stdio: ['ignore', 'pipe', 'inherit'] });
  const queued: Socket[] = [];
  try {
    const [port] = await once(still.stdout.setEncoding('utf8'), 'data');
    still.kill('SIGSTOP');
    for (let at = 0; at < 4; at++) queued.push(connect(Number(port), '127.0.0.1').on('error', () => {}));
    await configure(
      ...block('gate', gate, ...letIn(gate)),
      ...[
        'Host web',
        '  HostName 127.0.0.1',
        `  Port ${String(port).trim()}`,
        '  ProxyJump gate',
        '  ConnectTimeout 1',
      ],
    );
    const said = await echoed(`ssh://web${socket}`);
    expect(said).toContain(
      `can't connect on to 127.0.0.1:${String(port).trim()} (it does not answer in time)`,
    );
  } finally {
    for (const one of queued) one.destroy();
    still.kill('SIGKILL');
  }
});

test.each([
  ['an SSH of before', 'SSH-1.5-old\r\n'],
  ['lines without an end', 'hello\r\n'.repeat(5_000)],
  ['no keys to exchange', `SSH-2.0-OpenSSH_9.9\r\n${'\u007f'.repeat(64)}`],
])('what answers with %s, and stays, is told at once as what it is', async (_, words) => {
  const near = new Set<Socket>();
  const other = createServer((one) => {
    near.add(one.on('error', () => {}));
    one.write(words);
  });
  await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
  const address = other.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  try {
    const said = await echoed(`ssh://127.0.0.1:${port}${socket}`);
    expect(said).toContain(`@127.0.0.1 (port ${port}): what answers there does not speak SSH 2`);
    expect(near.size).toBe(1);
  } finally {
    for (const one of near) one.destroy();
    other.close();
  }
});

test('keys: an SSH agent that does not sign is told as that', async () => {
  const agentSocket = join(home, 'a.sock');
  const env = { SSH_AUTH_SOCK: agentSocket };
  // Nobody is there to confirm it.
  const asks = { ...process.env, ...env, SSH_ASKPASS: '/bin/false', SSH_ASKPASS_REQUIRE: 'force' };
  const { stdout } = await run('ssh-agent', ['-a', agentSocket], { env: asks });
  const pid = Number(/SSH_AGENT_PID=(\d+)/.exec(stdout)?.[1]);
  try {
    await run('ssh-add', ['-q', '-c', web.keyFile], { env: asks });
    await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`));
    const said = await echoed(`ssh://web${socket}`, [], env);
    expect(said).toContain('no key could be offered');
    expect(said).toContain('its agent did not sign');
  } finally {
    process.kill(pid);
  }
});

test('keys: an SSH agent that hangs keeps nobody from the key files', async () => {
  const hung = createServer((near) => near.on('error', () => {}));
  const agentSocket = join(home, 'a.sock');
  await new Promise<void>((resolve) => hung.listen(agentSocket, resolve));
  try {
    await configure(...block('web', web, ...letIn(web)));
    expect(await echoed(`ssh://web${socket}`, [], { SSH_AUTH_SOCK: agentSocket })).toBe('hello');
  } finally {
    hung.close();
  }
});

test.each<[string, () => Promise<string>, string[]]>([
  [
    'no machine of the name',
    async () => {
      await configure('Host web', '  HostName nowhere.invalid');
      return `ssh://web${socket}`;
    },
    ['@web (nowhere.invalid:22): ', 'no machine of the name nowhere.invalid', 'map file'],
  ],
  [
    'nobody listens',
    async () => {
      await configure('Host web', '  HostName 127.0.0.1', '  Port 1');
      return `ssh://web${socket}`;
    },
    ['nobody listens on port 1 of 127.0.0.1', 'Start sshd'],
  ],
  [
    'a socket that is not there',
    async () => {
      await configure(...block('web', web, ...letIn(web)));
      return 'ssh://web/run/nowhere/agent.sock';
    },
    ["no agent's socket at /run/nowhere/agent.sock", 'Start towline-agent there'],
  ],
  [
    'no path, and no agent at the usual places',
    async () => {
      await configure(...block('web', web, ...letIn(web)));
      return 'ssh://web';
    },
    ["no agent's socket at /run/towline/agent.sock or /", 'ssh://HOST/PATH'],
  ],
  [
    'forwarding is off',
    async () => {
      await configure(...block('web', strict, ...letIn(strict)));
      return `ssh://web${socket}`;
    },
    [`the agent listens on `, 'AllowStreamLocalForwarding yes'],
  ],
  [
    'a gate that does not connect on',
    async () => {
      await configure(
        ...block('gate', strict, ...letIn(strict)),
        ...block('web', web, ...letIn(web), 'ProxyJump gate'),
      );
      return `ssh://web${socket}`;
    },
    ['@web (127.0.0.1:', 'through gate): ', 'may not connect on', 'AllowTcpForwarding yes'],
  ],
  [
    'a gate that finds nobody',
    async () => {
      await configure(
        ...block('gate', gate, ...letIn(gate)),
        'Host web',
        '  HostName 127.0.0.1',
        '  Port 1',
        '  ProxyJump gate',
      );
      return `ssh://web${socket}`;
    },
    ["can't connect on to 127.0.0.1:1", 'Connection refused'],
  ],
  [
    'a gate that is not there',
    async () => {
      await configure(
        'Host gate',
        '  HostName 127.0.0.1',
        '  Port 1',
        ...block('web', web, 'ProxyJump gate'),
      );
      return `ssh://web${socket}`;
    },
    ['@gate (127.0.0.1:1): nobody listens'],
  ],
  [
    'a host that is not known',
    async () => {
      await configure(...block('web', web, `IdentityFile ${web.keyFile}`));
      return `ssh://web${socket}`;
    },
    ['its host key is not known: SHA256:', `echo '[127.0.0.1]:`],
  ],
  [
    'a host key among the revoked ones',
    async () => {
      const [, ...key] = (await readFile(web.knownHostsFile, 'utf8')).trim().split(' ');
      await writeFile(ssh('revoked'), `# lost\n${key.join(' ')} web\n`);
      await configure(...block('web', web, ...letIn(web), `RevokedHostKeys ${ssh('revoked')}`));
      return `ssh://web${socket}`;
    },
    ['is revoked by ', 'revoked:2. It is not connected to'],
  ],
  [
    'revoked host keys in a KRL',
    async () => {
      await run('ssh-keygen', ['-q', '-k', '-f', ssh('krl'), `${web.strangerKeyFile}.pub`]);
      await configure(...block('web', web, ...letIn(web), `RevokedHostKeys ${ssh('krl')}`));
      return `ssh://web${socket}`;
    },
    ['krl is a KRL, which Towline does not read'],
  ],
  [
    'revoked host keys that can not be read',
    async () => {
      await configure(...block('web', web, ...letIn(web), `RevokedHostKeys ${ssh('nowhere')}`));
      return `ssh://web${socket}`;
    },
    ["nowhere can't be read (ENOENT)"],
  ],
  [
    'known hosts that can not be read, also where new ones are taken',
    async () => {
      await mkdir(ssh('known'));
      const known = [`UserKnownHostsFile ${ssh('new')} ${ssh('known')}`, 'StrictHostKeyChecking accept-new'];
      await configure(...block('web', web, `IdentityFile ${web.keyFile}`, ...known));
      return `ssh://web${socket}`;
    },
    ["host key is known can't be told", "known can't be read (EISDIR)"],
  ],
  [
    'no key that it takes',
    async () => {
      const keys = [`IdentityFile ${web.strangerKeyFile}`, `IdentityFile ${ssh('nothing')}`];
      await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`, ...keys));
      return `ssh://web${socket}`;
    },
    [
      'accepts none of the keys',
      'stranger',
      `nothing can't be used: there is no such file`,
      'authorized_keys',
    ],
  ],
  [
    'keys that are none that can be read',
    async () => {
      await run('mkfifo', [ssh('pipe')]);
      await run('ssh-keygen', ['-q', '-t', 'rsa', '-b', '2048', '-m', 'PKCS8', '-N', '', '-f', ssh('pkcs8')]);
      const chacha = ['-t', 'ed25519', '-Z', 'chacha20-poly1305@openssh.com', '-N', 'sesame'];
      await run('ssh-keygen', ['-q', ...chacha, '-f', ssh('chacha')]);
      const keys = ['pipe', 'pkcs8', 'chacha'].map((name) => `IdentityFile ${ssh(name)}`);
      await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`, ...keys));
      return `ssh://web${socket}`;
    },
    ["pipe can't be used: it is no file", 'ssh-keygen -p -f /', 'ssh-keygen -p -Z aes256-ctr -f /'],
  ],
  [
    'no key at all',
    async () => {
      await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`));
      return `ssh://web${socket}`;
    },
    ['there is no key to offer', 'ssh-keygen'],
  ],
  [
    'a key that others can read',
    async () => {
      await copyFile(web.keyFile, ssh('id_ed25519'));
      await chmod(ssh('id_ed25519'), 0o644);
      await configure(...block('web', web, `UserKnownHostsFile ${web.knownHostsFile}`));
      return `ssh://web${socket}`;
    },
    ['mode 0644', 'chmod 600 '],
  ],
])('named, with what to do: %s', async (_, prepare, parts) => {
  const said = await echoed(await prepare());
  for (const part of parts) expect(said).toContain(part);
});

test('of several keys of a host it is asked for one that is known', async () => {
  const key = ssh('host_ecdsa');
  await run('ssh-keygen', ['-q', '-t', 'ecdsa', '-N', '', '-C', '', '-f', key]);
  const two = await startSshd({ sandboxDir: dir, config: [`HostKey ${key}`] });
  try {
    await writeFile(ssh('known'), `[127.0.0.1]:${two.port} ${await readFile(`${key}.pub`, 'utf8')}`);
    await configure(
      ...block('web', two, `IdentityFile ${two.keyFile}`, `UserKnownHostsFile ${ssh('known')}`),
    );
    expect(await echoed(`ssh://web${socket}`)).toBe('hello');
  } finally {
    await two.close();
  }
});

test('a machine that wants more than keys, or none, says what', async () => {
  const [both, password] = await Promise.all([
    startSshd({
      sandboxDir: dir,
      config: ['AuthenticationMethods publickey,password', 'PasswordAuthentication yes'],
    }),
    startSshd({ sandboxDir: dir, config: ['PubkeyAuthentication no', 'PasswordAuthentication yes'] }),
  ]);
  try {
    await configure(
      ...block('both', both, ...letIn(both)),
      ...block('password', password, ...letIn(password)),
    );
    expect(await echoed(`ssh://both${socket}`)).toContain(
      `took the key ${both.keyFile} and does not let ${username} in`,
    );
    expect(await echoed(`ssh://password${socket}`)).toContain(`lets ${username} in by password only`);
  } finally {
    await Promise.all([both.close(), password.close()]);
  }
});

test('a machine that is offered too many keys says how to name the right one', async () => {
  const impatient = await startSshd({ sandboxDir: dir, config: ['MaxAuthTries 1'] });
  try {
    await configure(
      ...block('web', impatient, `IdentityFile ${impatient.strangerKeyFile}`, ...letIn(impatient)),
    );
    const said = await echoed(`ssh://web${socket}`);
    expect(said).toContain(`offered too many keys (${impatient.strangerKeyFile})`);
    expect(said).toContain('IdentitiesOnly yes');
  } finally {
    await impatient.close();
  }
});

test('an unknown host is taken by the command that is named for it, or by accept-new', async () => {
  await configure(...block('web', web, `IdentityFile ${web.keyFile}`));
  const said = await echoed(`ssh://web${socket}`);
  expect(said).toContain(await web.fingerprint());
  const command = said.slice(said.indexOf('echo '));
  await run('sh', ['-c', command]);
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
  await rm(ssh('known_hosts'));
  await configure(
    ...block(
      'web',
      web,
      `IdentityFile ${web.keyFile}`,
      'StrictHostKeyChecking accept-new',
      'HashKnownHosts yes',
    ),
  );
  ways?.close();
  ways = undefined;
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
  expect(await readFile(ssh('known_hosts'), 'utf8')).toMatch(/^\|1\|\S+ ssh-ed25519 \S+\n$/);
});

test('the command that makes a host known leaves a last line without an end one of its own', async () => {
  await configure(...block('web', web, `IdentityFile ${web.keyFile}`));
  await writeFile(ssh('known_hosts'), 'other ssh-ed25519 AAAA');
  const said = await echoed(`ssh://web${socket}`);
  await run('sh', ['-c', said.slice(said.indexOf('Where it is the same: ') + 22)]);
  expect(await echoed(`ssh://web${socket}`)).toBe('hello');
  expect(await readFile(ssh('known_hosts'), 'utf8')).toMatch(
    /^other ssh-ed25519 AAAA\n\[127\.0\.0\.1\]:\d+ \S+ \S+\n$/,
  );
});

test('a host key that changed is refused, with both fingerprints and the line; a revoked one as well', async () => {
  const changing = await startSshd({ sandboxDir: dir });
  try {
    const before = await changing.fingerprint();
    await changing.changeHostKey();
    await configure(...block('web', changing, ...letIn(changing), 'StrictHostKeyChecking accept-new'));
    const said = await echoed(`ssh://web${socket}`);
    for (const part of [before, await changing.fingerprint(), `${changing.knownHostsFile}:1`]) {
      expect(said).toContain(part);
    }
    // What it says to type puts the new one in the place of the old one, and leaves the other machines'.
    await appendFile(
      changing.knownHostsFile,
      `other ${await readFile(`${web.strangerKeyFile}.pub`, 'utf8')}`,
    );
    await run('sh', ['-c', said.slice(said.indexOf('ssh-keygen -R'))]);
    expect(await echoed(`ssh://web${socket}`)).toBe('hello');
    const known = (await readFile(changing.knownHostsFile, 'utf8')).trim().split('\n');
    expect(known.map((line) => line.split(' ')[0])).toEqual(['other', `[127.0.0.1]:${changing.port}`]);
    const key = (await readFile(web.knownHostsFile, 'utf8')).split(' ').slice(1).join(' ');
    // By an alias it is known on whatever port it is.
    await writeFile(ssh('known'), `web ${key}`);
    const alias = [
      'HostKeyAlias web',
      `IdentityFile ${changing.keyFile}`,
      `UserKnownHostsFile ${ssh('known')}`,
    ];
    await configure(...block('web', changing, ...alias, 'StrictHostKeyChecking accept-new'));
    expect(await echoed(`ssh://web${socket}`)).toContain(`${await web.fingerprint()} (ssh-ed25519)`);
    expect(await readFile(ssh('known'), 'utf8')).toBe(`web ${key}`);
    await writeFile(ssh('known'), `@revoked * ${key}`);
    await appendFile(ssh('known'), await readFile(web.knownHostsFile));
    await configure(
      ...block('web', web, `IdentityFile ${web.keyFile}`, `UserKnownHostsFile ${ssh('known')}`),
    );
    expect(await echoed(`ssh://web${socket}`)).toContain(`is revoked by ${ssh('known')}:1`);
  } finally {
    await changing.close();
  }
});
