import {
  type BuildDefinition,
  type BuildEvent,
  type BuildEventBody,
  type BuildRun,
  isRunEnded,
  reduceBuildRun,
} from '@towline/core/build';
import { EventLog, type Journal } from '../store/index.ts';
import type { BuildLine } from './build-line.ts';
import { dated } from './run-history.ts';

export interface ActiveRunOptions {
  journal: Journal<BuildLine>;
  definition: BuildDefinition;
  /** Its first event. */
  queued: BuildEvent;
  now: () => Date;
  /** Told after each event is written. */
  onChange: (run: BuildRun) => void;
  /** A line that could not be written: the run goes on, and its end is told all the same. */
  onWriteError: (error: unknown) => void;
}

/** Why a run is stopped: the reason of `ActiveRun.stopped`. */
export type StopReason = 'cancelled' | 'agent-ends';

/** A run that has not ended: its events, and whether it is stopped. */
export class ActiveRun {
  readonly definition: BuildDefinition;
  readonly #log: EventLog<BuildEvent, BuildEventBody, BuildRun>;
  readonly #stop = new AbortController();
  /** Whether it was taken from the queue; its first event may not be written yet. */
  begun = false;

  constructor(options: ActiveRunOptions) {
    this.definition = options.definition;
    this.#log = new EventLog({
      ...options,
      past: [options.queued],
      nextSeq: options.queued.seq + 1,
      date: dated,
      reduce: reduceBuildRun,
      isEnded: ({ state }: BuildRun) => isRunEnded(state),
    });
  }

  /** Undefined before its first event is written. */
  get run(): BuildRun | undefined {
    return this.#log.state;
  }

  /** As the log of its events has it. */
  get isWhole(): boolean {
    return this.#log.isWhole;
  }

  /** Aborted when an operator cancels it, or when the agent ends; its reason says which came first. */
  get stopped(): AbortSignal {
    return this.#stop.signal;
  }

  stop(reason: StopReason): void {
    this.#stop.abort(reason);
  }

  emit(body: BuildEventBody): void {
    this.#log.emit(body);
  }

  /** As `emit`; returns once it, and everything before it, is on the disk. */
  emitDurably(body: BuildEventBody): Promise<void> {
    return this.#log.emitDurably(body);
  }

  /** The events after `afterSeq`: those of the past, then live ones, up to the end or to `signal`. */
  follow(afterSeq: number, signal: AbortSignal): AsyncGenerator<BuildEvent> {
    return this.#log.follow(afterSeq, signal);
  }

  /** Lets go of the journal and of whoever follows. */
  close(): Promise<void> {
    return this.#log.close();
  }
}
