import type { Journal } from './journal.ts';

export interface EventLogOptions<Event, Body, State> {
  journal: Pick<Journal<Event>, 'append' | 'close'>;
  /** The events so far. */
  past: readonly Event[];
  /** The number of the next one. */
  nextSeq: number;
  now: () => Date;
  /** Makes an event of its body, with its number and its time. */
  date: (body: Body, seq: number, at: string) => Event;
  reduce: (state: State | undefined, event: Event) => State | undefined;
  isEnded: (state: State) => boolean;
  /** Told after each event is written. */
  onChange: (state: State) => void;
  /** A line that could not be written: what goes on counts more than what is noted of it. */
  onWriteError: (error: unknown) => void;
}

/**
 * How many numbers are passed over where something is taken up again. A power cut, or a disk that was full, may have lost
 * events that somebody was told of: their numbers are never given to others, or whoever resumes after them misses these,
 * the end among them.
 */
const PASSED_OVER = 100_000;

/** The number of the next event of something that an earlier agent began, and that has `last` for its last number. */
export function numberAfterLoss(last: number): number {
  return last + PASSED_OVER + 1;
}

/**
 * The events of something that goes on: numbered, dated, journaled, folded into its state, and told to whoever follows.
 * The last one is called `ended`.
 */
export class EventLog<Event extends { type: string; seq: number }, Body, State> {
  readonly #options: EventLogOptions<Event, Body, State>;
  /** In the order of their numbers, which may leave some out. */
  readonly #events: Event[];
  #state: State | undefined;
  #nextSeq: number;
  #written: Promise<void> = Promise.resolve();
  #wake = Promise.withResolvers<void>();
  #closed = false;
  #isWhole = true;

  constructor(options: EventLogOptions<Event, Body, State>) {
    this.#options = options;
    this.#events = [...options.past];
    this.#nextSeq = options.nextSeq;
    this.#state = this.#events.reduce<State | undefined>(options.reduce, undefined);
  }

  /** The fold of what is written; undefined before the first event is. */
  get state(): State | undefined {
    return this.#state;
  }

  /** False where something of it could not be written: its journal alone does not tell all of it, perhaps not its end. */
  get isWhole(): boolean {
    return this.#isWhole;
  }

  emit(body: Body): void {
    this.#append(body, false).catch(this.#options.onWriteError);
  }

  /** As `emit`; returns once it, and everything before it, is on the disk. */
  emitDurably(body: Body): Promise<void> {
    return this.#append(body, true);
  }

  /** What is emitted from now on is not told before this is over. */
  tellAfter(work: Promise<void>): void {
    this.#written = Promise.all([this.#written, work.catch(() => undefined)]).then(() => undefined);
  }

  /** The events after `afterSeq`: those of the past, then live ones, up to the end or to `signal`. */
  async *follow(afterSeq: number, signal: AbortSignal): AsyncGenerator<Event> {
    const onAbort = () => this.#tell();
    signal.addEventListener('abort', onAbort, { once: true });
    try {
      for (let at = 0; !signal.aborted; at++) {
        while (this.#events.length <= at) {
          if (signal.aborted || this.#closed || this.#isEnded()) return;
          await this.#wake.promise;
        }
        const event = this.#events[at];
        if (event === undefined) return;
        if (event.seq <= afterSeq) continue;
        yield event;
        if (event.type === 'ended') return;
      }
    } finally {
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** Lets go of the journal and of whoever follows. */
  async close(): Promise<void> {
    await this.#written;
    this.#closed = true;
    this.#tell();
    await this.#options.journal.close();
  }

  async #append(body: Body, durable: boolean): Promise<void> {
    const event = this.#options.date(body, this.#nextSeq, this.#options.now().toISOString());
    this.#nextSeq += 1;
    const appended = this.#options.journal.append(event, { durable });
    // Told in the order of the numbers, and only what the journal has (or, where the disk is full, could not take).
    const told = this.#written
      .then(() => appended)
      .catch(() => {
        this.#isWhole = false;
      })
      .then(() => this.#keep(event));
    this.#written = told;
    await told;
    await appended;
  }

  #keep(event: Event): void {
    this.#events.push(event);
    this.#state = this.#options.reduce(this.#state, event);
    // Whoever reads of the end may ask for the next at once, so what the end frees is free before it is told.
    if (this.#state !== undefined) this.#options.onChange(this.#state);
    this.#tell();
  }

  #isEnded(): boolean {
    return this.#state !== undefined && this.#options.isEnded(this.#state);
  }

  #tell(): void {
    this.#wake.resolve();
    this.#wake = Promise.withResolvers<void>();
  }
}
