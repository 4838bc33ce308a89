import type { BuildRun, BuildStep } from './build-run.ts';
import type { BuildEvent } from './event.ts';
import type { BuildRunState, BuildStepKind, BuildStepState } from './step.ts';

/** More of a Dockerfile's steps than this nobody reads; the rest is counted. */
export const MAX_VERTICES = 500;

/**
 * Folds one event into a run. A run is the fold of its events from the first on, `queued`; before that one there is
 * none, and events that come without it change nothing.
 *
 * As with jobs, an event whose `seq` is not later changes nothing (`run` is returned as it is), and a number that was
 * passed over was of a type that this side does not know. After `ended` a note can still be written and the image removed, and
 * nothing else happens. What does not change keeps its identity.
 */
export function reduceBuildRun(run: BuildRun, event: BuildEvent): BuildRun;
export function reduceBuildRun(run: BuildRun | undefined, event: BuildEvent): BuildRun | undefined;
export function reduceBuildRun(run: BuildRun | undefined, event: BuildEvent): BuildRun | undefined {
  if (run === undefined) return event.type === 'queued' && event.seq === 1 ? begin(event) : undefined;
  if (event.seq <= run.lastSeq) return run;
  if (isRunEnded(run.state) && event.type !== 'noted' && event.type !== 'image-removed') return run;
  return { ...apply(run, event), lastSeq: event.seq };
}

/** Whether a run in this state is over. */
export function isRunEnded(state: BuildRunState): boolean {
  return state !== 'QUEUED' && state !== 'RUNNING';
}

function begin(event: Extract<BuildEvent, { type: 'queued' }>): BuildRun {
  const { type: _, seq, at, steps, ...named } = event;
  return {
    ...named,
    state: 'QUEUED',
    steps: steps.map((kind): BuildStep => ({ kind, state: 'WAIT' })),
    vertices: [],
    queuedAt: at,
    lastSeq: seq,
  };
}

function apply(run: BuildRun, event: BuildEvent): BuildRun {
  switch (event.type) {
    case 'queued':
      // There is one `queued` to a run, and it was the first.
      return run;
    case 'started':
      return { ...run, state: 'RUNNING', startedAt: event.at };
    case 'step-started':
      return changeStep(run, event.step, ({ kind }) => ({ kind, state: 'RUNNING', startedAt: event.at }));
    case 'step-progress':
      return changeStep(run, event.step, (step) => ({
        ...step,
        progress: {
          current: event.current,
          ...(event.total !== undefined && { total: event.total }),
          ...(event.detail !== undefined && { detail: event.detail }),
        },
      }));
    case 'step-ended':
      return changeStep(run, event.step, (step) => ({
        ...step,
        state: event.state,
        endedAt: event.at,
        ...(event.error !== undefined && { error: event.error }),
      }));
    case 'resolved-commit': {
      const { commit, ref, subject, author, date } = event;
      return { ...run, commit: { commit, ref, subject, author, date } };
    }
    case 'vertex':
      return withVertex(run, event);
    case 'image':
      return {
        ...run,
        imageId: event.imageId,
        ...(event.size !== undefined && { size: event.size }),
      };
    case 'pushed':
      return {
        ...run,
        pushed: { digest: event.digest, ...(event.size !== undefined && { size: event.size }) },
      };
    case 'cancel-requested':
      return { ...run, cancelledBy: run.cancelledBy ?? event.operator };
    case 'ended':
      return {
        ...run,
        state: event.state,
        endedAt: event.at,
        steps: endSteps(run.steps, event),
        vertices: endVertices(run.vertices, event),
        ...(event.error !== undefined && { error: event.error }),
      };
    case 'noted': {
      const { note: _, ...rest } = run;
      return event.note === '' ? rest : { ...rest, note: event.note };
    }
    case 'image-removed':
      return { ...run, imageRemoved: true };
  }
}

function changeStep(run: BuildRun, kind: BuildStepKind, change: (step: BuildStep) => BuildStep): BuildRun {
  return { ...run, steps: run.steps.map((step) => (step.kind === kind ? change(step) : step)) };
}

function withVertex(run: BuildRun, event: Extract<BuildEvent, { type: 'vertex' }>): BuildRun {
  const { type: _, seq: __, at: ___, ...vertex } = event;
  const known = run.vertices.findIndex(({ id }) => id === vertex.id);
  if (known >= 0) return { ...run, vertices: run.vertices.with(known, vertex) };
  if (run.vertices.length >= MAX_VERTICES) {
    // One left out that ends is not one more. It has no place, so its beginning is what counts it.
    return vertex.state === 'RUNNING' || vertex.state === 'CACHED'
      ? { ...run, verticesLeftOut: (run.verticesLeftOut ?? 0) + 1 }
      : run;
  }
  return { ...run, vertices: [...run.vertices, vertex] };
}

/** When a run is over none of its steps runs: what was begun was cut off. What never began waits, and has no log. */
function endSteps(steps: BuildStep[], { at, state }: Extract<BuildEvent, { type: 'ended' }>): BuildStep[] {
  return steps.map((step) =>
    step.state === 'RUNNING' ? { ...step, state: cutOff(state), endedAt: at } : step,
  );
}

function endVertices(
  vertices: BuildRun['vertices'],
  { at, state }: Extract<BuildEvent, { type: 'ended' }>,
): BuildRun['vertices'] {
  return vertices.map((vertex) =>
    vertex.state === 'RUNNING' ? { ...vertex, state: cutOff(state), endedAt: at } : vertex,
  );
}

function cutOff(state: BuildRunState): Extract<BuildStepState, 'DONE' | 'ERROR' | 'CANCELLED'> {
  return state === 'DONE' || state === 'CANCELLED' ? state : 'ERROR';
}
