import { describe, expect, test } from 'vitest';
import type { BuildRun } from '../build/index.ts';
import type { Job, JobStep } from '../job/index.ts';
import type { ExecuteInput } from '../protocol/index.ts';
import {
  type AwaitDecision,
  awaitedTasks,
  decideAwait,
  type RunStanding,
  standingOf,
  waitedForBuilds,
} from './index.ts';

const RUN: BuildRun = {
  id: 'r',
  key: 'k',
  service: 'shop',
  build: 'site',
  number: 1,
  tag: '1.B000001',
  version: '1',
  image: 'r.io/site',
  operator: 'ann',
  fingerprint: 'f',
  state: 'RUNNING',
  steps: [
    { kind: 'download', state: 'DONE' },
    { kind: 'create-image', state: 'WAIT' },
    { kind: 'push', state: 'WAIT' },
  ],
  vertices: [],
  queuedAt: 'q',
  lastSeq: 1,
};

type Steps = BuildRun['steps'];
const queued: Steps = RUN.steps.map(({ kind }) => ({ kind, state: 'WAIT' }));
const creating: Steps = RUN.steps.map((step) =>
  step.kind === 'create-image' ? { ...step, state: 'RUNNING' } : step,
);

test.each<[string, Partial<BuildRun> | undefined, RunStanding]>([
  [
    'waits in the queue',
    { state: 'QUEUED', steps: queued },
    { state: 'WAIT', current: 0, total: 3, detail: 'QUEUED' },
  ],
  ['runs a step', { steps: creating }, { state: 'WAIT', current: 2, total: 3, detail: 'CREATE IMAGE' }],
  ['is between two steps', {}, { state: 'WAIT', current: 1, total: 3, detail: 'RUNNING' }],
  ['made its image', { state: 'DONE', imageId: 'sha256:1' }, { state: 'BUILT' }],
  [
    'was cancelled',
    { state: 'CANCELLED', cancelledBy: 'bob' },
    { state: 'FAILED', message: 'The build site (1.B000001) was cancelled by bob.' },
  ],
  ['nobody knows', undefined, { state: 'BUILT' }],
])('a run that %s', (_, change, standing) => {
  expect(standingOf(change === undefined ? undefined : { ...RUN, ...change })).toEqual(standing);
});

const WAITS: RunStanding = { state: 'WAIT', current: 1, total: 3, detail: 'DOWNLOAD' };
const BUILT: RunStanding = { state: 'BUILT' };
const FAILED: RunStanding = { state: 'FAILED', message: 'The build site (1.B000001) failed.' };
const REFUSED: AwaitDecision = {
  do: 'refuse',
  container: 'c1',
  message: 'The build site (1.B000001) failed. Nothing was deployed on web: what runs there keeps running.',
};

test.each<[string, RunStanding[], AwaitDecision]>([
  ['nothing is built', [], { do: 'deploy' }],
  ['all is built', [BUILT, BUILT], { do: 'deploy' }],
  ['one is built still', [BUILT, WAITS], { do: 'wait' }],
  ['one failed, and another is built still', [WAITS, FAILED], REFUSED],
  ['one failed, and another is there', [BUILT, FAILED], REFUSED],
])('a job of which %s', (_, standings, decision) => {
  const all = standings.map((standing, at) => ({ task: { container: `c${at}` }, standing }));
  expect(decideAwait('web', all)).toEqual(decision);
});

const INPUT: ExecuteInput = {
  key: 'key-of-it',
  service: 'shop',
  map: 'demo',
  server: 'web',
  operator: 'ann',
  containers: [
    { name: 'site', image: 'r.io/site', kind: 'built', build: { name: 'site', here: true } },
    { name: 'api', image: 'r.io/api', kind: 'built', build: { name: 'api', here: false } },
    { name: 'nginx', image: 'nginx', kind: 'common' },
  ],
  choices: [],
};
const built = { mode: 'build-deploy', confirmed: true, built: '1.B000001' } as const;

describe('the tasks that wait', () => {
  test.each<[string, ExecuteInput['choices'][number], number]>([
    ['built here', { container: 'site', choice: built }, 1],
    ['built elsewhere', { container: 'api', choice: built }, 0],
    ['of a run that nobody began', { container: 'site', choice: { ...built, built: undefined } }, 0],
    ['of an image that was there', { container: 'site', choice: { mode: 'designated', tag: '1' } }, 0],
    ['of a common image', { container: 'nginx', choice: { mode: 'image-tag', tag: '2' } }, 0],
  ])('%s', (_, choice, count) => {
    const tasks = awaitedTasks({ ...INPUT, choices: [choice] });
    expect(tasks).toEqual(Array(count).fill({ container: 'site', build: 'site', tag: '1.B000001' }));
  });
});

describe('a job that was cut off', () => {
  const step = (kind: JobStep['kind'], state: JobStep['state']): JobStep => ({
    id: kind,
    name: kind,
    kind,
    container: 'site',
    state,
  });
  const cut: [string, Pick<Job, 'state' | 'steps'>, boolean][] = [
    ['before its first step', { state: 'QUEUED', steps: [] }, true],
    [
      'while it waited',
      { state: 'RUNNING', steps: [step('await-build', 'RUNNING'), step('resolve', 'WAIT')] },
      true,
    ],
    [
      'when it was built',
      { state: 'RUNNING', steps: [step('await-build', 'DONE'), step('resolve', 'WAIT')] },
      true,
    ],
    [
      'after that',
      { state: 'RUNNING', steps: [step('await-build', 'DONE'), step('resolve', 'RUNNING')] },
      false,
    ],
    ['after its end', { state: 'REFUSED', steps: [step('await-build', 'ERROR')] }, false],
  ];
  test.each(cut)('%s', (_, job, waited) => {
    const input = { ...INPUT, choices: [{ container: 'site', choice: built }] };
    expect(waitedForBuilds(job, false, input)).toBe(waited);
    expect(waitedForBuilds(job, true, input)).toBe(false);
    expect(waitedForBuilds(job, false, INPUT)).toBe(false);
  });
});
