import { CONTEXT_NAMES, CONTEXT_WORDS, type ContextName } from './build-contexts.ts';
import type { BuildMeasures, Pair } from './builds.ts';
import type { Received } from './log-bursts.ts';
import type { Goal } from './report.ts';
import { against, ms, type Row, signed, table, times } from './report-text.ts';
import { type Comparison, compare, type Summary, summarise } from './statistics.ts';

type State = 'fresh' | 'unchanged';

/** How one kind of build stands to the docker command's. */
export interface WallReport {
  context: ContextName;
  state: State;
  towline: Summary;
  command: Summary;
  against: Comparison;
}

export interface BuildReport {
  walls: readonly WallReport[];
  /** Lines a second of a Dockerfile's RUN, from the engine. */
  imageLog: { towline: Summary; command: Summary; against: Comparison; written: Summary };
  /** Milliseconds until all lines of a build command were there. */
  commandLog: { towline: Summary; command: Summary; against: Comparison };
  goals: readonly Goal[];
}

const WALL_RATIO = 1.05;
const LINES_RATIO = 0.9;

export function reportOfBuilds(measured: BuildMeasures): BuildReport {
  const walls = (['fresh', 'unchanged'] as const).flatMap((state) =>
    CONTEXT_NAMES.flatMap((context) => {
      const pair = measured[state][context];
      return pair === undefined ? [] : [{ context, state, ...compared(pair) }];
    }),
  );
  const rate = (samples: readonly Received[], time: 'received' | 'written') =>
    samples.map((sample) => (sample.lines / sample[time]) * 1000);
  const { towline, command } = measured.imageLog;
  const imageLog = {
    ...compared({ towline: rate(towline, 'received'), command: rate(command, 'received') }),
    written: summarise(rate([...towline, ...command], 'written')),
  };
  const goals: Goal[] = [
    ...walls.map(({ context, state, against }) => ({
      what: `an image against docker build, ${CONTEXT_WORDS[context]}, ${state}`,
      goal: `at most ×${WALL_RATIO}`,
      measured: `${times(against.ratio)}, ${signed(against.difference)}`,
      met: against.ratio <= WALL_RATIO,
    })),
    {
      what: 'lines a second against docker build to a pipe',
      goal: `at least ×${LINES_RATIO}`,
      measured: times(imageLog.against.ratio),
      met: imageLog.against.ratio >= LINES_RATIO,
    },
  ];
  return { walls, imageLog, commandLog: compared(measured.commandLog), goals };
}

function compared({ towline, command }: Pair<number>) {
  return { towline: summarise(towline), command: summarise(command), against: compare(towline, command) };
}

export function printBuilds({ walls, imageLog, commandLog }: BuildReport): string {
  const spread = 'half of all between';
  const rounds = walls[0]?.towline.count ?? 0;
  const row = (name: string, summary: Summary, last: string): Row => [
    name,
    ms(summary.median),
    `${ms(summary.low)} – ${ms(summary.high)}`,
    last,
  ];
  const lines = (name: string, { median, low, high }: Summary, last: string): Row => [
    name,
    thousands(median),
    `${thousands(low)} – ${thousands(high)}`,
    last,
  ];
  return [
    `Builds, ${rounds} rounds, interleaved. Times in ms.`,
    '',
    table([
      ['an image', 'median', spread, 'towline against it'],
      ...walls.flatMap(({ context, state, towline, command, against: comparison }) => [
        row(`${CONTEXT_WORDS[context]}, ${state}: towline`, towline, ''),
        row(`${CONTEXT_WORDS[context]}, ${state}: docker build`, command, against(comparison)),
      ]),
    ]),
    '',
    table([
      ['lines a second of a RUN', 'median', spread, 'towline against it'],
      lines('towline, to a screen’s store', imageLog.towline, ''),
      lines('docker build, to a pipe', imageLog.command, times(imageLog.against.ratio)),
      lines('the limit: as the RUN writes them', imageLog.written, ''),
    ]),
    '',
    table([
      ['a build command’s lines, at once', 'median', spread, 'towline against it'],
      row('towline, to a screen’s store', commandLog.towline, ''),
      row('docker run, to a pipe', commandLog.command, against(commandLog.against)),
    ]),
  ].join('\n');
}

function thousands(value: number): string {
  return Math.round(value).toLocaleString('en');
}
