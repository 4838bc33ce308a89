import { mkdir } from 'node:fs/promises';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import {
  bundlePrograms,
  createSandbox,
  engineSupport,
  type Host,
  pushStandardImages,
  startAgent,
} from '@towline/test/sandbox';
import type { AgentLink } from '@towline/tui/link';
import { CONTEXT_NAMES, type ContextName } from './build-contexts.ts';
import { measureBuilds, UNCLIPPED } from './builds.ts';
import { EngineHttp } from './engine-http.ts';
import { measureLinks } from './links.ts';
import { openLink } from './open-link.ts';
import { probe } from './probe.ts';
import type { ReplacementMeasures } from './replacement-report.ts';
import { byAgent, byApi, byCommand, type Replacement, type Way } from './replacements.ts';
import { type Measured, printReport, reportOf } from './report.ts';
import { measureWatch, type WatchTap } from './watch-latency.ts';

const USAGE =
  'npm run bench -- [--only replacements,builds,links] [--rounds N] [--probe-rounds N] [--watch-rounds N] [--build-rounds N] [--contexts small,many,large] [--log-rounds N] [--log-lines N] [--link-rounds N] [--link-lines N] [--agents 1,10,50] [--idle SECONDS] [--json] [--check]';
const IMAGE = 'shop/gateway';
const BASE = 'shop/base:1.0';
const TAGS = ['1.0.0', '1.1.0'] as const;
const PARTS = ['replacements', 'builds', 'links'] as const;
const WARM_UP = 2;
const REST_MS = 150;

process.exitCode = await main(process.argv.slice(2));

/** 0 measured (with `--check`: and every goal met), 1 it could not be, or a goal missed, 64 the words are off. */
async function main(words: string[]): Promise<number> {
  const options = readOptions(words);
  if (options === undefined) {
    say(USAGE);
    return 64;
  }
  const support = await engineSupport();
  if (!support.ok) {
    say(support.error.message);
    return 1;
  }
  const report = reportOf(await measure(options));
  process.stdout.write(options.json ? `${JSON.stringify(report, undefined, 2)}\n` : printReport(report));
  return options.check && !report.goals.every(({ met }) => met) ? 1 : 0;
}

type Part = (typeof PARTS)[number];

interface Options {
  /** What is measured. */
  parts: readonly Part[];
  rounds: number;
  probeRounds: number;
  watchRounds: number;
  buildRounds: number;
  contexts: readonly ContextName[];
  logRounds: number;
  logLines: number;
  linkRounds: number;
  linkLines: number;
  idle: number;
  /** How many agents `towline status` asks. */
  agents: readonly number[];
  json: boolean;
  /** Whether a goal that is missed is a failure. A busy machine misses them. */
  check: boolean;
}

function readOptions(words: string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      args: words,
      options: {
        only: { type: 'string', default: PARTS.join(',') },
        rounds: { type: 'string', default: '24' },
        'probe-rounds': { type: 'string', default: '12' },
        'watch-rounds': { type: 'string', default: '50' },
        'build-rounds': { type: 'string', default: '5' },
        contexts: { type: 'string', default: CONTEXT_NAMES.join(',') },
        'log-rounds': { type: 'string', default: '3' },
        'log-lines': { type: 'string', default: '1000000' },
        'link-rounds': { type: 'string', default: '7' },
        'link-lines': { type: 'string', default: '200000' },
        agents: { type: 'string', default: '1,10,50' },
        idle: { type: 'string', default: '60' },
        json: { type: 'boolean', default: false },
        check: { type: 'boolean', default: false },
      },
    });
    const { json, check } = values;
    const parts = chosen(PARTS, values.only);
    const contexts = chosen(CONTEXT_NAMES, values.contexts);
    const counts = {
      rounds: Number(values.rounds),
      probeRounds: Number(values['probe-rounds']),
      watchRounds: Number(values['watch-rounds']),
      buildRounds: Number(values['build-rounds']),
      logRounds: Number(values['log-rounds']),
      logLines: Number(values['log-lines']),
      linkRounds: Number(values['link-rounds']),
      linkLines: Number(values['link-lines']),
      idle: Number(values.idle),
    };
    const agents = values.agents.split(',').map(Number);
    const counted = [...Object.values(counts), ...agents].every(
      (count) => Number.isInteger(count) && count > 0,
    );
    if (!counted || parts === undefined || contexts === undefined) return undefined;
    return { parts, contexts, agents, ...counts, json, check };
  } catch {
    return undefined;
  }
}

/** Those of a list that a text names, with commas between them; undefined where it names others. */
function chosen<T extends string>(all: readonly T[], text: string): readonly T[] | undefined {
  const words = new Set<string>(text.split(','));
  const found = all.filter((one) => words.has(one));
  return found.length === words.size ? found : undefined;
}

