import type { BuildRun } from '@towline/core/build';
import { expect, test } from 'vitest';
import { describeBuildEvent, describeBuildNow, describeRun, explainRun, runSheet } from './build-text.ts';

const at = (second: number) => `2026-11-24T16:00:${String(second).padStart(2, '0')}.000Z`;

const RUN: BuildRun = {
  id: 'r27',
  key: 'key-of-r27',
  service: 'shop',
  build: 'storefront',
  number: 27,
  tag: '1.4.0.B000027',
  version: '1.4.0',
  image: 'shop/storefront',
  operator: 'ada',
  fingerprint: 'f',
  state: 'DONE',
  steps: [
    { kind: 'download', state: 'DONE', startedAt: at(1), endedAt: at(2) },
    { kind: 'create-image', state: 'DONE', startedAt: at(2), endedAt: at(13) },
  ],
  commit: { commit: '3f2a91c4'.repeat(5), ref: 'main', subject: 'Sell pears', author: 'Ada', date: at(0) },
  vertices: [],
  queuedAt: at(0),
  startedAt: at(1),
  endedAt: at(13),
  lastSeq: 9,
};

test('a run in one line: how it ended, its tag and its commit', () => {
  expect(describeRun(RUN)).toBe('storefront: DONE: 1.4.0.B000027 of 3f2a91c4 Sell pears in 12 s');
  expect(explainRun(RUN)).toEqual([]);
  expect(runSheet({ ...RUN, note: 'for the weekend' })).toEqual([
    'storefront 1.4.0.B000027: DONE',
    `  by ada, queued ${at(0)}, ended ${at(13)}`,
    '  main is 3f2a91c4 Sell pears',
    '  note: for the weekend',
    '  DONE      DOWNLOAD  1.0 s',
    '  DONE      CREATE IMAGE  11 s',
  ]);
});

test('a run that failed says in which step, why, and on which line', () => {
  const error = {
    code: 'dockerfile',
    message: 'The Dockerfile has an unknown instruction.',
    line: { text: 'COPPY . /srv', number: 3 },
  };
  const failed: BuildRun = {
    ...RUN,
    state: 'ERROR',
    steps: [
      RUN.steps[0] ?? { kind: 'download', state: 'DONE' },
      { kind: 'create-image', state: 'ERROR', error },
    ],
  };
  expect(describeRun(failed)).toMatch(/^storefront: ERROR 2\/2: /);
  expect(explainRun(failed)).toEqual([
    'storefront: failed in CREATE IMAGE: The Dockerfile has an unknown instruction.',
    '  | Dockerfile:3: COPPY . /srv',
  ]);
  const told = { ...error, message: 'The Dockerfile has an error.\nDockerfile:3: COPPY . /srv' };
  expect(explainRun({ ...RUN, state: 'ERROR', steps: [], error: told })).toEqual([
    'storefront: failed: The Dockerfile has an error.\nDockerfile:3: COPPY . /srv',
  ]);
  const inOutput = { ...error, line: { text: 'no apples', seq: 12 } };
  expect(explainRun({ ...RUN, state: 'ERROR', steps: [], error: inOutput })).toEqual([
    'storefront: failed: The Dockerfile has an unknown instruction.',
    '  | no apples',
  ]);
});

test('a run that was cancelled says by whom', () => {
  expect(explainRun({ ...RUN, state: 'CANCELLED', cancelledBy: 'ben' })).toEqual([
    'storefront: cancelled by ben',
  ]);
});

test('what happens is a line where something ended, and a commit is told once', () => {
  const ended = { seq: 4, at: at(13), type: 'step-ended', step: 'create-image', state: 'DONE' } as const;
  expect(describeBuildEvent(RUN, ended)).toBe('storefront: CREATE IMAGE: DONE in 11 s');
  const error = {
    code: 'build-step-failed',
    message: 'RUN make failed: exit code: 2\nno rule to make apples',
  };
  expect(describeBuildEvent(RUN, { ...ended, state: 'ERROR', error })).toBe(
    'storefront: CREATE IMAGE: ERROR in 11 s: RUN make failed: exit code: 2',
  );
  const { ref, ...commit } = RUN.commit ?? { ref: '', commit: '', subject: '', author: '', date: '' };
  const resolved = { seq: 3, at: at(1), type: 'resolved-commit', ref, ...commit } as const;
  expect(describeBuildEvent(RUN, resolved)).toBe('storefront: main is 3f2a91c4 Sell pears');
  expect(describeBuildEvent(RUN, { ...resolved, subject: '' })).toBeUndefined();
  expect(describeBuildEvent(RUN, { seq: 2, at: at(1), type: 'started' })).toBeUndefined();
});

test('what it does now: the step, and how far that is', () => {
  const pushing: BuildRun = {
    ...RUN,
    state: 'RUNNING',
    steps: [
      { kind: 'create-image', state: 'DONE' },
      { kind: 'push', state: 'RUNNING', progress: { current: 1_500_000, total: 3_000_000 } },
    ],
  };
  expect(describeBuildNow(pushing)).toBe('storefront 2/2 PUSH 1.50 MB of 3.00 MB');
  expect(describeBuildNow({ ...RUN, state: 'QUEUED', steps: [{ kind: 'download', state: 'WAIT' }] })).toBe(
    'storefront QUEUED',
  );
});
