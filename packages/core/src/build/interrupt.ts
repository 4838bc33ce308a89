import type { BuildRun } from './build-run.ts';
import type { BuildError, BuildEventBody } from './event.ts';
import { isRunEnded } from './reduce-build-run.ts';
import { buildStepName } from './step.ts';

/**
 * What is written, at an agent's start, for a run that its death cut off: `ERROR`, with that as the reason, for the step
 * that ran and for the run. Nothing for one that is over. It is not begun again: nobody knows what the step had done, and
 * its number stays its own.
 */
export function interruptRun(run: BuildRun): BuildEventBody[] {
  if (isRunEnded(run.state)) return [];
  const running = run.steps.find(({ state }) => state === 'RUNNING');
  const error: BuildError = {
    code: 'interrupted',
    message:
      run.state === 'QUEUED'
        ? `The agent stopped while ${run.tag} was waiting. Run the build again.`
        : `The agent stopped ${whereIn(run)} of ${run.tag}. Run the build again.`,
  };
  return [
    ...(running === undefined
      ? []
      : [{ type: 'step-ended' as const, step: running.kind, state: 'ERROR' as const, error }]),
    { type: 'ended', state: 'ERROR', error },
  ];
}

function whereIn({ steps }: BuildRun): string {
  const running = steps.find(({ state }) => state === 'RUNNING');
  if (running !== undefined) return `during ${buildStepName(running.kind)}`;
  const next = steps.find(({ state }) => state === 'WAIT');
  return next === undefined ? 'at the end' : `before ${buildStepName(next.kind)}`;
}
