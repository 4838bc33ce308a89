import { isEnded, type Job, type JobEvent, type JobEventBody, reduceJob } from '@towline/core/job';
import type { JobWriter } from '../replace/index.ts';
import { EventLog, type Journal, NotRecorded, numberAfterLoss } from '../store/index.ts';
import type { JobLine } from './job-line.ts';

/** Without the distribution over the union, a `seq` would not be a member of each kind of event. */
function dated(event: JobEventBody, seq: number, at: string): JobEvent {
  return { ...event, seq, at };
}

function nextSeq(past: readonly JobEvent[]): number {
  const last = past.at(-1);
  return last === undefined ? 1 : numberAfterLoss(last.seq);
}

export interface ActiveJobOptions {
  journal: Journal<JobLine>;
  /** The events so far, of a job that is taken up again. */
  past: readonly JobEvent[];
  now: () => Date;
  /** Of one that is taken up past its commit, or restores: it can't be cancelled. */
  onlyForward?: boolean;
  /** Told after each event is written. */
  onChange: (job: Job) => void;
  /** A line that could not be written: the job goes on, for what serves counts more than what is noted. */
  onWriteError: (error: unknown) => void;
}

/**
 * What came of a cancel. `taken`: it ends. `too-late`: it is past its commit, or is a restore, or has ended. `not-written`: the
 * agent ends as well, and the next one will not know of it.
 */
export type CancelAnswer = 'taken' | 'too-late' | 'not-written';

/** A job that has not ended: its events, its records, and whether it is cancelled. */
export class ActiveJob implements JobWriter {
  readonly #journal: Journal<JobLine>;
  readonly #log: EventLog<JobEvent, JobEventBody, Job>;
  readonly #cancel = new AbortController();
  #onlyForward: boolean;
  /** What whoever cancelled first is answered, and all others with that. */
  #answer: Promise<CancelAnswer> | undefined;
  #ends = false;
  /** True where it has ended, false where its agent ended before it. */
  readonly #over = Promise.withResolvers<boolean>();

  constructor(options: ActiveJobOptions) {
    this.#journal = options.journal;
    this.#onlyForward = options.onlyForward ?? false;
    // What was asked of the agent before this one is still asked.
    if (!this.#onlyForward && options.past.some(({ type }) => type === 'cancel-requested'))
      this.#cancel.abort();
    this.#log = new EventLog({
      ...options,
      nextSeq: nextSeq(options.past),
      date: dated,
      reduce: reduceJob,
      isEnded: ({ state }: Job) => isEnded(state),
      onChange: (job) => {
        options.onChange(job);
        if (isEnded(job.state)) this.#over.resolve(true);
      },
    });
  }

  get job(): Job | undefined {
    return this.#log.state;
  }

  /** As the log of its events has it. */
  get isWhole(): boolean {
    return this.#log.isWhole;
  }

  /** Aborted when the operator cancels. */
  get cancelled(): AbortSignal {
    return this.#cancel.signal;
  }

  /** Returns once the next agent would know of it as well. */
  async cancel(operator: string): Promise<CancelAnswer> {
    if (this.#ends) await this.#over.promise;
    if (this.#ends || this.#onlyForward) return 'too-late';
    this.#answer ??= this.#takeCancel(operator);
    return await this.#answer;
  }

  async #takeCancel(operator: string): Promise<CancelAnswer> {
    // Of one that was taken up cancelled.
    if (this.#cancel.signal.aborted) return 'taken';
    // Told before what ends of it.
    const written = this.emitDurably({ type: 'cancel-requested', operator });
    this.#cancel.abort();
    try {
      await written;
      return 'taken';
    } catch {
      // A disk that is full keeps nobody from cancelling. But an agent that is killed now leaves one that would go on: it is
      // answered when nothing is left that could.
      return (await this.#over.promise) ? 'taken' : 'not-written';
    }
  }

  emit(body: JobEventBody): void {
    this.#log.emit(body);
  }

  /** As `emit`; returns once it, and everything before it, is on the disk. */
  emitDurably(body: JobEventBody): Promise<void> {
    if (body.type === 'ended') this.#ends = true;
    return this.#log.emitDurably(body);
  }

  async record(record: Extract<JobLine, { record: string }>): Promise<void> {
    if (record.record === 'committed' || record.record === 'restores') this.#onlyForward = true;
    const written = this.#journal.append(record, { durable: record.record !== 'request' });
    // What is told after it must not be told before it is written.
    this.#log.tellAfter(written);
    await written.catch((error: unknown) => {
      // With the request nothing is begun yet, and the caller says so.
      throw record.record === 'request' ? error : new NotRecorded(error);
    });
  }

  /** The events after `afterSeq`: those of the past, then live ones, up to the end or to `signal`. */
  follow(afterSeq: number, signal: AbortSignal): AsyncGenerator<JobEvent> {
    return this.#log.follow(afterSeq, signal);
  }

  /** Lets go of the journal and of whoever follows. */
  close(): Promise<void> {
    this.#over.resolve(false);
    return this.#log.close();
  }
}
