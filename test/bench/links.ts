import { execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createToken } from '@towline/agent/access';
import {
  certificateAuthority,
  type Host,
  programFiles,
  type RunningAgentProcess,
  residentBytes,
  startAgent,
  startSshd,
} from '@towline/test/sandbox';
import { launcherText } from '@towline/tui/install';
import { type AgentLink, createTransports } from '@towline/tui/link';
import * as z from 'zod';
import { now } from './engine-http.ts';
import { openLink, openLinkOver } from './open-link.ts';

export interface LinkMeasures {
  /** Milliseconds for a question and its answer of some 200 bytes each, a sample a round, each the median of many. */
  roundTrip: { unix: number[]; ssh: number[]; plainSsh: number[] };
  /**
   * The same by the Unix socket, while somebody sends the agent as much rubbish as it takes, and while strangers open connections
   * at its network's door as fast as they can.
   */
  attacked: { rubbish: number[]; flood: number[] };
  /** Lines of a container's log a second: by a link, and by `ssh … docker logs`. */
  lines: { unix: number[]; ssh: number[]; plainSsh: number[] };
  /** Milliseconds for `towline status`, by the number of agents. */
  status: { agents: number; wall: number[] }[];
  idle: {
    /** Resident, in bytes. */
    memory: { agent: number[]; node: number[] };
    /** Of a core, in percent. */
    cpu: number[];
    seconds: number;
  };
}

export interface LinkPlace {
  host: Host;
  /** A folder of its own. */
  dir: string;
  /** With a shell, and its tag. */
  base: string;
  rounds: number;
  logLines: number;
  /** How many agents `towline status` asks, in turn. */
  agents: readonly number[];
  idleSeconds: number;
  inTurn: <T>(all: readonly T[], round: number) => AsyncGenerator<T>;
  say: (line: string) => void;
}

const ASKED = 200;
const SIZE = 200;
/** By then it has given back what the last that it did took. */
const REST_MS = 30_000;
const LOG = 'bench-lines';

export async function measureLinks(place: LinkPlace): Promise<LinkMeasures> {
  const { host, dir, say } = place;
  await mkdir(dir, { mode: 0o700 });
  const agents: RunningAgentProcess[] = [];
  try {
    say(`starting ${Math.max(...place.agents)} agents`);
    const authority = await certificateAuthority(dir);
    const { cert, key } = await authority.issue('agent', ['127.0.0.1']);
    const token = await createToken(join(dir, 'a0', 'state'), { name: 'bench', role: 'viewer' }, Date.now());
    if (!token.ok) throw new Error(token.error.message);
    const launcher = await installAgent(dir);
    const door = ['--listen', '127.0.0.1:0', '--tls-cert', cert, '--tls-key', key];
    while (agents.length < Math.max(...place.agents)) {
      const args = agents.length === 0 ? door : ['--log-level', 'warn'];
      // As on a machine: what the tests have compiled is no part of an agent's memory.
      const env = { ...process.env, NODE_DISABLE_COMPILE_CACHE: '1' };
      agents.push(await startAgent({ host, dir: join(dir, `a${agents.length}`), launcher, args, env }));
    }
    const [first] = agents;
    if (first === undefined) throw new Error('There is no agent to measure.');
    say('measuring towline status');
    const status = await measureStatus(place, agents);
    say(`measuring ${place.idleSeconds} s of doing nothing`);
    const idle = await measureIdle(first, agents, place.idleSeconds);
    return {
      ...(await overSsh(place, first, { port: await first.networkPort(), ca: authority.cert })),
      status,
      idle,
    };
  } finally {
    await Promise.all(agents.map((agent) => agent.stop()));
  }
}

/** The agent as `towline agent install` leaves it, one file with no package around it; returns what starts it. */
async function installAgent(dir: string): Promise<string> {
  const file = join(dir, 'towline-agent.cjs');
  const launcher = join(dir, 'towline-agent');
  await copyFile(join(dirname(programFiles().agent), '../dist/towline-agent.cjs'), file);
  await writeFile(launcher, launcherText(process.execPath, file), { mode: 0o755 });
  return launcher;
}

