import type { JobEvent, JobState, StepKind, StepState } from './event.ts';
import type { Job, JobStep } from './job.ts';
import { stepName } from './step-words.ts';

/**
 * Folds one event into a job. A job is the fold of its events from the first on, `queued`; before that one there is
 * none, and events that come without it change nothing.
 *
 * Events are numbered from 1, and a stream loses none: one whose `seq` is not later was seen before and changes nothing
 * (`job` is returned as it is); a number that was passed over was of a type that this side does not know, from a newer agent,
 * and its reader ignored it; or of an event that a power cut or a full disk took. Nothing changes after `ended`. What does not change keeps its identity.
 */
export function reduceJob(job: Job, event: JobEvent): Job;
export function reduceJob(job: Job | undefined, event: JobEvent): Job | undefined;
export function reduceJob(job: Job | undefined, event: JobEvent): Job | undefined {
  if (job === undefined) return event.type === 'queued' && event.seq === 1 ? begin(event) : undefined;
  if (event.seq <= job.lastSeq || isEnded(job.state)) return job;
  return { ...apply(job, event), lastSeq: event.seq };
}

/** Whether a job in this state is over: nothing happens to it any more. */
export function isEnded(state: JobState): boolean {
  return state !== 'QUEUED' && state !== 'RUNNING';
}

function begin(event: Extract<JobEvent, { type: 'queued' }>): Job {
  return {
    id: event.id,
    key: event.key,
    service: event.service,
    map: event.map,
    server: event.server,
    operator: event.operator,
    state: 'QUEUED',
    tasks: event.tasks,
    steps: [],
    logs: [],
    commands: [],
    queuedAt: event.at,
    lastSeq: event.seq,
  };
}

function apply(job: Job, event: JobEvent): Job {
  switch (event.type) {
    case 'queued':
      // There is one `queued` to a job, and it was the first.
      return job;
    case 'started':
      return { ...job, state: 'RUNNING', startedAt: event.at };
    case 'planned':
      return { ...job, steps: planSteps(job.steps, event.steps) };
    case 'step-started':
      return { ...job, steps: startStep(job.steps, event) };
    case 'step-progress':
      return {
        ...job,
        steps: changeStep(job.steps, event.step, (step) => ({
          ...step,
          progress: {
            current: event.current,
            ...(event.total !== undefined && { total: event.total }),
            ...(event.detail !== undefined && { detail: event.detail }),
          },
        })),
      };
    case 'step-ended':
      return {
        ...job,
        steps: changeStep(job.steps, event.step, (step) => ({
          ...step,
          state: event.state,
          endedAt: event.at,
          ...(event.message !== undefined && { message: event.message }),
        })),
      };
    case 'resolved':
      return {
        ...job,
        tasks: job.tasks.map((task) =>
          task.container === event.container
            ? { ...task, ...(event.from !== undefined && { from: event.from }), to: event.to }
            : task,
        ),
      };
    case 'compared':
      return {
        ...job,
        changes: [
          ...(job.changes ?? []).filter(({ container }) => container !== event.container),
          { container: event.container, changes: event.changes },
        ],
      };
    case 'container-log':
      return {
        ...job,
        logs: [
          ...job.logs.filter((log) => log.container !== event.container),
          { container: event.container, lines: event.lines },
        ],
      };
    case 'refused':
      return { ...job, refusal: event.refusal };
    case 'failed':
      return { ...job, error: event.error };
    case 'cancel-requested':
      return { ...job, cancelledBy: job.cancelledBy ?? event.operator };
    case 'degraded':
      return { ...job, commands: event.commands };
    case 'ended':
      return { ...job, state: event.state, endedAt: event.at, steps: endSteps(job.steps, event) };
  }
}

type PlannedStep = Extract<JobEvent, { type: 'planned' }>['steps'][number];

/** A plan says what is expected; a step that has begun already stays as it is. */
function planSteps(steps: readonly JobStep[], planned: readonly PlannedStep[]): JobStep[] {
  const known = new Map(steps.map((step) => [step.id, step]));
  const ids = new Set(planned.map((step) => step.id));
  return [
    ...steps.filter((step) => !ids.has(step.id) && step.state !== 'WAIT'),
    ...planned.map(({ id, kind, container }) => known.get(id) ?? newStep(id, kind, container)),
  ];
}

/** A step that was not planned, such as `restore`, is added at the end; one that begins again is shown as begun again. */
function startStep(steps: JobStep[], event: Extract<JobEvent, { type: 'step-started' }>): JobStep[] {
  const { step: id, kind, container, at, detail } = event;
  const begun: JobStep = {
    ...newStep(id, kind, container),
    state: 'RUNNING',
    startedAt: at,
    ...(detail !== undefined && { detail }),
  };
  return steps.some((step) => step.id === id)
    ? steps.map((step) => (step.id === id ? begun : step))
    : [...steps, begun];
}

function changeStep(steps: JobStep[], id: string, change: (step: JobStep) => JobStep): JobStep[] {
  return steps.map((step) => (step.id === id ? change(step) : step));
}

/** When a job is over no step of it waits or runs: what never began was skipped, what was begun was cut off. */
function endSteps(steps: JobStep[], { at, state }: Extract<JobEvent, { type: 'ended' }>): JobStep[] {
  const cut: StepState = state === 'CANCELLED' ? 'CANCELLED' : 'ERROR';
  return steps.map((step) => {
    if (step.state === 'WAIT') return { ...step, state: 'SKIPPED' };
    if (step.state === 'RUNNING') return { ...step, state: state === 'DONE' ? 'DONE' : cut, endedAt: at };
    return step;
  });
}

function newStep(id: string, kind: StepKind, container: string): JobStep {
  return { id, name: stepName(kind, container), kind, container, state: 'WAIT' };
}
