import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type JobEvent, jobEventSchema, jobSchema } from '@towline/core/job';
import { sharedSandbox } from '@towline/test/sandbox';
import { openTerminal, type Terminal } from '@towline/test/terminal';
import { type AgentLink, jobEvents } from '@towline/tui/link';
import { execa } from 'execa';
import { afterAll, afterEach, beforeAll, expect, test, vi } from 'vitest';
import * as z from 'zod';
import { openLink } from '../../bench/open-link.ts';
import { shopMap } from '../cli/shop-map.ts';
import { type CliPlace, createPlace, TOWLINE } from '../cli/towline-process.ts';
import { joinMachines, type Machines } from './machines.ts';

/** `all` is every cut at every stage; any other value is a pattern; the suite has the worst one. */
const WANTED = process.env.TOWLINE_CUTS ?? 'no packet comes through at gate';
/** Longer than it takes to find a half-open connection out, and than the job. */
const CUT_MS = 14_000;
const CELL_TIMEOUT_MS = 180_000;

const { registry, hosts, podman } = await sharedSandbox();
const NAMES = ['gate', 'lone', 'inner'] as const;
type Name = (typeof NAMES)[number];
let place: CliPlace;
let machines: Machines;
let suffix: string;
let direct: Record<Name, AgentLink>;
const containerOf = (name: Name) => `cut-${name}-${suffix}`;
const open: Terminal[] = [];

beforeAll(async () => {
  place = await createPlace();
  suffix = place.dir.slice(-6).toLowerCase();
  machines = await joinMachines(place.dir, { gate: hosts.a, lone: hosts.b, inner: podman() }, [
    '10.92.1',
    '10.92.2',
    '10.92.3',
  ]);
  const servers = NAMES.map((name) => {
    const container = { name: containerOf(name), image: `${registry}/shop/cache`, run: {}, settle: 3 };
    return [`s-${name}`, { agent: name, containers: [container] }];
  });
  const urls = NAMES.map((name) => [name, `ssh://${name}${machines[name].agent.socket}`]);
  await place.writeMap(shopMap(Object.fromEntries(urls), Object.fromEntries(servers)));
  const [gate, lone, inner] = await Promise.all(NAMES.map((name) => openLink(machines[name].agent.socket)));
  if (gate === undefined || lone === undefined || inner === undefined) throw new Error('a link is missing');
  direct = { gate, lone, inner };
});
afterEach(async () => {
  for (const terminal of open.splice(0)) await terminal.close();
});
afterAll(async () => {
  await Promise.all(Object.values(direct).map((link) => link.close()));
  for (const name of NAMES) {
    const { host } = machines[name];
    const ids = (await host.docker('ps', '-aq', '--filter', `name=-${suffix}`)).split('\n').filter(Boolean);
    if (ids.length > 0) await host.docker('rm', '-f', ...ids);
  }
  await machines.close();
  await place.close();
});

interface Cut {
  /** Whether the operator's side can notice, and says so. */
  away: boolean;
  /** Begins it; what is returned ends it. */
  begin(): Promise<() => Promise<void>>;
}

/** What happens to the way to `gate`, which is also the way to `inner`. `lone` has another. */
const CUTS: Readonly<Record<string, Cut>> = {
  'the cable is pulled out': {
    away: true,
    async begin() {
      const { line } = machines.gate;
      await line.unplug();
      return () => line.plug();
    },
  },
  'no packet comes through': {
    away: true,
    async begin() {
      const { line } = machines.gate;
      await line.shape({ lossPercent: 100 });
      return () => line.shape({});
    },
  },
  'sshd’s connections are killed': {
    away: false,
    async begin() {
      await machines.gate.sshd.killConnections();
      return async () => {};
    },
  },
  'sshd’s connections are killed every 3 s': {
    away: false,
    async begin() {
      const killing = setInterval(() => void machines.gate.sshd.killConnections(), 3_000);
      return async () => clearInterval(killing);
    },
  },
  'sshd’s connections hang': {
    away: false,
    async begin() {
      const pids = await machines.gate.sshd.connections();
      for (const pid of pids) process.kill(pid, 'SIGSTOP');
      return async () => {
        for (const pid of pids) process.kill(pid, 'SIGKILL');
      };
    },
  },
  'it is slow and loses packets': {
    away: false,
    async begin() {
      const { line } = machines.gate;
      await line.shape({ delayMs: 300, lossPercent: 2 });
      return () => line.shape({});
    },
  },
};
const STAGES = ['resolve', 'pull', 'create', 'gate', 'commit'] as const;
const CELLS = Object.keys(CUTS).flatMap((cut) => STAGES.map((stage) => ({ cut, stage })));
const wanted = CELLS.filter(({ cut, stage }) => WANTED === 'all' || `${cut} at ${stage}`.match(WANTED));

function towline(...args: string[]): Terminal {
  const [command = '', ...rest] = machines.operator.inside([process.execPath, TOWLINE, ...args]);
  const terminal = openTerminal({ command, args: rest, cwd: place.dir, env: place.env });
  open.push(terminal);
  return terminal;
}

const FOLLOW = fileURLToPath(new URL('follow-main.ts', import.meta.url));

/** A program on the operator's machine. */
function start(...args: string[]) {
  const [command = '', ...rest] = machines.operator.inside([process.execPath, ...args]);
  const options = {
    cwd: place.dir,
    env: place.env,
    extendEnv: false,
    reject: false,
    timeout: 120_000,
  } as const;
  return execa(command, rest, { ...options, stdin: 'ignore' });
}

