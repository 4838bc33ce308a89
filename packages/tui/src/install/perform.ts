import { Readable } from 'node:stream';
import { err, ok, type Result } from '@towline/core/result';
import type { RemoteShell } from '../link/index.ts';
import { type CargoItem, type Step, scriptOf } from './step.ts';

/** Why a step did not work: it failed, the line to the machine was lost in it, or it was left for Ctrl-C. */
export interface StepFailure {
  code: 'step-failed' | 'line-lost' | 'interrupted';
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
  /** Before each step, with its place in the list. */
  onStep(step: Step, at: number): void;
  /** Asks to leave off: before a step, and in the middle of what is sent. */
  leave: AbortSignal;
}

/** Places in a list of steps, the last one excluded. */
export interface Span {
  from: number;
  to: number;
}

/** Does the steps in their order from `start`, and none after one that failed. Those of `whole` are all done once one is begun. */
export async function perform(
  steps: readonly Step[],
  options: PerformOptions,
  { whole = { from: 0, to: 0 }, start = 0 }: { whole?: Span; start?: number } = {},
): Promise<Result<void, StepFailure>> {
  const { shell, leave, onStep } = options;
  for (const [at, step] of steps.entries()) {
    if (at < start) continue;
    const within = at > whole.from && at < whole.to;
    const left = leave.aborted && !within;
    if (!left) onStep(step, at);
    const failure = left ? INTERRUPTION : await performStep(step, options);
    if (failure === undefined) continue;
    // What failed since its sending was left off says so only by its end.
    const { code, why, said } = leave.aborted && step.kind === 'send' ? INTERRUPTION : failure;
    const did = code === 'interrupted' ? 'interrupted; it did not' : 'it could not';
    return err({ code, message: `${shell.name}: ${did} ${step.name}${why}.`, step, at, said });
  }
  return ok(undefined);
}

type Why = Pick<StepFailure, 'code' | 'said'> & { why: string };

const INTERRUPTION: Why = { code: 'interrupted', why: '', said: [] };

async function performStep(
  step: Step,
  { shell, stream, answers, leave }: PerformOptions,
): Promise<Why | undefined> {
  const script = scriptOf(step);
  if (script === undefined) {
    const why = await answers();
    return why === undefined ? undefined : { code: 'step-failed', why: '', said: [why] };
  }
  const input = inputOf(step, stream);
  const stop = () => input?.destroy();
  if (step.kind === 'send') leave.addEventListener('abort', stop, { once: true });
  const ran = await shell.run(script, input);
  leave.removeEventListener('abort', stop);
  if (!ran.ok) return { code: 'line-lost', why: '', said: [ran.error.message] };
  const { code, stdout, stderr } = ran.value;
  if (code === 0) return undefined;
  const said = [stdout, stderr].flatMap((text) => text.split('\n')).filter((line) => line.trim() !== '');
  return { code: 'step-failed', why: ` (its command ended with ${code})`, said: said.slice(-12) };
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
