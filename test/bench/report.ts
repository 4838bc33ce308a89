import { type BuildReport, printBuilds, reportOfBuilds } from './build-report.ts';
import type { BuildMeasures } from './builds.ts';
import { type LinkReport, printLinks, reportOfLinks } from './link-report.ts';
import type { LinkMeasures } from './links.ts';
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
  links?: LinkMeasures;
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
  links?: LinkReport;
  goals: readonly Goal[];
}

export function reportOf(measured: Measured): Report {
  const { machine } = measured;
  const replacements = measured.replacements && reportOfReplacements(measured.replacements);
  const builds = measured.builds && reportOfBuilds(measured.builds);
  const links = measured.links && reportOfLinks(measured.links);
  return {
    machine,
    ...(replacements && { replacements }),
    ...(builds && { builds }),
    ...(links && { links }),
    goals: [...(replacements?.goals ?? []), ...(builds?.goals ?? []), ...(links?.goals ?? [])],
  };
}

export function printReport({ machine, replacements, builds, links, goals }: Report): string {
  return [
    `Docker ${machine.engine}, ${machine.cores} cores, Node ${machine.node}.`,
    ...(replacements ? ['', printReplacements(replacements)] : []),
    ...(builds ? ['', printBuilds(builds)] : []),
    ...(links ? ['', printLinks(links)] : []),
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
