import type { Job } from '@towline/core/job';
import { expect, test } from 'vitest';
import { jobHead } from './job-lines.ts';
import { someJob } from './some-job.ts';

function text(job: Job): string {
  return jobHead(job, 120, 0, undefined)
    .map(({ spans }) => spans.map((one) => one.text).join(''))
    .join('\n');
}

function head(state: Job['state'], from: string | undefined, message?: string): string {
  return text(
    someJob({
      state,
      tasks: [
        {
          container: 'gateway',
          mode: 'image-tag',
          ...(from !== undefined && { from: { tag: from } }),
          to: { tag: '2' },
        },
      ],
      ...(message !== undefined && { error: { code: 'exited', message } }),
    }),
  );
}

test('who cancelled it is said while it ends and afterwards, and not where it was finished', () => {
  const cancelled = (state: Job['state']) => text(someJob({ state, cancelledBy: 'ben' }));
  expect(cancelled('RUNNING')).toContain('being cancelled by ben');
  for (const state of ['CANCELLED', 'RESTORED', 'DEGRADED'] as const) {
    expect(cancelled(state)).toMatch(/ {3}cancelled by ben/);
  }
  expect(cancelled('DONE')).not.toContain('ben');
});

test('what an operator calls themselves is text, and nothing to a terminal', () => {
  const said = text(
    someJob({ state: 'RUNNING', operator: 'an\u001b[2Ja', cancelledBy: 'b\u001b]0;x\u0007en' }),
  );
  expect(said).toContain('by ana   being cancelled by ben');
});

test('an end says what serves, once, and an old version only where there was one', () => {
  expect(head('RESTORED', '1', 'It exited.')).toContain('The old version serves again');
  expect(head('RESTORED', '1', 'It exited. The old version serves again.').match(/serves/g)).toHaveLength(1);
  const first = 'It exited. There was no old version: what was created is removed, and nothing serves.';
  expect(head('RESTORED', undefined, first).match(/serves/g)).toHaveLength(1);
  expect(head('CANCELLED', '1')).toContain('The old version serves.');
  expect(head('CANCELLED', undefined)).toContain('There was no old version');
  expect(head('RESTORED', '1', 'No such layer. Nothing was touched.')).not.toContain('serves');
});