/** On an engine of its own, which is gone afterwards. */
async function measure(options: Options): Promise<Measured> {
  const sandbox = await createSandbox({ onStep: say });
  try {
    const host = await sandbox.createHost('bench');
    say('bundling the programs');
    await bundlePrograms(join(sandbox.dir, 'bundles'));
    await host.stopEngine();
    await host.startEngine({ environment: UNCLIPPED });
    await pushStandardImages(sandbox);
    const image = `${sandbox.registry.host}/${IMAGE}`;
    const base = `${sandbox.registry.host}/${BASE}`;
    for (const each of [...TAGS.map((tag) => `${image}:${tag}`), base]) await host.docker('pull', '-q', each);
    const folder = join(sandbox.dir, 'agent');
    await mkdir(folder, { mode: 0o700 });
    say('starting the agent');
    const agent = await startAgent({ host, dir: folder, args: ['--log-level', 'warn'] });
    const engine = new EngineHttp(host.socket);
    const tap: WatchTap = { onWatch: () => {} };
    const link = await openLink(agent.socket, (event) => tap.onWatch(event));
    try {
      return await measureOn({ host, engine, image, tags: TAGS, base, dir: sandbox.dir, link, tap, options });
    } finally {
      await link.close();
      engine.close();
      await agent.stop();
    }
  } finally {
    await sandbox.close();
  }
}

interface Bench {
  host: Host;
  engine: EngineHttp;
  image: string;
  tags: readonly [string, string];
  /** An image with a shell, with its tag. */
  base: string;
  /** The sandbox's folder. */
  dir: string;
  link: AgentLink;
  tap: WatchTap;
  options: Options;
}

async function measureOn(bench: Bench): Promise<Measured> {
  const { host, base, dir, link, options } = bench;
  const version = await host.docker('version', '--format', '{{.Server.Version}}');
  const machine = { cores: cpus().length, engine: version.trim(), node: process.versions.node };
  const { buildRounds: rounds, contexts, logRounds, logLines: lines } = options;
  const { linkRounds, linkLines, idle: idleSeconds, agents } = options;
  return {
    machine,
    ...(options.parts.includes('links') && {
      links: await measureLinks({
        host,
        dir: join(dir, 'links'),
        base,
        rounds: linkRounds,
        logLines: linkLines,
        agents,
        idleSeconds,
        inTurn,
        say,
      }),
    }),
    ...(options.parts.includes('replacements') && { replacements: await measureReplacements(bench) }),
    ...(options.parts.includes('builds') && {
      builds: await measureBuilds({ host, link, base, rounds, contexts, logRounds, lines, inTurn, say }),
    }),
  };
}

async function measureReplacements(bench: Bench): Promise<ReplacementMeasures> {
  const { host, engine, image, tags, link, tap, options } = bench;
  const measured = {
    towline: run(byAgent(bench, link)),
    api: run(byApi(bench)),
    command: run(byCommand(bench)),
  };
  const ways = Object.values(measured);
  const pick = <T>(of: (run: Run) => T) => ({
    towline: of(measured.towline),
    api: of(measured.api),
    command: of(measured.command),
  });
  for (const { way } of ways) await way.prepare();
  say('warming up');
  // The first of each meets cold caches, and programs that are not compiled yet.
  for (let round = 0; round < WARM_UP; round++) for (const { way } of ways) await way.replace();
  for (let round = 0; round < options.rounds; round++) {
    say(`round ${round + 1} of ${options.rounds}`);
    for await (const { way, samples } of inTurn(ways, round)) samples.push(await way.replace());
  }
  for (let round = 0; round < options.probeRounds; round++) {
    say(`seen from outside, round ${round + 1} of ${options.probeRounds}`);
    for await (const { way, probes } of inTurn(ways, round)) {
      probes.push(await probe(host, way.port, () => way.replace()));
    }
  }
  say('measuring the watch');
  const watch = await measureWatch({ host, engine, image: `${image}:${tags[0]}` }, tap, options.watchRounds);
  return {
    rounds: options.rounds,
    ways: pick(({ samples }) => samples),
    probes: pick(({ probes }) => probes),
    watch,
  };
}

interface Run {
  way: Way;
  samples: Replacement[];
  probes: number[];
}

function run(way: Way): Run {
  return { way, samples: [], probes: [] };
}

/** Every order has its turn, so that each comes as often after each other, with a moment for what that left behind. */
async function* inTurn<T>(all: readonly T[], round: number): AsyncGenerator<T> {
  const orders = permutations(all);
  for (const next of orders[round % orders.length] ?? []) {
    await sleep(REST_MS);
    yield next;
  }
}

function permutations<T>(all: readonly T[]): T[][] {
  if (all.length < 2) return [[...all]];
  return all.flatMap((first, at) => permutations(all.toSpliced(at, 1)).map((rest) => [first, ...rest]));
}

function say(line: string): void {
  process.stderr.write(`bench: ${line}\n`);
}
