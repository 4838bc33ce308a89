import type { BuildRun } from './build-run.ts';
import { reasonLine } from './reason-line.ts';
import { isRunEnded } from './reduce-build-run.ts';
import { buildStepName } from './step.ts';

/** Why there is no image of a run to deploy, as a sentence that names its tag and step; undefined where it made one. */
export function whyNoImage(run: BuildRun): string | undefined {
  const what = `The build ${run.build} (${run.tag})`;
  if (!isRunEnded(run.state)) return `${what} is not over: it is ${run.state}.`;
  if (run.state === 'CANCELLED') {
    return `${what} was cancelled${run.cancelledBy === undefined ? '' : ` by ${run.cancelledBy}`}.`;
  }
  if (run.state === 'DONE') {
    if (run.imageId !== undefined) return undefined;
    return `${what} ran ${run.steps.map(({ kind }) => buildStepName(kind)).join(', ')} alone and made no image.`;
  }
  const step = run.steps.find(({ state }) => state === 'ERROR');
  const error = step?.error ?? run.error;
  const where = step === undefined ? '' : ` in ${buildStepName(step.kind)}`;
  return `${what} failed${where}${error === undefined ? '.' : `: ${reasonLine(error.message)}`}`;
}
