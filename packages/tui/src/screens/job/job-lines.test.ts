import type { Job, JobStep } from '@towline/core/job';
import { expect, test } from 'vitest';
import { lineText } from '../../components/index.ts';
import { jobBody, naturalTop } from './job-lines.ts';
import { someJob } from './some-job.ts';

function jobOf(...steps: JobStep[]): Job {
  return someJob({ server: 'front', steps });
}

function bodyOf(...steps: JobStep[]): string[] {
  return jobBody(jobOf(...steps), 120, 0).map(({ spans }) =>
    spans
      .map(({ text }) => text)
      .join('')
      .trimEnd(),
  );
}

const step = (kind: JobStep['kind'], container: string, more: Partial<JobStep> = {}): JobStep => ({
  id: `${kind}:${container}`,
  name: `${kind} ${container}`,
  kind,
  container,
  state: 'DONE',
  ...more,
});

test('one container needs no name, and the server’s commit makes it no two', () => {
  expect(bodyOf(step('create', 'gateway'), step('commit', 'front')).join('\n')).not.toMatch(/gateway|front/);
});

test('one that nobody chose is named beside it, with why it is touched', () => {
  const lines = bodyOf(
    step('stop-old', 'sidecar', { state: 'RUNNING', detail: 'shares the network of gateway' }),
    step('stop-old', 'gateway', { state: 'WAIT' }),
    step('create', 'sidecar', { message: 'shares the network of gateway; the same settings' }),
  );
  expect(lines[0]).toMatch(/RUNNING +sidecar +stop the old container +shares the network of gateway$/);
  expect(lines[1]).toMatch(/WAIT +gateway +stop the old container$/);
  expect(lines[2]).toMatch(
    /sidecar +create the new container +shares the network of gateway; the same settings$/,
  );
});

test('a check says what it waits for while it runs, and what came of it then', () => {
  const gate = step('gate', 'gateway', {
    detail: 'asks GET :80/ every 1 s',
    progress: { current: 3, detail: 'last: 503, 2 of 3 failures' },
  });
  expect(bodyOf({ ...gate, state: 'RUNNING' }).join(' ')).toContain(
    'asks GET :80/ every 1 s; last: 503, 2 of 3 failures',
  );
  const [done] = bodyOf({ ...gate, message: 'GET :80/: 200' });
  expect(done).toMatch(/check the new container +GET :80\/: 200$/);
});

test('a job that failed is shown at the step that failed, not at those that were left out after it', () => {
  const steps = [
    step('await-build', 'gateway', { state: 'ERROR' }),
    ...Array.from({ length: 9 }, () => step('resolve', 'gateway', { state: 'SKIPPED' })),
  ];
  const job: Job = { ...jobOf(...steps), state: 'REFUSED' };
  expect(naturalTop(job, 10, 6)).toBe(0);
  // The last words of a container stand at the end, and tell more than its step.
  expect(naturalTop({ ...job, logs: [{ container: 'gateway', lines: ['no'] }] }, 13, 6)).toBe(7);
});

test('why a job failed is said by its head, and not once more by its step', () => {
  const message = 'exited with 1';
  const failed = step('gate', 'gateway', { state: 'ERROR', message });
  const job = { ...jobOf(failed), state: 'RESTORED' as const };
  const bodyWith = (error: Job['error']) =>
    jobBody({ ...job, ...(error !== undefined && { error }) }, 120, 0)
      .map(lineText)
      .join('\n');
  expect(bodyWith({ code: 'gate', message: `gateway ${message}. The old version serves.` })).not.toContain(
    message,
  );
  expect(bodyWith({ code: 'gate', message: 'another reason' })).toContain(message);
  expect(bodyWith(undefined)).toContain(message);
});
