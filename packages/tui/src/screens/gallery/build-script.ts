import {
  type BuildDefinition,
  type BuildEvent,
  type BuildEventBody,
  type BuildRun,
  type BuildStepKind,
  reduceBuildRun,
  runTag,
  stepsOf,
} from '@towline/core/build';
import type { BuildLogEntry, BuildLogPartOutput } from '@towline/core/protocol';

export interface RunScript {
  service: string;
  definition: BuildDefinition;
  number: number;
  /** The step that fails; none where it succeeds. */
  fails?: BuildStepKind | undefined;
  note?: string;
  only?: BuildStepKind | undefined;
}

const SUBJECTS = [
  'Cart totals are rounded once, at the end',
  'The search box keeps its focus',
  'Prices come with their currency',
  'A page for what is sold out',
  'Fewer requests for the start page',
] as const;

/** One that differs by number, as a repository's would. */
export function commitOf(number: number): { commit: string; subject: string; author: string; date: string } {
  const commit = Array.from({ length: 40 }, (_, at) => ((number * 7 + at * 5) % 16).toString(16)).join('');
  return {
    commit,
    subject: SUBJECTS[number % SUBJECTS.length] ?? '',
    author: 'Grace Hopper',
    date: new Date(Date.UTC(2026, 10, 20, 9) + number * 3_600_000).toISOString(),
  };
}

export function runId({ service, definition, number }: RunScript): string {
  return `run-${service}-${definition.name}-${number}`;
}

/** The events of a run as an agent would tell them, from the first to the last. */
export function runEvents(script: RunScript): BuildEventBody[] {
  const { service, definition, number, fails, note, only } = script;
  const steps = stepsOf(definition, only);
  const bodies: BuildEventBody[] = [
    {
      type: 'queued',
      id: runId(script),
      key: `key-of-${runId(script)}`,
      service,
      build: definition.name,
      number,
      tag: runTag(definition.image.version, number),
      version: definition.image.version,
      image: definition.image.name,
      operator: 'ada@workstation',
      fingerprint: 'f1',
      steps,
      ...(note !== undefined && { note }),
      ...(only !== undefined && { only }),
    },
    { type: 'started' },
  ];
  for (const step of steps) {
    bodies.push({ type: 'step-started', step });
    if (step === 'download') bodies.push({ type: 'resolved-commit', ref: 'main', ...commitOf(number) });
    if (step === 'create-image') bodies.push(...vertices(fails === step));
    if (step === 'push') {
      for (const share of [0.2, 0.6, 1]) {
        bodies.push({ type: 'step-progress', step, current: 42_000_000 * share, total: 42_000_000 });
      }
    }
    if (fails === step) {
      const error = {
        code: 'step-failed',
        message: `${step === 'create-image' ? 'Dockerfile:4: RUN npm test ended with 1' : 'It failed'}. The last lines of its log say why.`,
        line: { text: 'npm error: 3 of 412 tests failed', number: 4, seq: logLength(script, step) - 2 },
      };
      bodies.push(
        { type: 'step-ended', step, state: 'ERROR', error },
        { type: 'ended', state: 'ERROR', error },
      );
      return bodies;
    }
    if (step === 'create-image')
      bodies.push({ type: 'image', imageId: `sha256:${number}`, size: 61_400_000 + number });
    if (step === 'push') bodies.push({ type: 'pushed', digest: `sha256:${commitOf(number + 3).commit}` });
    bodies.push({ type: 'step-ended', step, state: 'DONE' });
  }
  bodies.push({ type: 'ended', state: 'DONE' });
  return bodies;
}

function vertices(fails: boolean): BuildEventBody[] {
  const names = [
    '[1/4] FROM docker.io/library/node:22',
    '[2/4] WORKDIR /srv',
    '[3/4] COPY . /srv',
    '[4/4] RUN npm test',
  ];
  return names.flatMap((name, at): BuildEventBody[] => {
    const vertex = { type: 'vertex' as const, step: 'create-image' as const, id: `v${at}`, name };
    if (at < 2) return [{ ...vertex, state: 'CACHED' }];
    const begun = { ...vertex, startedAt: '2026-11-24T12:00:00.000Z' };
    const endedAt = '2026-11-24T12:00:03.200Z';
    return [
      { ...begun, state: 'RUNNING' },
      { ...begun, endedAt, state: fails && at === 3 ? 'ERROR' : 'DONE' },
    ];
  });
}

/** A run that was over some time ago. */
export function endedRun(script: RunScript, at: number): BuildRun | undefined {
  return runEvents(script).reduce<BuildRun | undefined>((run, body, index) => {
    const event: BuildEvent = { ...body, seq: index + 1, at: new Date(at + index * 400).toISOString() };
    return reduceBuildRun(run, event);
  }, undefined);
}

/** How many lines a step's log has: a million, where a command prints much. */
export function logLength({ definition }: Pick<RunScript, 'definition'>, step: BuildStepKind): number {
  if (step === 'build') return definition.name === 'storefront' ? 1_000_000 : 400;
  return step === 'create-image' ? 24 : 12;
}

/** One of them, made when it is asked for. */
const LONG_LINE_BYTES = 1_048_576;
const LONG_LINE_END = ' and this is its end';

/** A part of the one line that comes cut. */
export function logPart(at: number, until: number): BuildLogPartOutput {
  const to = Math.min(until, LONG_LINE_BYTES);
  const [end, next] = to === LONG_LINE_BYTES ? [LONG_LINE_END, {}] : ['', { next: to }];
  return { text: '漢'.repeat((to - at - end.length) / 3) + end, from: at, ...next };
}

export function logLine(step: BuildStepKind, seq: number, length: number): BuildLogEntry {
  if (step === 'create-image' && seq % 6 === 1) {
    const names = [
      '[1/4] FROM docker.io/library/node:22',
      '[2/4] WORKDIR /srv',
      '[3/4] COPY . /srv',
      '[4/4] RUN npm test',
    ];
    return { seq, text: names[Math.floor(seq / 6)] ?? '' };
  }
  if (seq === length - 2) return { seq, text: 'npm error: 3 of 412 tests failed', stream: 'stderr' };
  if (seq === 500_000) return { seq, text: '漢字'.repeat(10_922), bytes: LONG_LINE_BYTES };
  if (seq % 97 === 0) return { seq, text: `\u001b[33mwarn\u001b[0m ${seq} deprecated`, stream: 'stderr' };
  return { seq, text: `${seq} ${step} node_modules/module-${seq % 1000}/index.js` };
}
