import type { Job } from '@towline/core/job';

/** For tests: a job on one container, of which nothing else is told than what `more` says. */
export function someJob(more: Partial<Job> = {}): Job {
  return {
    id: 'j',
    key: 'k',
    service: 'shop',
    map: 'demo',
    server: 'web',
    operator: 'op',
    state: 'RUNNING',
    tasks: [{ container: 'gateway', mode: 'image-tag', from: { tag: '1' }, to: { tag: '2' } }],
    steps: [],
    logs: [],
    commands: [],
    queuedAt: '2026-01-01T00:00:00.000Z',
    lastSeq: 1,
    ...more,
  };
}
