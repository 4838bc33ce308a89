import type { Replacement } from './replacements.ts';
import type { Goal } from './report.ts';
import { against, ms, signed, table, times } from './report-text.ts';
import { type Comparison, compare, type Summary, summarise } from './statistics.ts';
import type { WatchLatency } from './watch-latency.ts';

type WayName = 'towline' | 'api' | 'command';

/** What was found out about replacements: the samples of every way, one a round, and what follows from them. */
export interface ReplacementMeasures {
  rounds: number;
  ways: Readonly<Record<WayName, readonly Replacement[]>>;
  /** How long the page was away, seen from outside; in rounds of their own, because looking costs time as well. */
  probes: Readonly<Record<WayName, readonly number[]>>;
  watch: WatchLatency;
}

export interface ReplacementReport {
  rounds: number;
  wall: Readonly<Record<WayName, Summary>>;
  gap: Readonly<Record<WayName, Summary>>;
  wallAgainstApi: Comparison;
  wallAgainstCommand: Comparison;
  gapAgainstApi: Comparison;
  gapAgainstCommand: Comparison;
  parts: Readonly<Record<'towline' | 'api', Readonly<Record<string, number>>>>;
  probe: Readonly<Record<WayName, Summary>>;
  probeAgainstApi: Comparison;
  probeAgainstCommand: Comparison;
  watch: { agent: Summary; engine: Summary };
  goals: readonly Goal[];
}

const WALL_RATIO = 1.1;
const WALL_DIFFERENCE_MS = 50;
const GAP_RATIO = 1.05;
const WATCH_MS = 200;

export function reportOfReplacements(measured: ReplacementMeasures): ReplacementReport {
  const { ways, probes, watch, rounds } = measured;
  const walls = eachWay(ways, (samples) => samples.map(({ wall }) => wall));
  const gaps = eachWay(ways, (samples) => samples.map(({ gap }) => gap));
  const wallAgainstApi = compare(walls.towline, walls.api);
  const wallAgainstCommand = compare(walls.towline, walls.command);
  const gapAgainstApi = compare(gaps.towline, gaps.api);
  const gapAgainstCommand = compare(gaps.towline, gaps.command);
  const agent = summarise(watch.agent);
  const goals: Goal[] = [
    {
      what: 'wall time against the engine API',
      goal: `at most ×${WALL_RATIO}`,
      measured: times(wallAgainstApi.ratio),
      met: wallAgainstApi.ratio <= WALL_RATIO,
    },
    {
      what: 'wall time against the engine API',
      goal: `at most ${WALL_DIFFERENCE_MS} ms more`,
      measured: signed(wallAgainstApi.difference),
      met: wallAgainstApi.difference <= WALL_DIFFERENCE_MS,
    },
    {
      what: 'without service against the engine API',
      goal: `at most ×${GAP_RATIO}`,
      measured: times(gapAgainstApi.ratio),
      met: gapAgainstApi.ratio <= GAP_RATIO,
    },
    {
      what: 'without service against the docker command',
      goal: 'below ×1',
      measured: times(gapAgainstCommand.ratio),
      met: gapAgainstCommand.ratio < 1,
    },
    {
      what: 'a change by hand is seen, 99 of 100',
      goal: `within ${WATCH_MS} ms`,
      measured: `${ms(agent.p99)} ms`,
      met: agent.p99 <= WATCH_MS,
    },
  ];
  return {
    rounds,
    wall: eachWay(walls, summarise),
    gap: eachWay(gaps, summarise),
    wallAgainstApi,
    wallAgainstCommand,
    gapAgainstApi,
    gapAgainstCommand,
    parts: { towline: partsOf(ways.towline), api: partsOf(ways.api) },
    probe: eachWay(probes, summarise),
    probeAgainstApi: compare(probes.towline, probes.api),
    probeAgainstCommand: compare(probes.towline, probes.command),
    watch: { agent, engine: summarise(watch.engine) },
    goals,
  };
}

export function printReplacements(report: ReplacementReport): string {
  const { wall, gap, probe, parts, watch } = report;
  const limit = parts.api['start asked to new started'] ?? 0;
  const stopping = parts.api['old finished to stop answered'] ?? 0;
  const row = (name: string, summary: Summary, against: string) =>
    [name, ms(summary.median), `${ms(summary.low)} – ${ms(summary.high)}`, against] as const;
  const spread = 'half of all between';
  return [
    `Replacements, ${report.rounds} rounds, interleaved. Times in ms.`,
    '',
    table([
      ['wall time', 'median', spread, 'towline against it'],
      row('towline', wall.towline, ''),
      row('engine API', wall.api, against(report.wallAgainstApi)),
      row('docker command', wall.command, against(report.wallAgainstCommand)),
    ]),
    '',
    table([
      ['without service', 'median', spread, 'towline against it'],
      row('towline', gap.towline, ''),
      row('engine API', gap.api, against(report.gapAgainstApi)),
      row('docker command', gap.command, against(report.gapAgainstCommand)),
    ]),
    `The limit: the engine takes ${ms(limit)} from being asked to start until the new one runs, and ${ms(stopping)} from the old one's end until it answers the stop.`,
    '',
    table([
      ['page away, seen from outside', 'median', spread, 'towline against it'],
      row('towline', probe.towline, ''),
      row('engine API', probe.api, against(report.probeAgainstApi)),
      row('docker command', probe.command, against(report.probeAgainstCommand)),
    ]),
    '',
    table([
      ['a change by hand', 'median', '99 of 100', 'longest'],
      ['known to a client', ms(watch.agent.median), ms(watch.agent.p99), ms(watch.agent.max)],
      ['the engine’s event', ms(watch.engine.median), ms(watch.engine.p99), ms(watch.engine.max)],
    ]),
    '',
    table([
      ['where it goes', 'median', '', ''],
      ...partRows('towline', parts.towline),
      ...partRows('engine API', parts.api),
    ]),
  ].join('\n');
}

function partRows(way: string, parts: Readonly<Record<string, number>>) {
  return Object.entries(parts).map(([name, median]) => [`${way}: ${name}`, ms(median), '', ''] as const);
}

/** The median of each part. */
function partsOf(samples: readonly Replacement[]): Record<string, number> {
  const names = new Set(samples.flatMap(({ parts }) => Object.keys(parts)));
  return Object.fromEntries(
    [...names].map((name) => [name, summarise(samples.map(({ parts }) => parts[name] ?? 0)).median]),
  );
}

function eachWay<From, To>(
  ways: Readonly<Record<WayName, From>>,
  change: (value: From) => To,
): Record<WayName, To> {
  return { towline: change(ways.towline), api: change(ways.api), command: change(ways.command) };
}
