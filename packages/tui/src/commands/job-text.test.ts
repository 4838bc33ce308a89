import type { Job, JobStep } from '@towline/core/job';
import { describe, expect, test } from 'vitest';
import { describeEvent, describeJob, describeNow, explainJob, jobDocument, jobSheet } from './job-text.ts';

const AT = '2026-01-01T10:00:00.000Z';
const LATER = '2026-01-01T10:00:03.200Z';

function step(change: Partial<JobStep> = {}): JobStep {
  return {
    id: 's1',
    name: 'pull gateway',
    kind: 'pull',
    container: 'gateway',
    state: 'DONE',
    startedAt: AT,
    endedAt: LATER,
    ...change,
  };
}

function job(change: Partial<Job> = {}): Job {
  return {
    id: 'j1',
    key: 'key',
    service: 'shop',
    map: 'demo',
    server: 'web',
    operator: 'ana',
    state: 'DONE',
    tasks: [{ container: 'gateway', mode: 'image-tag', from: { tag: '1.0.0' }, to: { tag: '1.1.0' } }],
    steps: [step()],
    logs: [],
    commands: [],
    queuedAt: AT,
    startedAt: AT,
    endedAt: LATER,
    lastSeq: 9,
    ...change,
  };
}

test('how a job ended, in one line', () => {
  expect(describeJob(job())).toBe('web: DONE: gateway 1.0.0 → 1.1.0 in 3.2 s (job j1)');
  const { startedAt: _, ...refused } = job({
    state: 'REFUSED',
    tasks: [{ container: 'a', mode: 'latest', to: { tag: '' } }],
  });
  expect(describeJob(refused)).toBe('web: REFUSED: a (none) → ? (job j1)');
});

describe('what a person is told of a failure', () => {
  test('nothing of a job that did what it was told', () => {
    expect(explainJob(job(), 5)).toEqual([]);
  });

  test('the container’s last lines, then why', () => {
    const lines = Array.from({ length: 8 }, (_, index) => `line ${index + 1}`);
    const failed = job({
      state: 'RESTORED',
      error: { code: 'gate', message: 'It ended with 7.' },
      logs: [{ container: 'gateway', lines }],
    });
    expect(explainJob(failed, 3)).toEqual([
      'The last lines of gateway (`towline job j1` shows 5 more):',
      '  | line 6',
      '  | line 7',
      '  | line 8',
      'web: failed: It ended with 7.',
    ]);
    expect(explainJob(failed, 8)).toContain('  | line 1');
  });

  test('of a degraded server the exact commands, last', () => {
    const commands = ['docker rename a b', 'docker start b'];
    const degraded = job({
      state: 'DEGRADED',
      error: { code: 'restore', message: 'It did not start.' },
      commands,
    });
    expect(explainJob(degraded, 5)).toEqual([
      'web: failed: It did not start.',
      '`towline restore web` has its agent try again. To bring it back by hand, on its machine:',
      '  docker rename a b',
      '  docker start b',
    ]);
    expect(jobDocument(degraded, 'alpha')).toMatchObject({ state: 'DEGRADED', agent: 'alpha', commands });
  });

  test('who cancelled it, also where it failed or goes on, and not where it was done', () => {
    const said = (state: Job['state']) => explainJob(job({ state, cancelledBy: 'ben' }), 5);
    expect(said('CANCELLED')).toEqual(['web: cancelled by ben']);
    expect(said('DEGRADED')).toEqual(['web: cancelled by ben']);
    expect(said('RUNNING')).toEqual(['web: being cancelled by ben']);
    expect(said('DONE')).toEqual([]);
  });

  test('why a rule refused it', () => {
    const refused = job({ state: 'REFUSED', refusal: { code: 'tag-not-found', message: 'There is no 9.' } });
    expect(explainJob(refused, 5)).toEqual(['web: refused: There is no 9.']);
  });
});

describe('what it does now', () => {
  const running = (steps: JobStep[]) => describeNow(job({ state: 'RUNNING', steps }));

  test.each<[JobStep[], string | undefined]>([
    [[], 'web RUNNING'],
    [[step(), step({ id: 's2', state: 'RUNNING' })], 'web 2/2 pull gateway'],
    [[step({ state: 'RUNNING', progress: { current: 1_000_000 } })], 'web 1/1 pull gateway 1.00 MB'],
    [
      [step({ state: 'RUNNING', progress: { current: 1_000_000, total: 64_000_000 } })],
      'web 1/1 pull gateway 1.00 MB of 64.0 MB',
    ],
    [
      [
        step({
          name: 'wait for the build of gateway',
          kind: 'await-build',
          state: 'RUNNING',
          detail: '1.4.0.B000007',
          progress: { current: 2, total: 4, detail: 'CREATE IMAGE' },
        }),
      ],
      'web 1/1 wait for the build of gateway 1.4.0.B000007; 2/4 CREATE IMAGE',
    ],
    [
      [
        step({
          kind: 'gate',
          name: 'check gateway',
          state: 'RUNNING',
          detail: 'asks GET :80/ every 1 s',
          progress: { current: 9, detail: 'last: 503, 2 of 3 failures' },
        }),
      ],
      'web 1/1 check gateway asks GET :80/ every 1 s; last: 503, 2 of 3 failures',
    ],
    [[step({ kind: 'gate', name: 'check gateway', state: 'RUNNING' })], 'web 1/1 check gateway'],
    [[step(), step({ id: 's2', state: 'WAIT' })], undefined],
  ])('%#', (steps, expected) => {
    expect(running(steps)).toBe(expected);
  });

  test('at its end that', () => {
    expect(describeNow(job())).toBe('web DONE');
  });
});

test('a line for each step that ended, none for one that was left out', () => {
  const ended = { type: 'step-ended', seq: 3, at: LATER, step: 's1' } as const;
  expect(describeEvent(job(), { ...ended, state: 'DONE' })).toBe('web: pull gateway: DONE in 3.2 s');
  expect(describeEvent(job({ steps: [step({ message: 'no route' })] }), { ...ended, state: 'ERROR' })).toBe(
    'web: pull gateway: ERROR in 3.2 s: no route',
  );
  expect(describeEvent(job(), { ...ended, state: 'SKIPPED' })).toBeUndefined();
  expect(describeEvent(job(), { type: 'started', seq: 2, at: AT })).toBeUndefined();
});

test('a job’s sheet has its steps with their times', () => {
  expect(jobSheet(job(), 'alpha')).toEqual([
    'Job j1: DONE',
    '  shop/demo: web on alpha, by ana',
    '  gateway 1.0.0 → 1.1.0',
    `  queued ${AT}, ended ${LATER}`,
    '  DONE      pull gateway  3.2 s',
  ]);
});
