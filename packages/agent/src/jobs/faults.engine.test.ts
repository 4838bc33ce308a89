import { mkdtemp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type Job, UPDATE_ORDERS, type UpdateOrder } from '@towline/core/job';
import {
  createSandbox,
  type DockerHost,
  fillDisk,
  hasLoopDevices,
  type LosableDisk,
  mountLosableDisk,
  pushStandardImages,
  type Sandbox,
} from '@towline/test/sandbox';
import { afterAll, afterEach, beforeAll, beforeEach, expect, type TestContext, test } from 'vitest';
import { AgentOnEngine } from './agent-on-engine.ts';
import { FOLLOWED_STEPS, runFollowed } from './followed.ts';
import { FAILS, ServiceOnEngine } from './service-on-engine.ts';

const MB = 1024 * 1024;
const CELL_TIMEOUT_MS = 180_000;
/** `all` is every fault at every step; the suite has those that were the worst. */
const WANTED = process.env.TOWLINE_FAULTS ?? 'sample';

let sandbox: Sandbox;
let host: DockerHost;
let image: string;
let faulty: string;
let liveRestore = false;

beforeAll(async () => {
  sandbox = await createSandbox({});
  host = await sandbox.createHost('f');
  await pushStandardImages(sandbox);
  image = `${sandbox.registry.host}/shop/gateway`;
  faulty = `${sandbox.registry.host}/test/faulty`;
  for (const ref of [`${image}:1.0.0`, `${image}:1.1.0`, `${faulty}:exits`])
    await host.docker('pull', '-q', ref);
});
afterAll(() => sandbox?.close());

let on: ServiceOnEngine;
let dir: string;
/** Of the agent's state, where the fault is one of it. */
let disk: LosableDisk | undefined;
let agent: AgentOnEngine;

beforeEach(async () => {
  dir = await mkdtemp(join(sandbox.dir, 'a-'));
  agent = new AgentOnEngine(host, dir);
  on = await ServiceOnEngine.start(host);
});
afterEach(async () => {
  await agent.kill();
  await on.close();
  await disk?.close();
  disk = undefined;
  await rm(dir, { recursive: true, force: true });
});

/** What goes wrong when a step begins, and what everything is like afterwards; returns how the job ended. */
type Fault = (id: string) => Promise<Job>;

const engineBack = () => host.startEngine({ liveRestore });
const theDisk = () => {
  if (disk === undefined) throw new Error('this fault has no disk of its own');
  return disk;
};
const filler = () => join(dir, 'state', 'filler');

const engineDies: Fault = async (id) => {
  await host.stopEngine('SIGKILL');
  await engineBack();
  return await agent.ended(id);
};

const FAULTS: Readonly<Record<string, { liveRestore?: boolean; happens: Fault }>> = {
  'dockerd is killed': { happens: engineDies },
  'dockerd is killed, with live-restore': { liveRestore: true, happens: engineDies },
  'dockerd and the agent are killed': { happens: bothDie },
  'dockerd and the agent are killed, with live-restore': { liveRestore: true, happens: bothDie },
  'the machine crashes, its disk is whole': {
    async happens(id) {
      await Promise.all([host.crash(), agent.kill()]);
      return await bothStart(id);
    },
  },
  'the machine crashes, and again while it is put right': {
    async happens(id) {
      await Promise.all([host.crash(), agent.kill()]);
      await Promise.all([engineBack(), agent.start()]);
      await agent.begins(id);
      await Promise.all([host.crash(), agent.kill()]);
      return await bothStart(id);
    },
  },
  'the disk of the journal is full': {
    async happens(id) {
      await agent.heldWhile(() => fillDisk(filler(), 0));
      const told = await agent.ended(id);
      await rm(filler());
      await agent.kill();
      return await sameAs(told, id);
    },
  },
  'the disk of the journal is full, and has room again': {
    async happens(id) {
      await agent.heldWhile(() => fillDisk(filler(), 0));
      await agent.moves();
      await rm(filler());
      const told = await agent.ended(id);
      await agent.kill();
      return await sameAs(told, id);
    },
  },
  'the disk of the journal turns read-only': {
    async happens(id) {
      await agent.heldWhile(() => theDisk().makeReadOnly());
      const told = await agent.ended(id);
      await agent.kill();
      await theDisk().mountAgain();
      return await sameAs(told, id);
    },
  },
  'the disk of the journal takes lines, and has none': {
    async happens(id) {
      await agent.heldWhile(() => theDisk().failSyncs());
      const told = await agent.ended(id);
      await agent.kill();
      await theDisk().mountAgain();
      return await sameAs(told, id);
    },
  },
  'the agent is killed, and the disk of the journal is full': {
    async happens(id) {
      await agent.kill();
      await fillDisk(filler(), 0);
      const told = await agent.restarted(id);
      await rm(filler());
      await agent.kill();
      return await sameAs(told, id);
    },
  },
  'the power is cut, and the engine has it all': {
    async happens(id) {
      await agent.kill();
      await theDisk().cutPower();
      await theDisk().mountAgain();
      return await agent.restarted(id);
    },
  },
  'the power is cut': {
    async happens(id) {
      await Promise.all([host.crash(), agent.kill().then(() => theDisk().cutPower())]);
      await theDisk().mountAgain();
      return await bothStart(id);
    },
  },
};

