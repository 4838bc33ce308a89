import type { LogSink, StepLog } from './log/index.ts';
import type { OutputText } from './output/index.ts';

/** As much is handed to the log at once, in characters: by the line, a busy build would spend its time on that. */
const BATCH = 32 * 1024;

/** Writes the lines of several outputs into a step's log: each output's whole, and all in the order that they came. */
export class OutputLog {
  readonly #log: StepLog;
  readonly #sinks = new Map<string, LogSink>();
  /** The output that the batch is of. */
  #output = '';
  #batch = '';
  #flushing = false;

  constructor(log: StepLog) {
    this.#log = log;
  }

  /** Where it returns a promise, whoever writes is to wait for it. `output` tells the outputs apart. */
  write(output: string, { text }: OutputText): void | Promise<void> {
    if (output !== this.#output) this.flush();
    this.#output = output;
    this.#batch += text;
    if (this.#batch.length >= BATCH) return this.flush() ? undefined : this.#log.drained();
    if (this.#flushing) return;
    this.#flushing = true;
    // What comes in one turn goes together, and is seen at once.
    setImmediate(() => {
      this.#flushing = false;
      this.flush();
    });
  }

  /** A line of the agent's own. */
  line(text: string): void {
    this.flush();
    this.#log.line(text);
  }

  /** An output is over: its last line is one, also without its end. */
  end(output: string): void {
    if (output === this.#output) this.flush();
    this.#sinks.get(output)?.end();
    this.#sinks.delete(output);
  }

  /** Hands on what is held back. False: there is no room for more at the moment. */
  flush(): boolean {
    if (this.#batch === '') return true;
    const sink = this.#sinks.get(this.#output) ?? this.#log.sink();
    this.#sinks.set(this.#output, sink);
    const batch = this.#batch;
    this.#batch = '';
    return sink.write(batch);
  }
}
