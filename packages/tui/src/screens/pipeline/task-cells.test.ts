import type { Job, JobStep } from '@towline/core/job';
import { buildPipeline, initialAgentView, type LinkState } from '@towline/core/plan';
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
  return cellsOver({ state: 'connected' }, ...steps);
}

function cellsOver(link: LinkState, ...steps: JobStep[]) {
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
        link,
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

test('what was seen last of a server that is out of sight is not shown as what is, in colours or without', () => {
  const lost = { state: 'lost', message: 'the line was cut' } as const;
  expect(cellsOver(lost, step('hold-restart', 'gateway', 'SKIPPED'))).toMatchObject({
    state: { text: 'running?', tone: 'quiet' },
  });
  expect(cellsOver(lost, step('stop-old', 'gateway', 'RUNNING'))).toMatchObject({
    state: { text: 'stop?', tone: 'quiet' },
    marker: { text: '◐ RUNNING?', short: '◐ stop?', tone: 'quiet' },
  });
});
