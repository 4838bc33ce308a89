import { type BuildRun, buildStepName, isRunEnded, whyNoImage } from '../build/index.ts';
import { isEnded, type Job } from '../job/index.ts';
import type { ExecuteInput } from '../protocol/index.ts';

/** A task of a job whose image a run on the job's own agent makes. */
export interface AwaitedTask {
  container: string;
  build: string;
  /** The run's, and that of the image that it will have made. */
  tag: string;
}

/** How far the run of a task is: to be waited for, at which of its steps and what it does there; or over. */
export type RunStanding =
  | { state: 'WAIT'; current: number; total: number; detail: string }
  | { state: 'BUILT' }
  | { state: 'FAILED'; message: string };

/** What a job does about the runs that it waits for. */
export type AwaitDecision =
  | { do: 'wait' }
  | { do: 'deploy' }
  | { do: 'refuse'; container: string; message: string };

/** The tasks of a request whose images are made by runs of the agent that it is for, in its order. */
export function awaitedTasks({
  containers,
  choices,
}: Pick<ExecuteInput, 'containers' | 'choices'>): AwaitedTask[] {
  return choices.flatMap(({ container, choice }) => {
    const build = containers.find(({ name }) => name === container)?.build;
    if (choice.mode !== 'build-deploy' || choice.built === undefined || build?.here !== true) return [];
    return [{ container, build: build.name, tag: choice.built }];
  });
}

/** Of a run that nobody knows nothing is to be waited for: whether there is an image is for the check of the request. */
export function standingOf(run: BuildRun | undefined): RunStanding {
  if (run !== undefined && !isRunEnded(run.state)) {
    const { steps } = run;
    const running = steps.find(({ state }) => state === 'RUNNING');
    return {
      state: 'WAIT',
      current: steps.filter(({ state }) => state !== 'WAIT').length,
      total: steps.length,
      detail: running === undefined ? run.state : buildStepName(running.kind),
    };
  }
  const message = run === undefined ? undefined : whyNoImage(run);
  return message === undefined ? { state: 'BUILT' } : { state: 'FAILED', message };
}

/** One run that made no image refuses the job at once, because a server is one update; else all are waited for. */
export function decideAwait(
  server: string,
  standings: readonly { task: Pick<AwaitedTask, 'container'>; standing: RunStanding }[],
): AwaitDecision {
  for (const { task, standing } of standings) {
    if (standing.state !== 'FAILED') continue;
    return {
      do: 'refuse',
      container: task.container,
      message: `${standing.message} ${nothingDeployed(server)}`,
    };
  }
  return standings.some(({ standing }) => standing.state === 'WAIT') ? { do: 'wait' } : { do: 'deploy' };
}

/**
 * Whether a job that its agent's death cut off had got no further than to wait for its builds: then it is taken up where it
 * was, and what became of the runs decides. `touched` is whether anything was journaled that would have to be put back.
 */
export function waitedForBuilds(
  job: Pick<Job, 'state' | 'steps'>,
  touched: boolean,
  input: ExecuteInput,
): boolean {
  if (isEnded(job.state) || touched || awaitedTasks(input).length === 0) return false;
  return job.steps.every(({ kind, state }) => kind === 'await-build' || state === 'WAIT');
}

/** What a build that failed comes to for a server. */
export function nothingDeployed(server: string): string {
  return `Nothing was deployed on ${server}: what runs there keeps running.`;
}
