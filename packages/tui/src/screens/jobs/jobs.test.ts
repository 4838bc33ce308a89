import type { Job } from '@towline/core/job';
import { expect, test } from 'vitest';
import { lineText } from '../../components/index.ts';
import { SCENES } from '../gallery/scenes.ts';
import { INITIAL_JOBS, jobsArrived, viewJobs } from './jobs.ts';

test('where there is no room for both versions, the one that a job deployed is shown', () => {
  const made = SCENES.demo?.();
  if (made === undefined) throw new Error('the scenes are others');
  const job: Job = {
    id: 'j',
    key: 'k',
    service: 'shop',
    map: 'demo',
    server: 'web',
    operator: 'op',
    state: 'DONE',
    tasks: [
      {
        container: 'storefront',
        mode: 'latest',
        from: { tag: '2.2.B000005' },
        to: { tag: '2.2.B000006' },
      },
    ],
    steps: [],
    logs: [],
    commands: [],
    queuedAt: '2026-01-01T00:00:00.000Z',
    lastSeq: 1,
  };
  const state = jobsArrived(INITIAL_JOBS, 'alpha', { ok: true, value: [job] });
  const shown = (columns: number) =>
    viewJobs(
      state,
      {
        now: Date.parse(job.queuedAt) + 1_000,
        size: { columns, rows: 24 },
        fleet: made.state,
        origin: '',
        readOnly: false,
        operator: 'ada',
        pipeline: undefined,
      },
      undefined,
    )
      .lines.map(lineText)
      .join('\n');
  expect(shown(80)).toContain('storefront → 2.2.B000006');
  expect(shown(140)).toContain('storefront 2.2.B000005 → 2.2.B000006');
});
