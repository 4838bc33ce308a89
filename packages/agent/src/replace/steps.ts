import type { StepKind, UpdateOrder } from '@towline/core/job';
import { sharesNamespace, type Tie } from './ties.ts';

/** One step of a replacement, before it is done. */
export interface Step {
  /** Names it within its job. */
  id: string;
  kind: StepKind;
  /** The container's name; for the commit, which is of all of them, the server's. */
  container: string;
}

/** What becomes of the new container: it has to pass the check, is started as it is, or stays stopped. */
export type Becomes = 'checked' | 'started' | 'stopped';

export interface StepUnit {
  container: string;
  /** False for one that is created for the first time: there is nothing to hold, to stop or to rename away. */
  exists: boolean;
  order?: UpdateOrder | undefined;
  /** False for one that is created again of the same image, because it hangs on one that is exchanged. */
  chosen?: boolean;
  /** On which other containers of this update it hangs, by name. */
  ties?: readonly Tie[];
  /** `checked` unless given. */
  becomes?: Becomes;
}

/**
 * The sequence for one server, in order. Everything that can fail without touching what serves comes first, for all
 * containers; then one container after the other is exchanged, as they are given; the commit is for all of them.
 *
 * What hangs on another is created when that one has its name: the engine takes a name for the container that has it at
 * the create. What shares a namespace with another stops before it, and with its own signal: its network would be gone, or
 * its processes killed.
 */
export function planSteps(server: string, units: readonly StepUnit[]): Step[] {
  const chosen = units.filter((unit) => unit.chosen !== false);
  const each = (kind: StepKind) => chosen.map(({ container }) => stepOf(kind, container));
  const stopped = new Set<string>();
  const steps: Step[] = [];
  for (const unit of units) {
    const { container } = unit;
    if (hangs(unit)) steps.push(stepOf('create', container));
    for (const kind of exchange(unit)) {
      if (stopped.has(container) && (kind === 'hold-restart' || kind === 'stop-old')) continue;
      if (kind === 'stop-old') {
        for (const sharer of sharersOf(container, units).toReversed()) {
          if (stopped.has(sharer.container)) continue;
          stopped.add(sharer.container);
          steps.push(stepOf('hold-restart', sharer.container), stepOf('stop-old', sharer.container));
        }
      }
      steps.push(stepOf(kind, container));
    }
  }
  return [
    ...each('resolve'),
    ...each('pull'),
    ...each('inspect'),
    ...units.filter((unit) => !hangs(unit)).map(({ container }) => stepOf('create', container)),
    ...steps,
    stepOf('commit', server),
  ];
}

function hangs({ ties = [] }: StepUnit): boolean {
  return ties.length > 0;
}

/** Those that run in a namespace of a container, directly or over others, each after what it hangs on. */
function sharersOf(container: string, units: readonly StepUnit[]): StepUnit[] {
  const owners = new Set([container]);
  return units.filter((unit) => {
    const { ties = [], exists, becomes } = unit;
    if (!ties.some((tie) => sharesNamespace(tie) && owners.has(tie.to))) return false;
    owners.add(unit.container);
    return exists && becomes !== 'stopped';
  });
}

/** Two can't be in a namespace of another at once, whatever the map says. */
export function startsFirst({ order, ties = [] }: Pick<StepUnit, 'order' | 'ties'>): boolean {
  return order === 'start-first' && !ties.some(sharesNamespace);
}

function exchange({ exists, order, becomes = 'checked', ties = [] }: StepUnit): StepKind[] {
  const start: StepKind[] = becomes === 'checked' ? ['start-new', 'gate'] : ['start-new'];
  if (!exists) return [...start, 'rename'];
  if (becomes === 'stopped') return ['hold-restart', 'rename'];
  if (startsFirst({ order, ties })) {
    return [...start, 'take-over', 'rename', 'drain', 'hold-restart', 'stop-old'];
  }
  return ['hold-restart', 'stop-old', ...start, 'rename'];
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
