import { type BuildReport, printBuilds, reportOfBuilds } from './build-report.ts';
import type { BuildMeasures } from './builds.ts';
import {
  printReplacements,
  type ReplacementMeasures,
  type ReplacementReport,
  reportOfReplacements,
} from './replacement-report.ts';
import { table } from './report-text.ts';

interface Machine {
  cores: number;
  engine: string;
  node: string;
}

/** What one run found out, as far as it was to. */
export interface Measured {
  machine: Machine;
  replacements?: ReplacementMeasures;
  builds?: BuildMeasures;
}

/** A goal, how far from it the measurement is, and whether it is met. */
export interface Goal {
  what: string;
  goal: string;
  measured: string;
  met: boolean;
}

export interface Report {
  machine: Machine;
  replacements?: ReplacementReport;
  builds?: BuildReport;
  goals: readonly Goal[];
}

export function reportOf(measured: Measured): Report {
  const { machine } = measured;
  const replacements = measured.replacements && reportOfReplacements(measured.replacements);
  const builds = measured.builds && reportOfBuilds(measured.builds);
  return {
    machine,
    ...(replacements && { replacements }),
    ...(builds && { builds }),
    goals: [...(replacements?.goals ?? []), ...(builds?.goals ?? [])],
  };
}

export function printReport({ machine, replacements, builds, goals }: Report): string {
  return [
    `Docker ${machine.engine}, ${machine.cores} cores, Node ${machine.node}.`,
    ...(replacements ? ['', printReplacements(replacements)] : []),
    ...(builds ? ['', printBuilds(builds)] : []),
    '',
    table([
      ['goal', '', 'measured', ''],
      ...goals.map(
        ({ what, goal, measured, met }) => [what, goal, measured, met ? 'met' : 'MISSED'] as const,
      ),
    ]),
    '',
  ].join('\n');
}