async function bothDie(id: string): Promise<Job> {
  await Promise.all([host.stopEngine('SIGKILL'), agent.kill()]);
  return await bothStart(id);
}

/** As a machine starts: neither waits for the other. */
async function bothStart(id: string): Promise<Job> {
  await Promise.all([engineBack(), agent.start()]);
  return await agent.ended(id);
}

/** A job that was told of as ended is the same to the next agent, whatever it could write down. */
async function sameAs(told: Job, id: string): Promise<Job> {
  const job = await agent.restarted(id);
  expect(isDone(job)).toBe(isDone(told));
  // What failed first is told: the new version, or what could not be written down.
  if (told.state === 'RESTORED')
    expect(told.error?.code).toMatch(/^(exited|restarting|not-recorded|interrupted)$/);
  return job;
}

const isDone = ({ state }: Job) => state === 'DONE';

/** Every step of the sequence; `restore` is that of a new version that does not pass, or of a cancel at the last moment. */
const STEPS: Readonly<Record<UpdateOrder, readonly string[]>> = {
  'stop-first': [
    ...['resolve', 'pull', 'inspect', 'create', 'hold-restart', 'stop-old', 'start-new', 'gate', 'rename'],
    ...['commit', 'restore'],
  ],
  'start-first': [
    ...['resolve', 'pull', 'inspect', 'create', 'start-new', 'gate', 'take-over', 'rename', 'drain'],
    ...['hold-restart', 'stop-old', 'commit', 'restore'],
  ],
};

interface Cell {
  fault: string;
  order: UpdateOrder;
  step: string;
}

const ALL: readonly Cell[] = Object.keys(FAULTS).flatMap((fault) =>
  UPDATE_ORDERS.flatMap((order) => STEPS[order].map((step) => ({ fault, order, step }))),
);

/** Each shows what no other test does, or something that was lost once. */
const SAMPLE: readonly Cell[] = [
  { fault: 'dockerd is killed', order: 'start-first', step: 'drain' },
  { fault: 'the disk of the journal takes lines, and has none', order: 'stop-first', step: 'gate' },
  { fault: 'the agent is killed, and the disk of the journal is full', order: 'stop-first', step: 'gate' },
  { fault: 'the power is cut', order: 'stop-first', step: 'start-new' },
];

/** The cells that are to be run: the sample, or of all those that the pattern fits. */
function wanted<T>(sample: readonly T[], all: readonly T[], wordsOf: (cell: T) => string): readonly T[] {
  if (WANTED === 'sample') return sample;
  return WANTED === 'all' ? all : all.filter((cell) => wordsOf(cell).match(WANTED));
}

/** The engine, the agent and its disk as the fault wants them. */
async function ready(fault: string, { skip }: TestContext): Promise<Fault> {
  const found = FAULTS[fault];
  if (found === undefined) throw new Error(`no fault is called ${fault}`);
  if (/disk of|power/.test(fault)) {
    if (!hasLoopDevices()) skip('there are no loop devices here');
    disk = await mountLosableDisk(join(dir, 'state'), 8 * MB);
  }
  await agent.start();
  if (liveRestore !== (found.liveRestore ?? false)) {
    liveRestore = !liveRestore;
    await host.stopEngine();
    await engineBack();
  }
  return found.happens;
}

const outcomes: (Cell & { serves: string })[] = [];
afterAll(() => {
  if (WANTED !== 'sample') process.stdout.write(tables());
});

