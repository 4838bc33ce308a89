import { Readable } from 'node:stream';
import { err, ok, type Result } from '@towline/core/result';
import type { RemoteShell } from '../link/index.ts';
import { type CargoItem, type Step, scriptOf } from './step.ts';

/** Why a step did not work. */
export interface StepFailure {
  code: 'step-failed';
  message: string;
  step: Step;
  /** Its place in the list. */
  at: number;
  /** What the machine said, by lines. */
  said: readonly string[];
}

export interface PerformOptions {
  shell: RemoteShell;
  stream(item: CargoItem): Readable;
  /** Fulfilled with why not, where no other agent answers in time. */
  answers(): Promise<string | undefined>;
  /** Before each step. */
  onStep(step: Step): void;
}

/** Does the steps in their order, and none after one that failed. */
export async function perform(
  steps: readonly Step[],
  options: PerformOptions,
): Promise<Result<void, StepFailure>> {
  for (const [at, step] of steps.entries()) {
    options.onStep(step);
    const failure = await performStep(step, options);
    if (failure === undefined) continue;
    const message = `${options.shell.name}: it could not ${step.name}${failure.why}.`;
    return err({ code: 'step-failed', message, step, at, said: failure.said });
  }
  return ok(undefined);
}

async function performStep(
  step: Step,
  { shell, stream, answers }: PerformOptions,
): Promise<{ why: string; said: string[] } | undefined> {
  const script = scriptOf(step);
  if (script === undefined) {
    const why = await answers();
    return why === undefined ? undefined : { why: '', said: [why] };
  }
  const ran = await shell.run(script, inputOf(step, stream));
  if (!ran.ok) return { why: '', said: [ran.error.message] };
  const { code, stdout, stderr } = ran.value;
  if (code === 0) return undefined;
  const said = [stdout, stderr].flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '');
  return { why: ` (its command ended with ${code})`, said: said.slice(-12) };
}

function inputOf(step: Step, stream: PerformOptions['stream']): Readable | undefined {
  switch (step.kind) {
    case 'write':
      return Readable.from([Buffer.from(step.text)]);
    case 'send':
      return stream(step.item);
    case 'run':
    case 'answer':
      return undefined;
  }
}
