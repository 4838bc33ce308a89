import { type BuildRun, buildKey } from '@towline/core/build';
import type { JobEventBody } from '@towline/core/job';
import { type AwaitedTask, decideAwait, type RunStanding, standingOf } from '@towline/core/plan';
import type { Refusal } from '@towline/core/rules';
import { type Step, stepOf } from '../replace/index.ts';
import type { OwnBuilds } from './built-images.ts';

/** How the waiting came to its end; `built` is to go on. */
export type Awaited =
  | { state: 'built' }
  | { state: 'REFUSED'; refusal: Refusal }
  | { state: 'CANCELLED' }
  /** The agent ends: its next start goes on from what the journals say. */
  | { state: 'interrupted' };

export interface AwaitOptions {
  service: string;
  server: string;
  tasks: readonly AwaitedTask[];
  builds: OwnBuilds;
  emit(event: JobEventBody): void;
  /** Aborted when the operator cancels. */
  cancel: AbortSignal;
  /** Aborted when the agent ends. */
  ending: AbortSignal;
}

export function awaitSteps(tasks: readonly AwaitedTask[]): Step[] {
  return tasks.map(({ container }) => stepOf('await-build', container));
}

/**
 * Waits for the runs that make a job's images, each as a step of the job. A run that makes none is told at once, whatever
 * the others do. `refused` is emitted; nothing else of the job's end is.
 */
export function awaitBuilds(options: AwaitOptions): Promise<Awaited> {
  return new Awaiting(options).run();
}

class Awaiting {
  readonly #options: AwaitOptions;
  readonly #standings: { task: AwaitedTask; step: Step; standing: RunStanding; ended: boolean }[];
  readonly #end = Promise.withResolvers<Awaited>();
  #over = false;

  constructor(options: AwaitOptions) {
    const { service, tasks, builds } = options;
    this.#options = options;
    this.#standings = tasks.map((task) => ({
      task,
      step: stepOf('await-build', task.container),
      standing: standingOf(builds.runOf({ service, build: task.build }, task.tag)),
      ended: false,
    }));
  }

  async run(): Promise<Awaited> {
    const { builds, emit, cancel, ending } = this.#options;
    for (const { step, task, standing } of this.#standings) {
      emit({
        type: 'step-started',
        step: step.id,
        kind: step.kind,
        container: step.container,
        detail: task.tag,
      });
      this.#tell(step, standing);
    }
    const stopListening = builds.onRun((run) => this.#changed(run));
    const onAbort = () => this.#look();
    for (const signal of [cancel, ending]) signal.addEventListener('abort', onAbort);
    try {
      this.#look();
      return await this.#end.promise;
    } finally {
      stopListening();
      for (const signal of [cancel, ending]) signal.removeEventListener('abort', onAbort);
    }
  }

  #changed(run: BuildRun): void {
    const { service, ending } = this.#options;
    // An agent that ends cuts its runs off; what that comes to is for its next start to say.
    if (ending.aborted) return;
    const key = buildKey(run);
    for (const one of this.#standings) {
      const { task, step, standing: before } = one;
      if (one.ended || task.tag !== run.tag || buildKey({ service, build: task.build }) !== key) continue;
      one.standing = standingOf(run);
      if (JSON.stringify(one.standing) !== JSON.stringify(before)) this.#tell(step, one.standing);
    }
    this.#look();
  }

  #tell(step: Step, standing: RunStanding): void {
    if (standing.state !== 'WAIT') return;
    const { current, total, detail } = standing;
    this.#options.emit({ type: 'step-progress', step: step.id, current, total, detail });
  }

  #look(): void {
    if (this.#over) return;
    const end = this.#decide();
    if (end === undefined) return;
    this.#over = true;
    this.#end.resolve(end);
  }

  /** Undefined while there is something to wait for. */
  #decide(): Awaited | undefined {
    const { cancel, ending, server, emit } = this.#options;
    if (ending.aborted) return { state: 'interrupted' };
    if (cancel.aborted) {
      this.#endSteps('CANCELLED', (tag) => `The build run ${tag} goes on.`);
      return { state: 'CANCELLED' };
    }
    for (const one of this.#standings) {
      const { step, standing } = one;
      if (one.ended || standing.state === 'WAIT') continue;
      one.ended = true;
      emit(
        standing.state === 'BUILT'
          ? { type: 'step-ended', step: step.id, state: 'DONE', message: one.task.tag }
          : { type: 'step-ended', step: step.id, state: 'ERROR', message: standing.message },
      );
    }
    const decision = decideAwait(server, this.#standings);
    switch (decision.do) {
      case 'wait':
        return undefined;
      case 'deploy':
        return { state: 'built' };
      case 'refuse': {
        const { container, message } = decision;
        this.#endSteps('SKIPPED');
        const refusal: Refusal = { code: 'build-failed', message, container };
        emit({ type: 'refused', refusal });
        return { state: 'REFUSED', refusal };
      }
    }
  }

  /** Of those that wait still. */
  #endSteps(state: 'CANCELLED' | 'SKIPPED', message?: (tag: string) => string): void {
    for (const one of this.#standings) {
      if (one.ended) continue;
      one.ended = true;
      const said = message?.(one.task.tag);
      this.#options.emit({
        type: 'step-ended',
        step: one.step.id,
        state,
        ...(said !== undefined && { message: said }),
      });
    }
  }
}