/** As docs/faults.md has them. */
function tables(): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |\n`;
  return UPDATE_ORDERS.map((order) => {
    const servesAt = (fault: string, step: string) =>
      outcomes.find((cell) => cell.fault === fault && cell.order === order && cell.step === step)?.serves ??
      '';
    const steps = STEPS[order];
    const rows = Object.keys(FAULTS).map((fault) =>
      line([fault, ...steps.map((step) => servesAt(fault, step))]),
    );
    return `\n${line([order, ...steps])}${line(['---', ...steps.map(() => '---')])}${rows.join('')}`;
  }).join('');
}

test.for(wanted(SAMPLE, ALL, ({ fault, order, step }) => `${fault} ${order} ${step}`))(
  '$fault, $order at $step: one serves, and nothing is left over',
  {
    timeout: CELL_TIMEOUT_MS,
  },
  async ({ fault, order, step }, context) => {
    const happens = await ready(fault, context);
    const name = on.name('web');
    const networks = [on.name('one'), on.name('two')] as const;
    for (const network of networks) await host.docker('network', 'create', network);
    try {
      const [one, two] = networks;
      const port = order === 'stop-first' ? ['--publish', '8080:8080'] : [];
      const words = ['--network', one, '--network-alias', 'shop', '--restart', 'always', ...port];
      await host.docker('create', '--name', name, ...words, `${image}:1.0.0`);
      await host.docker('network', 'connect', '--alias', 'store', two, name);
      await host.docker('start', name);
      const before = await on.inspect(name);

      const fails = step === 'restore' && order === 'stop-first';
      const to = fails ? { image: faulty, tag: 'exits' } : { image, tag: '1.1.0' };
      const input = on.input([
        { container: name, ...to, more: { settle: 0.3, ...(fails && FAILS), update: order } },
      ]);
      const at = step === 'commit' ? `commit:${input.server}` : `${step}:${name}`;
      const id = await agent.begin(input, at, {
        cancelAt: step === 'restore' && !fails ? `drain:${name}` : undefined,
      });
      let job = await happens(id);
      let note = '';
      if (job.commands[0] === 'systemctl restart docker') {
        // Docker's own fault, which no agent can mend. It is said, with what does, and its restart policy brings the old one back.
        note = ' ¹';
        await host.stopEngine();
        await engineBack();
        await expect.poll(async () => (await on.inspect(name)).State.Running).toBe(true);
        job = { ...job, state: 'RESTORED' };
      }
      expect(['DONE', 'RESTORED', 'CANCELLED'], JSON.stringify(job)).toContain(job.state);
      const now = await on.inspect(name);
      expect(now.Id === before.Id).toBe(!isDone(job));
      expect(now).toMatchObject({
        State: { Running: true },
        HostConfig: { RestartPolicy: { Name: 'always' } },
      });
      expect(now.NetworkSettings.Networks[one].Aliases).toContain('shop');
      expect(now.NetworkSettings.Networks[two].Aliases).toContain('store');
      const page = `gateway ${isDone(job) ? '1.1.0' : '1.0.0'}\n`;
      for (const alias of ['shop', 'store']) {
        const asked = () => host.docker('exec', name, 'wget', '-qO-', `http://${alias}:8080/`).catch(String);
        await expect.poll(asked).toBe(page);
      }
      if (order === 'stop-first') {
        const asked = () => host.run('busybox', ['wget', '-qO-', 'http://127.0.0.1:8080/']).catch(String);
        await expect.poll(asked).toBe(page);
      }
      const kept = `${name}.prev.${id}`;
      expect(await on.names()).toEqual(isDone(job) ? [name, kept] : [name]);
      if (isDone(job)) {
        expect(await on.inspect(kept)).toMatchObject({
          State: { Running: false },
          HostConfig: { RestartPolicy: { Name: 'no' } },
        });
      }
      outcomes.push({ fault, order, step, serves: `${isDone(job) ? 'new' : 'old'}${note}` });
      // And what comes next goes as if nothing had been.
      const next = { container: name, image, tag: isDone(job) ? '1.0.0' : '1.1.0', more: { update: order } };
      const again = await agent.begin(on.input([next]), `resolve:${name}`);
      expect(await agent.ended(again)).toMatchObject({ state: 'DONE' });
      // What was kept before goes after the end is told.
      await expect.poll(() => on.names()).toEqual([name, `${name}.prev.${again}`]);
    } finally {
      const names = await on.names();
      if (names.length > 0) await host.docker('rm', '--force', '--volumes', ...names);
      await host.docker('network', 'rm', ...networks);
    }
  },
);

/** Those after which an engine puts its containers in order by itself, each without a thought for the other. */
const FOLLOWED = Object.keys(FAULTS)
  .filter((fault) => /dockerd|machine/.test(fault))
  .flatMap((fault) => FOLLOWED_STEPS.map((step) => ({ fault, step })));
const SAMPLE_FOLLOWED: typeof FOLLOWED = [
  { fault: 'the machine crashes, its disk is whole', step: 'create:side' },
];

test.for(wanted(SAMPLE_FOLLOWED, FOLLOWED, ({ fault, step }) => `${fault} followed ${step}`))(
  '$fault at $step, with one in its network that nobody chose: both serve, and it hangs on what serves',
  { timeout: CELL_TIMEOUT_MS },
  async ({ fault, step }, context) => {
    const happens = await ready(fault, context);
    const followed = await runFollowed(on, faulty);
    const id = await agent.begin(followed.input, followed.stepOf(step));
    await followed.expectServing(await happens(id));
  },
);
