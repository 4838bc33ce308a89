import {
  cancelWords,
  changeWords,
  isEnded,
  type Job,
  type JobEvent,
  type JobStep,
  stepWaitsFor,
} from '@towline/core/job';
import { type JobJson, jobToJson } from '@towline/core/protocol';
import { bytes, duration } from '../components/quantity.ts';
import { NOTHING } from './table.ts';

/** `gateway 1.0.0 → 1.1.0`, for each task of a job. */
export function describeTasks({ tasks }: Pick<Job, 'tasks'>): string {
  return tasks
    .map(({ container, from, to }) => `${container} ${from?.tag ?? '(none)'} → ${to.tag || '?'}`)
    .join(', ');
}

/** So many of a failed container's last lines leave the reason in sight. */
export const SHOWN_LINES = 15;

/** `web: DONE: gateway 1.0.0 → 1.1.0 in 3.2 s (job …)`: how a job ended, in one line. */
export function describeJob(job: Job): string {
  const took = span(job.startedAt, job.endedAt);
  return `${job.server}: ${job.state}: ${describeTasks(job)}${took === undefined ? '' : ` in ${took}`} (job ${job.id})`;
}

/**
 * What a person needs who finds a job that did not do what it was told: the last lines of the container that failed (at
 * most `maxLines`), then why, and, where the server could not be restored, what to type. Nothing of a job that did.
 */
export function explainJob(job: Job, maxLines: number): string[] {
  const lines: string[] = [];
  for (const { container, lines: said } of job.logs) {
    const left = said.length - maxLines;
    const more = left > 0 ? ` (\`towline job ${job.id}\` shows ${left} more)` : '';
    lines.push(`The last lines of ${container}${more}:`);
    lines.push(...said.slice(Math.max(left, 0)).map((line) => `  | ${line}`));
  }
  if (job.refusal !== undefined) lines.push(`${job.server}: refused: ${job.refusal.message}`);
  if (job.error !== undefined) lines.push(`${job.server}: failed: ${job.error.message}`);
  const cancelled = cancelWords(job);
  if (cancelled !== undefined) lines.push(`${job.server}: ${cancelled}`);
  if (job.commands.length > 0) {
    lines.push(
      `\`towline restore ${job.server}\` has its agent try again. To bring it back by hand, on its machine:`,
    );
    lines.push(...job.commands.map((command) => `  ${command}`));
  }
  return lines;
}

/** A line for each step that ended, and for a pull that takes long; undefined for events that say nothing new. */
export function describeEvent(job: Job, event: JobEvent): string | undefined {
  if (event.type !== 'step-ended') return undefined;
  const step = job.steps.find(({ id }) => id === event.step);
  if (step === undefined || event.state === 'SKIPPED') return undefined;
  const took = span(step.startedAt, step.endedAt);
  const why = step.message === undefined ? '' : `: ${step.message}`;
  return `${job.server}: ${step.name}: ${event.state}${took === undefined ? '' : ` in ${took}`}${why}`;
}

/** `web 3/9 pull gateway 12.3 MB of 64.0 MB`: what a job does now; undefined between two steps. */
export function describeNow(job: Job): string | undefined {
  const at = job.steps.findIndex(({ state }) => state === 'RUNNING');
  const step = job.steps[at];
  if (step !== undefined) {
    return [
      job.server,
      `${at + 1}/${job.steps.length}`,
      step.name,
      describeProgress(step),
      stepWaitsFor(step),
    ]
      .filter(Boolean)
      .join(' ');
  }
  return isEnded(job.state) || job.steps.length === 0 ? `${job.server} ${job.state}` : undefined;
}

function describeProgress({ kind, progress }: JobStep): string {
  if (progress === undefined || kind !== 'pull') return '';
  const { current, total } = progress;
  return total === undefined ? bytes(current) : `${bytes(current)} of ${bytes(total)}`;
}

/** A job with its steps and their times, as `towline job` shows it. */
export function jobSheet(job: Job, agent: string): string[] {
  return [
    `Job ${job.id}: ${job.state}`,
    `  ${job.service}/${job.map}: ${job.server} on ${agent}, by ${job.operator || NOTHING}`,
    `  ${describeTasks(job)}`,
    `  queued ${job.queuedAt}${job.endedAt === undefined ? '' : `, ended ${job.endedAt}`}`,
    ...job.steps.map((step) => {
      const took = span(step.startedAt, step.endedAt);
      const details = [took, describeProgress(step), step.message ?? stepWaitsFor(step)];
      return `  ${step.state.padEnd(9)} ${[step.name, ...details].filter(Boolean).join('  ')}`;
    }),
    ...(job.changes ?? []).flatMap(({ container, changes }) =>
      changes.length === 0
        ? []
        : [`What differs in the new ${container}:`, ...changes.map((change) => `  ${changeWords(change)}`)],
    ),
    ...explainJob(job, Number.POSITIVE_INFINITY),
  ];
}

/** A job in `--json`: the protocol's shape, with what a person would be shown of a failure. */
export function jobDocument(
  job: Job,
  agent: string,
): JobJson & Pick<Job, 'service' | 'changes' | 'logs' | 'commands'> {
  const { service, changes, logs, commands } = job;
  return { ...jobToJson(job, agent), service, ...(changes !== undefined && { changes }), logs, commands };
}

function span(from: string | undefined, to: string | undefined): string | undefined {
  return from === undefined || to === undefined ? undefined : duration(Date.parse(to) - Date.parse(from));
}