async function overSsh(
  { host, dir, base, rounds, logLines, inTurn, say }: LinkPlace,
  agent: RunningAgentProcess,
  door: { port: number; ca: string },
): Promise<Pick<LinkMeasures, 'roundTrip' | 'lines' | 'attacked'>> {
  const sshd = await startSshd({ sandboxDir: dir });
  const config = join(dir, '.ssh', 'config');
  await mkdir(join(dir, '.ssh'), { mode: 0o700 });
  await writeFile(
    config,
    [
      'Host machine',
      '  HostName 127.0.0.1',
      `  Port ${sshd.port}`,
      `  IdentityFile ${sshd.keyFile}`,
      `  UserKnownHostsFile ${sshd.knownHostsFile}`,
      '',
    ].join('\n'),
  );
  const transports = createTransports({ env: { ...process.env, HOME: dir } });
  const unix = await openLink(agent.socket);
  const ssh = await openLinkOver(transports.to({ kind: 'ssh', host: 'machine', path: agent.socket }));
  const echo = spawn('ssh', ['-F', config, 'machine', 'cat'], { stdio: ['pipe', 'pipe', 'inherit'] });
  try {
    const script = `yes "$(printf 'x%.0s' $(seq 100))" | head -n ${logLines}`;
    await host.docker('run', '--name', LOG, base, 'sh', '-c', script);
    const dockerLogs = `docker -H unix://${host.socket} logs ${LOG}`;
    const ways = [
      { way: 'unix', ask: () => jobsOf(unix), log: () => logOf(unix) },
      { way: 'ssh', ask: () => jobsOf(ssh), log: () => logOf(ssh) },
      {
        way: 'plainSsh',
        ask: () => echoed(echo),
        log: () => linesOf('ssh', ['-F', config, 'machine', dockerLogs]),
      },
    ] as const;
    const none = (): Record<(typeof ways)[number]['way'], number[]> => ({ unix: [], ssh: [], plainSsh: [] });
    const roundTrip = none();
    const lines = none();
    for (let round = 0; round < rounds; round++) {
      say(`over SSH, round ${round + 1} of ${rounds}`);
      for await (const { way, ask, log } of inTurn(ways, round)) {
        const began = now();
        for (let at = 0; at < ASKED; at++) await ask();
        roundTrip[way].push((now() - began) / ASKED);
        const read = now();
        const count = await log();
        if (count !== logLines) throw new Error(`${way} read ${count} lines of ${logLines}.`);
        lines[way].push((count / (now() - read)) * 1000);
      }
    }
    say('while the agent is attacked');
    const rubbish = await underAttack(['rubbish', agent.socket], unix, rounds);
    const flood = await underAttack(['flood', String(door.port), door.ca], unix, rounds);
    return { roundTrip, lines, attacked: { rubbish, flood } };
  } finally {
    echo.kill();
    await Promise.all([unix.close(), ssh.close()]);
    await transports.close();
    await sshd.close();
    await host.docker('rm', '-f', LOG);
  }
}

const ATTACK = fileURLToPath(new URL('../e2e/hostile/attack-main.ts', import.meta.url));

async function underAttack(how: readonly string[], link: AgentLink, rounds: number): Promise<number[]> {
  const attacker = spawn(process.execPath, [ATTACK, ...how], { stdio: ['ignore', 'pipe', 'inherit'] });
  const samples: number[] = [];
  try {
    await once(attacker.stdout, 'data');
    for (let round = 0; round < rounds; round++) {
      const began = now();
      for (let at = 0; at < ASKED; at++) await jobsOf(link);
      samples.push((now() - began) / ASKED);
    }
    return samples;
  } finally {
    attacker.kill();
  }
}

async function jobsOf(link: AgentLink): Promise<void> {
  const answer = await link.call((client) => client.jobs.query({}), z.array(z.unknown()));
  if (!answer.ok) throw new Error(answer.error.message);
}

async function logOf(link: AgentLink): Promise<number> {
  let count = 0;
  const options = { follow: false, tail: 1_000_000, signal: new AbortController().signal };
  for await (const _ of link.logs(LOG, options)) count += 1;
  return count;
}

async function echoed({ stdin, stdout }: ReturnType<typeof spawn>): Promise<void> {
  if (stdin === null || stdout === null) throw new Error('ssh has no pipes.');
  stdin.write('x'.repeat(SIZE));
  for (let got = 0; got < SIZE; ) got += String((await once(stdout, 'data'))[0]).length;
}

/** How many lines a program writes. */
async function linesOf(command: string, args: readonly string[]): Promise<number> {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let count = 0;
  for await (const chunk of child.stdout) for (const byte of chunk) if (byte === 10) count += 1;
  return count;
}

async function measureStatus(
  { dir, agents: counts, rounds }: LinkPlace,
  agents: readonly RunningAgentProcess[],
) {
  const measured = counts.map((count) => ({ agents: count, wall: [] as number[] }));
  const { towline, compileCache } = programFiles();
  const env = {
    ...process.env,
    HOME: dir,
    ...(compileCache !== undefined && { NODE_COMPILE_CACHE: compileCache }),
  };
  for (let round = 0; round <= rounds; round++) {
    for (const { agents: count, wall } of measured) {
      const file = join(dir, `map-${count}.yaml`);
      const names = agents
        .slice(0, count)
        .map((agent, at) => ({ name: `m${at}`, url: `unix://${agent.socket}` }));
      const servers = names.map(({ name }) => [
        name,
        { agent: name, containers: [{ name: `none-${name}`, image: 'shop/none' }] },
      ]);
      const map = {
        agents: Object.fromEntries(names.map(({ name, url }) => [name, { url }])),
        services: { shop: { maps: { demo: { servers: Object.fromEntries(servers) } } } },
      };
      await writeFile(file, JSON.stringify(map));
      const began = now();
      await promisify(execFile)(process.execPath, [towline, '--file', file, 'status'], { env });
      // The first meets programs that are not compiled yet.
      if (round > 0) wall.push(now() - began);
    }
  }
  return measured;
}

async function measureIdle(
  first: RunningAgentProcess,
  agents: readonly RunningAgentProcess[],
  seconds: number,
): Promise<LinkMeasures['idle']> {
  const bare = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { stdio: 'ignore' });
  try {
    await sleep(REST_MS);
    const before = await cpuOf(first.pid);
    await sleep(seconds * 1000);
    const used = (await cpuOf(first.pid)) - before;
    const memory = { agent: [] as number[], node: [] as number[] };
    for (const { pid } of agents.slice(0, 5)) memory.agent.push(await residentBytes(pid));
    memory.node.push(await residentBytes(bare.pid ?? 0));
    return { memory, cpu: [(used / seconds) * 100], seconds };
  } finally {
    bare.kill();
  }
}

/** Seconds of a core that a process has used, by its whole life; the kernel counts in hundredths. */
async function cpuOf(pid: number): Promise<number> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8');
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return (Number(fields[11]) + Number(fields[12])) / 100;
}
