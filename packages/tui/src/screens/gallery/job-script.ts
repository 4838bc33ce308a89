import type { JobEvent, JobEventBody, StepKind } from '@towline/core/job';

export interface JobScript {
  id: string;
  server: string;
  tasks: readonly { container: string; from?: string; to: string }[];
  outcome: 'DONE' | 'RESTORED' | 'DEGRADED' | 'REFUSED';
  /** Milliseconds since 1970. */
  start: number;
}

const STEPS: readonly StepKind[] = [
  'resolve',
  'pull',
  'inspect',
  'create',
  'hold-restart',
  'stop-old',
  'start-new',
  'gate',
  'rename',
  'commit',
];
const IMAGE_BYTES = 64_000_000;
const EVENT_MS = 180;
const GATE = 'asks GET :8080/health every 1 s; 3 failures in a row are too many, after its first 30 s';

/** The events of a job as an agent would tell them, one `EVENT_MS` after the other. */
export function jobEvents(script: JobScript): JobEvent[] {
  const bodies = jobBodies(script);
  return bodies.map(
    (body, at): JobEvent => ({
      ...body,
      seq: at + 1,
      at: new Date(script.start + at * EVENT_MS).toISOString(),
    }),
  );
}

/** A job that waits first: up to the wait, and after it where the run has made its image, or has not. */
export function waitingBodies(
  script: JobScript,
  container: string,
): { before: JobEventBody[]; built: JobEventBody[]; failed(message: string): JobEventBody[] } {
  const [queued, started, ...rest] = jobBodies(script);
  const step = `await-build:${container}`;
  const planned = [{ id: step, kind: 'await-build' as const, container }, ...stepsOf(script)];
  const detail = script.tasks.find((task) => task.container === container)?.to ?? '';
  return {
    before: [
      ...[queued, started].filter((body) => body !== undefined),
      { type: 'planned', steps: planned },
      { type: 'step-started', step, kind: 'await-build', container, detail },
    ],
    built: [{ type: 'step-ended', step, state: 'DONE', message: detail }, ...rest],
    failed: (message) => [
      { type: 'step-ended', step, state: 'ERROR', message },
      { type: 'refused', refusal: { code: 'build-failed', message, container } },
      { type: 'ended', state: 'REFUSED' },
    ],
  };
}

function stepsOf({ tasks }: JobScript) {
  return tasks.flatMap(({ container }) =>
    STEPS.map((kind) => ({ id: `${kind}:${container}`, kind, container })),
  );
}

export function jobBodies(script: JobScript): JobEventBody[] {
  const { id, server, tasks, outcome } = script;
  const steps = stepsOf(script);
  const bodies: JobEventBody[] = [
    {
      type: 'queued',
      id,
      key: `key-of-${id}`,
      service: 'shop',
      map: 'demo',
      server,
      operator: 'ada@workstation',
      tasks: tasks.map(({ container, from, to }) => ({
        container,
        mode: 'image-tag',
        ...(from === undefined ? {} : { from: { tag: from } }),
        to: { tag: to },
      })),
    },
    { type: 'started' },
    { type: 'planned', steps },
  ];
  for (const step of steps) {
    bodies.push({
      type: 'step-started',
      step: step.id,
      kind: step.kind,
      container: step.container,
      ...(step.kind === 'gate' && { detail: GATE }),
    });
    if (step.kind === 'resolve' && outcome === 'REFUSED') {
      const message = `registry.example.com:5000 has no tag ${tasks[0]?.to} of shop/${step.container}. Pick one with v.`;
      bodies.push(
        { type: 'step-ended', step: step.id, state: 'ERROR' },
        { type: 'refused', refusal: { code: 'tag-not-found', message, container: step.container } },
      );
      break;
    }
    if (step.kind === 'pull') {
      for (const share of [0.1, 0.4, 0.7, 1]) {
        bodies.push({
          type: 'step-progress',
          step: step.id,
          current: Math.round(IMAGE_BYTES * share),
          total: IMAGE_BYTES,
        });
      }
    }
    if (step.kind === 'gate' && (outcome === 'RESTORED' || outcome === 'DEGRADED')) {
      bodies.push(...failed(step, outcome));
      break;
    }
    bodies.push({ type: 'step-ended', step: step.id, state: 'DONE' });
  }
  bodies.push({ type: 'ended', state: outcome });
  return bodies;
}

function failed(step: { id: string; container: string }, outcome: 'RESTORED' | 'DEGRADED'): JobEventBody[] {
  const { container } = step;
  const restore = `restore:${container}`;
  return [
    { type: 'step-ended', step: step.id, state: 'ERROR', message: 'it exited with 7 after 0.3 s' },
    {
      type: 'container-log',
      container,
      lines: [
        ...Array.from(
          { length: 40 },
          (_, at) => `${String(at + 1).padStart(3)}  loading module ${at + 1} of 40`,
        ),
        'error: cannot open /etc/gateway/routes.conf: no such file or directory',
        'the gateway ends',
      ],
    },
    { type: 'step-started', step: restore, kind: 'restore', container },
    { type: 'step-ended', step: restore, state: outcome === 'RESTORED' ? 'DONE' : 'ERROR' },
    {
      type: 'failed',
      error: {
        code: 'gate-failed',
        message: `The new ${container} exited with 7 after 0.3 s. Its last lines are below.`,
      },
    },
    ...(outcome === 'DEGRADED'
      ? [
          {
            type: 'degraded' as const,
            commands: [`docker rename ${container}.prev.17 ${container}`, `docker start ${container}`],
          },
        ]
      : []),
  ];
}
