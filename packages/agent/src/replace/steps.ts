import type { StepKind, UpdateOrder } from '@towline/core/job';

/** One step of a replacement, before it is done. */
export interface Step {
  /** Names it within its job. */
  id: string;
  kind: StepKind;
  /** The container's name; for the commit, which is of all of them, the server's. */
  container: string;
}

export interface StepTask {
  container: string;
  /** False for one that is created for the first time: there is nothing to hold, to stop or to rename away. */
  exists: boolean;
  order?: UpdateOrder;
}

/**
 * The sequence for one server, in order. Everything that can fail without touching what serves comes first, for all
 * containers; then one container after the other is exchanged, in the map's order; the commit is for all of them.
 */
export function planSteps(server: string, tasks: readonly StepTask[]): Step[] {
  const each = (kind: StepKind) => tasks.map(({ container }) => stepOf(kind, container));
  return [
    ...each('resolve'),
    ...each('pull'),
    ...each('inspect'),
    ...each('create'),
    ...tasks.flatMap(({ container, exists, order }) =>
      exchange(exists, order).map((kind) => stepOf(kind, container)),
    ),
    stepOf('commit', server),
  ];
}

function exchange(exists: boolean, order: UpdateOrder | undefined): StepKind[] {
  if (!exists) return ['start-new', 'gate', 'rename'];
  if (order === 'start-first') {
    return ['start-new', 'gate', 'take-over', 'rename', 'drain', 'hold-restart', 'stop-old'];
  }
  return ['hold-restart', 'stop-old', 'start-new', 'gate', 'rename'];
}

export function stepOf(kind: StepKind, container: string): Step {
  return { id: `${kind}:${container}`, kind, container };
}

/** Steps that change what serves: the first of them is the point from which a failure or a cancel restores. */
export function touchesService(kind: StepKind): boolean {
  return TOUCHING.has(kind);
}

const TOUCHING: ReadonlySet<StepKind> = new Set([
  'hold-restart',
  'stop-old',
  'start-new',
  'take-over',
  'rename',
  'drain',
]);

export function nextName(container: string, jobId: string): string {
  return `${container}.next.${jobId}`;
}

export function previousName(container: string, jobId: string): string {
  return `${container}.prev.${jobId}`;
}

/** The label that says which job created a container. */
export const JOB_LABEL = 'io.towline.job';
