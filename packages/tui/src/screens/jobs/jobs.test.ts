import type { Job } from '@towline/core/job';
import type { AgentView } from '@towline/core/plan';
import { expect, test } from 'vitest';
import { lineText } from '../../components/index.ts';
import { SCENES } from '../gallery/scenes.ts';
import { someJob } from '../job/some-job.ts';
import { INITIAL_JOBS, jobsArrived, viewJobs } from './jobs.ts';

const QUEUED = Date.parse('2026-01-01T00:00:00.000Z');

const JOB = someJob({
  state: 'DONE',
  tasks: [
    { container: 'storefront', mode: 'latest', from: { tag: '2.2.B000005' }, to: { tag: '2.2.B000006' } },
  ],
  queuedAt: new Date(QUEUED).toISOString(),
});

/** One job of an agent of the demo, of which this is known as well. */
function shown(job: Job, columns: number, now: number, known: Partial<AgentView> = {}): string {
  const made = SCENES.demo?.();
  const [agent] = Object.values(made?.state.agents ?? {});
  if (made === undefined || agent === undefined) throw new Error('the scenes are others');
  return viewJobs(
    jobsArrived(INITIAL_JOBS, agent.name, { ok: true, value: [job] }),
    {
      now,
      size: { columns, rows: 24 },
      fleet: { ...made.state, agents: { [agent.name]: { ...agent, jobs: {}, ...known } } },
      origin: '',
      readOnly: false,
      operator: 'ada',
      pipeline: undefined,
    },
    undefined,
  )
    .lines.map(lineText)
    .join('\n');
}

test('where there is no room for both versions, the one that a job deployed is shown', () => {
  expect(shown(JOB, 80, QUEUED + 1_000)).toContain('storefront → 2.2.B000006');
  expect(shown(JOB, 140, QUEUED + 1_000)).toContain('storefront 2.2.B000005 → 2.2.B000006');
});

const RUNNING: Job = { ...JOB, state: 'RUNNING', startedAt: JOB.queuedAt };
const HOUR = 3_600_000;

test('how old a job is, and how long it takes, is counted by the clock of its agent', () => {
  for (const clockAheadMs of [0, 26 * HOUR, -3 * HOUR]) {
    const text = shown(RUNNING, 140, QUEUED - clockAheadMs + 65_000, { clockAheadMs });
    expect(text).toMatch(/ 1 min ago +1 min 05 s/);
  }
});

test('a job whose agent is out of sight grows older, and is not shown to run on', () => {
  const clockAheadMs = 26 * HOUR;
  const lastSeenAt = new Date(QUEUED - clockAheadMs + 12_000).toISOString();
  const text = shown(RUNNING, 140, QUEUED - clockAheadMs + 65_000, {
    clockAheadMs,
    link: { state: 'lost', message: '', lastSeenAt },
  });
  expect(text).toMatch(/ 1 min ago +12 s/);
});
