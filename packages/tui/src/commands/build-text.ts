import {
  type BuildEvent,
  type BuildRun,
  type BuildStep,
  buildStepName,
  isRunEnded,
  reasonLine,
  runStateWords,
} from '@towline/core/build';
import { bytes, duration } from '../components/quantity.ts';
import { shortDigest } from './short-digest.ts';

/** `storefront: DONE: 1.4.0.B000027 of 3f2a91c Name the version in 12 s`: how a run ended, in one line. */
export function describeRun(run: BuildRun): string {
  const took = span(run.startedAt, run.endedAt);
  const of = run.commit === undefined ? '' : ` of ${describeCommit(run.commit)}`;
  return `${run.build}: ${runStateWords(run)}: ${run.tag}${of}${took === undefined ? '' : ` in ${took}`}`;
}

/** `3f2a91c4 Name the version`. */
export function describeCommit({ commit, subject }: { commit: string; subject: string }): string {
  return `${shortCommit(commit)} ${subject}`.trimEnd();
}

/** As people say a commit: its first 8 digits. */
export function shortCommit(commit: string): string {
  return commit.slice(0, 8);
}

/** Why a run did not make its image; nothing of one that did. */
export function explainRun(run: BuildRun): string[] {
  const step = run.steps.find(({ state }) => state === 'ERROR');
  const error = step?.error ?? run.error;
  if (error === undefined) {
    return run.state === 'CANCELLED'
      ? [`${run.build}: cancelled${run.cancelledBy === undefined ? '' : ` by ${run.cancelledBy}`}`]
      : [];
  }
  const where = step === undefined ? '' : ` in ${buildStepName(step.kind)}`;
  const said = `${run.build}: failed${where}: ${error.message}`;
  // Most reasons have their line in them.
  if (error.line === undefined || error.message.includes(error.line.text)) return [said];
  const at = error.line.number === undefined ? '' : `Dockerfile:${error.line.number}: `;
  return [said, `  | ${at}${error.line.text}`];
}

/** A line for each step that ended; undefined for events that say nothing new to who reads lines. */
export function describeBuildEvent(run: BuildRun, event: BuildEvent): string | undefined {
  switch (event.type) {
    case 'queued':
      return `${run.build}: ${run.tag} is queued`;
    case 'resolved-commit':
      // It comes a second time when more than its digits is known of it.
      return event.subject === '' ? undefined : `${run.build}: ${event.ref} is ${describeCommit(event)}`;
    case 'step-ended': {
      const step = run.steps.find(({ kind }) => kind === event.step);
      const took = span(step?.startedAt, step?.endedAt);
      // All of it is told once more at the run's end.
      const why = event.error === undefined ? '' : `: ${reasonLine(event.error.message)}`;
      return `${run.build}: ${buildStepName(event.step)}: ${event.state}${took === undefined ? '' : ` in ${took}`}${why}`;
    }
    default:
      return undefined;
  }
}

/** `storefront 2/4 BUILD`: what a run does now. */
export function describeBuildNow(run: BuildRun): string {
  const at = run.steps.findIndex(({ state }) => state === 'RUNNING');
  const step = run.steps[at];
  if (step === undefined) return `${run.build} ${runStateWords(run)}`;
  return [run.build, `${at + 1}/${run.steps.length}`, buildStepName(step.kind), describeProgress(step)]
    .filter(Boolean)
    .join(' ');
}

function describeProgress({ progress }: BuildStep): string {
  if (progress === undefined) return '';
  const { current, total } = progress;
  return total === undefined ? bytes(current) : `${bytes(current)} of ${bytes(total)}`;
}

/** A run with its steps and their times. */
export function runSheet(run: BuildRun): string[] {
  return [
    `${run.build} ${run.tag}: ${runStateWords(run)}`,
    `  by ${run.operator}, queued ${run.queuedAt}${run.endedAt === undefined ? '' : `, ended ${run.endedAt}`}`,
    ...(run.commit === undefined ? [] : [`  ${run.commit.ref} is ${describeCommit(run.commit)}`]),
    ...(run.note === undefined ? [] : [`  note: ${run.note}`]),
    ...run.steps.map((step) => {
      const details = [span(step.startedAt, step.endedAt), describeProgress(step), step.error?.message];
      return `  ${step.state.padEnd(9)} ${[buildStepName(step.kind), ...details].filter(Boolean).join('  ')}`;
    }),
    ...(run.pushed === undefined ? [] : [`  pushed as ${shortDigest(run.pushed.digest)}`]),
  ];
}

/** The Dockerfile's steps, with what each came to. */
export function vertexLines({ vertices, verticesLeftOut = 0 }: BuildRun): string[] {
  return [
    ...vertices.map(({ name, state, startedAt, endedAt, error }) => {
      const details = [span(startedAt, endedAt), error];
      return `  ${state.padEnd(9)} ${[name, ...details].filter(Boolean).join('  ')}`;
    }),
    ...(verticesLeftOut === 0 ? [] : [`  and ${verticesLeftOut} more`]),
  ];
}

/** A run in `--json`. Fields are added here, never renamed or removed. */
export function runDocument(run: BuildRun, agent: string) {
  return {
    id: run.id,
    service: run.service,
    build: run.build,
    agent,
    tag: run.tag,
    number: run.number,
    version: run.version,
    image: run.image,
    state: run.state,
    steps: run.steps.map(({ kind, state, startedAt, endedAt, error }) => ({
      name: buildStepName(kind),
      step: kind,
      state,
      ...(startedAt !== undefined && { startedAt }),
      ...(endedAt !== undefined && { endedAt }),
      ...(error !== undefined && { error }),
    })),
    commit: run.commit ?? null,
    imageId: run.imageId ?? null,
    size: run.size ?? null,
    digest: run.pushed?.digest ?? null,
    note: run.note ?? null,
    operator: run.operator,
    cancelledBy: run.cancelledBy ?? null,
    error: run.error ?? null,
    queuedAt: run.queuedAt,
    ...(run.startedAt !== undefined && { startedAt: run.startedAt }),
    ...(run.endedAt !== undefined && { endedAt: run.endedAt }),
  };
}

/** How long a run took, where it is over. */
export function runTook(run: BuildRun): string | undefined {
  return isRunEnded(run.state) ? span(run.startedAt, run.endedAt) : undefined;
}

function span(from: string | undefined, to: string | undefined): string | undefined {
  return from === undefined || to === undefined ? undefined : duration(Date.parse(to) - Date.parse(from));
}