/** The id of the job that this server has now, from its agent itself. */
async function jobOf(name: Name, before: ReadonlySet<string>): Promise<string> {
  return await vi.waitFor(
    async () => {
      const jobs = await direct[name].call((client) => client.jobs.query({}), z.array(jobSchema));
      const job = jobs.ok
        ? jobs.value.find(({ id, server }) => server === `s-${name}` && !before.has(id))
        : undefined;
      if (job === undefined) throw new Error(`${name} has no new job`);
      return job.id;
    },
    { timeout: 60_000, interval: 20 },
  );
}

async function jobIds(name: Name): Promise<Set<string>> {
  const jobs = await direct[name].call((client) => client.jobs.query({}), z.array(jobSchema));
  return new Set(jobs.ok ? jobs.value.map(({ id }) => id) : []);
}

/** All events of a job, from its agent itself; `onEvent` is told as they come. */
async function eventsOf(
  name: Name,
  id: string,
  onEvent: (event: JobEvent) => void = () => {},
): Promise<JobEvent[]> {
  const events: JobEvent[] = [];
  for await (const event of direct[name].follow(jobEvents(id), new AbortController().signal)) {
    events.push(event);
    onEvent(event);
  }
  return events;
}

async function deployed(name: Name): Promise<string> {
  const { host } = machines[name];
  return (await host.docker('inspect', '-f', '{{.Config.Image}}', containerOf(name))).trim();
}

const allKnown = (screen: string[]) =>
  screen.filter((line) => /s-\w+ on \w+ +no container of it exists yet|● Online/.test(line)).length === 3;

/** Arms all three with a tag, and executes them all. */
async function executeAll(terminal: Terminal, tag: string): Promise<void> {
  for (const name of NAMES) {
    terminal.type(`/${containerOf(name)}\r`);
    await terminal.waitFor(/▸ +cut-/);
    terminal.type(`t${tag}\r`);
    await terminal.waitFor('armed');
    terminal.press('Escape');
    await terminal.waitForGone('Filter:');
  }
  terminal.press('b');
  await terminal.waitFor('Batch Execute: 3 tasks on 3 servers');
  terminal.press('Tab');
  await terminal.waitFor('[ Execute ]');
  terminal.press('Enter');
}

test('a batch over three machines through SSH, one of them behind another, from a terminal', async () => {
  const terminal = towline();
  await terminal.waitUntil('all three connected', allKnown);
  await executeAll(terminal, '7.2.0');
  await terminal.waitFor('3 DONE', { timeout: 60_000 });
  for (const name of NAMES) expect(await deployed(name)).toBe(`${registry}/shop/cache:7.2.0`);
});

let round = 0;

test.for(wanted)(
  '$cut at $stage: every job ends, and every stream is complete',
  { timeout: CELL_TIMEOUT_MS },
  async ({ cut, stage }) => {
    const { away, begin } = CUTS[cut] ?? { away: false, begin: async () => async () => {} };
    const tag = round++ % 2 === 0 ? '7.4.0' : '7.2.0';
    const known = Object.fromEntries(
      await Promise.all(NAMES.map(async (name) => [name, await jobIds(name)] as const)),
    ) as Record<Name, Set<string>>;
    const screen = towline();
    await screen.waitUntil(
      'all three known',
      (rows) => rows.filter((row) => /cut-\w+-/.test(row)).length === 3,
    );
    const sets = NAMES.flatMap((name) => ['--set', `s-${name}/${containerOf(name)}=tag:${tag}`]);
    // Followed by another operator as well, in the middle of it all.
    const followed = start(FOLLOW, `ssh://gate${machines.gate.agent.socket}`, 's-gate');
    await once(followed.stdout, 'data');
    const batch = start(TOWLINE, 'batch', ...sets, '--yes', '--json');

    const reached = Promise.withResolvers<void>();
    const [gate, lone, inner] = await Promise.all(NAMES.map((name) => jobOf(name, known[name])));
    const ids = { gate: gate ?? '', lone: lone ?? '', inner: inner ?? '' };
    const told = Promise.all(
      NAMES.map((name) =>
        eventsOf(name, ids[name], (event) => {
          if (name === 'gate' && event.type === 'step-started' && event.kind === stage) reached.resolve();
        }),
      ),
    );
    await reached.promise;
    const mend = await begin();
    const cutAt = performance.now();
    try {
      // A screen that is frozen shows no help.
      screen.press('?');
      await screen.waitFor('the job of the server, running or last');
      screen.press('Escape');
      if (away) {
        await screen.waitFor(/Unreachable.* s-gate on gate/);
        await screen.waitFor(/Unreachable.* s-inner on inner/);
        expect(screen.screen().join('\n')).not.toMatch(/Unreachable.* s-lone/);
      }
      // The line is away for long enough: what is waited for is time itself.
      await sleep(Math.max(0, CUT_MS - (performance.now() - cutAt)));
    } finally {
      await mend();
    }
    const { exitCode, stdout, stderr } = await batch;
    expect(exitCode, stderr).toBe(0);
    const { jobs } = z
      .object({ jobs: z.array(z.looseObject({ server: z.string(), state: z.string() })) })
      .parse(JSON.parse(stdout));
    expect(jobs.map(({ server, state }) => `${server} ${state}`).toSorted()).toEqual([
      's-gate DONE',
      's-inner DONE',
      's-lone DONE',
    ]);
    const complete = await told;
    for (const events of complete)
      expect(events.map(({ seq }) => seq)).toEqual(events.map((_, at) => at + 1));
    const seen = (await followed).stdout
      .split('\n')
      .slice(1)
      .map((line) => jobEventSchema.parse(JSON.parse(line)));
    expect(seen.map(({ seq }) => seq)).toEqual(complete[0]?.map(({ seq }) => seq));
    await screen.waitForGone('Unreachable', { timeout: 40_000 });
    for (const name of NAMES) await screen.waitFor(new RegExp(`cut-${name}-.*${tag.replaceAll('.', '\\.')}`));
  },
);
