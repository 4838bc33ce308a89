import type { Job, JobStep } from '@towline/core/job';
import { buildPipeline, initialAgentView } from '@towline/core/plan';
import { expect, test } from 'vitest';
import { INITIAL_PIPELINE } from './state.ts';
import { taskCells } from './task-cells.ts';

const step = (kind: JobStep['kind'], container: string, state: JobStep['state']): JobStep => ({
  id: `${kind}:${container}`,
  name: kind,
  kind,
  container,
  state,
});

/** The cells of `gateway` while a job exchanges it, with these steps. */
function cellsWith(...steps: JobStep[]) {
  const job: Job = {
    id: 'j1',
    key: 'k1',
    service: 'shop',
    map: 'demo',
    server: 'web',
    state: 'RUNNING',
    operator: 'ann',
    tasks: [{ container: 'gateway', mode: 'image-tag', to: { tag: '2' } }],
    steps,
    logs: [],
    commands: [],
    queuedAt: '2026-01-01T00:00:00Z',
    lastSeq: 1,
  };
  const observed = {
    id: 'c1',
    name: 'gateway',
    image: 'gateway:1',
    imageId: 'i',
    tag: '1',
    state: 'running',
    createdAt: 'c',
  } as const;
  const { servers } = buildPipeline({
    service: { name: 'shop' },
    map: {
      name: 'demo',
      servers: [
        {
          name: 'web',
          agent: 'alpha',
          containers: [{ name: 'gateway', image: 'gateway', kind: 'common' }],
        },
      ],
    },
    agents: {
      alpha: {
        ...initialAgentView('alpha'),
        link: { state: 'connected' },
        known: true,
        containers: { gateway: observed },
        jobs: { j1: job },
      },
    },
    readOnly: false,
  });
  const [server] = servers;
  const [task] = server?.tasks ?? [];
  if (server === undefined || task === undefined) throw new Error('there is no gateway');
  return taskCells(task, server, INITIAL_PIPELINE);
}

test('what a job does to a container stands in its row', () => {
  expect(cellsWith(step('stop-old', 'gateway', 'RUNNING'))).toMatchObject({
    state: { text: 'stop' },
    marker: { text: '◐ RUNNING', short: '◐ stop' },
  });
});

test('while another one is waited for after a step that was not needed, it is how the container is', () => {
  const cells = cellsWith(
    step('create', 'gateway', 'DONE'),
    step('hold-restart', 'gateway', 'SKIPPED'),
    step('stop-old', 'sidecar', 'RUNNING'),
    step('stop-old', 'gateway', 'WAIT'),
  );
  expect(cells).toMatchObject({ state: { text: 'running' }, marker: undefined });
});
