import type { LinkMeasures } from './links.ts';
import type { Goal } from './report.ts';
import { ms, table, times } from './report-text.ts';
import { compare, type Summary, summarise } from './statistics.ts';

type ByWay = Record<'unix' | 'ssh' | 'plainSsh', Summary>;

export interface LinkReport {
  roundTrip: ByWay;
  lines: ByWay;
  attacked: { rubbish: Summary; flood: Summary };
  status: readonly { agents: number; wall: Summary }[];
  idle: { agentBytes: number; nodeBytes: number; cpuPercent: number; seconds: number };
  /** How one stands to `ssh` with the same bytes. */
  ratios: { roundTrip: number; lines: number; rubbish: number; flood: number; memory: number };
  goals: readonly Goal[];
}

export function reportOfLinks({ roundTrip, lines, attacked, status, idle }: LinkMeasures): LinkReport {
  const byWay = (samples: LinkMeasures['lines']): ByWay => ({
    unix: summarise(samples.unix),
    ssh: summarise(samples.ssh),
    plainSsh: summarise(samples.plainSsh),
  });
  const agentBytes = summarise(idle.memory.agent).median;
  const nodeBytes = summarise(idle.memory.node).median;
  const cpuPercent = summarise(idle.cpu).median;
  const memory = agentBytes / nodeBytes;
  return {
    roundTrip: byWay(roundTrip),
    lines: byWay(lines),
    attacked: { rubbish: summarise(attacked.rubbish), flood: summarise(attacked.flood) },
    status: status.map(({ agents, wall }) => ({ agents, wall: summarise(wall) })),
    idle: { agentBytes, nodeBytes, cpuPercent, seconds: idle.seconds },
    ratios: {
      roundTrip: compare(roundTrip.ssh, roundTrip.plainSsh).ratio,
      lines: compare(lines.ssh, lines.plainSsh).ratio,
      rubbish: compare(attacked.rubbish, roundTrip.unix).ratio,
      flood: compare(attacked.flood, roundTrip.unix).ratio,
      memory,
    },
    goals: [
      {
        what: 'memory of an idle agent, of an idle Node',
        goal: 'at most ×1.5',
        measured: times(memory),
        met: memory <= 1.5,
      },
      {
        what: `an idle agent's share of a core, in ${idle.seconds} s`,
        goal: 'under 0.1 %',
        measured: `${cpuPercent.toFixed(3)} %`,
        met: cpuPercent < 0.1,
      },
    ],
  };
}

export function printLinks({ roundTrip, lines, attacked, status, idle, ratios }: LinkReport): string {
  const [first] = status;
  const mb = (bytes: number) => `${(bytes / 1024 / 1024).toFixed(1)} MB`;
  const trip = ({ median, p99 }: Summary) => `${ms(median)} ms, at most ${ms(p99)}`;
  const rate = ({ median }: Summary) => `${Math.round(median / 1000)}k lines/s`;
  return [
    table([
      ['links', 'Unix socket', 'over SSH', 'ssh with the same bytes'],
      ['question and answer', trip(roundTrip.unix), trip(roundTrip.ssh), trip(roundTrip.plainSsh)],
      ['a log, line by line', rate(lines.unix), rate(lines.ssh), rate(lines.plainSsh)],
    ]),
    '',
    `Over SSH, as to ssh itself: question and answer ${times(ratios.roundTrip)}, lines a second ${times(ratios.lines)}.`,
    `By its socket while it is sent rubbish: question and answer ${trip(attacked.rubbish)}, ${times(ratios.rubbish)} of what they take else.`,
    `And while strangers flood its network's door: ${trip(attacked.flood)}, ${times(ratios.flood)}.`,
    `An idle agent: ${mb(idle.agentBytes)}; an idle Node: ${mb(idle.nodeBytes)}.`,
    '',
    table([
      ['towline status', '', 'median', 'as to the first'],
      ...status.map(
        ({ agents, wall }) =>
          [
            `${agents} agents`,
            '',
            `${ms(wall.median)} ms`,
            times(wall.median / (first?.wall.median ?? Number.NaN)),
          ] as const,
      ),
    ]),
  ].join('\n');
}
