import { type BuildRun, type BuildStepKind, buildStepName, isRunEnded } from '@towline/core/build';
import type {
  BuildLogChunk,
  BuildLogInput,
  BuildLogOutput,
  BuildLogPartInput,
  BuildLogPartOutput,
  FollowBuildLogInput,
  ProtocolError,
  SearchBuildLogInput,
  SearchBuildLogOutput,
} from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import type { Answer } from './build-service.ts';
import { type LogReader, readStepLog, type StepLog } from './log/index.ts';

export interface RunLogsOptions {
  pathOf(run: BuildRun, step: BuildStepKind): string;
  run(id: string): BuildRun | undefined;
  onRun(listener: (run: BuildRun) => void): () => void;
}

/** The logs of all steps: those that are written now, and those of the past, by the same calls. */
export class RunLogs {
  readonly #options: RunLogsOptions;
  readonly #live = new Map<string, StepLog>();

  constructor(options: RunLogsOptions) {
    this.#options = options;
  }

  /** Shows a log that is written to whoever asks for it, until it ends. */
  live(run: BuildRun, step: BuildStepKind, log: StepLog): StepLog {
    const path = this.#options.pathOf(run, step);
    this.#live.set(path, log);
    return {
      ...log,
      end: async () => {
        const ended = await log.end();
        this.#live.delete(path);
        return ended;
      },
    };
  }

  /** The paths of those that are written. */
  inUse(): ReadonlySet<string> {
    return new Set(this.#live.keys());
  }

  async page({ run, step, at, limit }: BuildLogInput): Answer<BuildLogOutput> {
    const log = await this.#reader(run, step);
    if (!log.ok) return log;
    return ok(await (at === 'end' ? log.value.tail(limit) : log.value.page({ ...at, limit })));
  }

  async part({ run, step, seq, at, until }: BuildLogPartInput): Answer<BuildLogPartOutput> {
    const log = await this.#reader(run, step);
    if (!log.ok) return log;
    const part = await log.value.part(seq, at, until);
    if (part !== undefined) return ok(part);
    return err({ code: 'not-found', message: `This log has no line ${seq}.` });
  }

  async search(input: SearchBuildLogInput): Answer<SearchBuildLogOutput> {
    const { run, step, what, from, direction } = input;
    const log = await this.#reader(run, step);
    if (!log.ok) return log;
    const answer = await (what === 'error'
      ? log.value.firstError(from)
      : log.value.search({ text: what.text, from, direction }));
    if (answer === 'nowhere') return ok({ result: 'nowhere' });
    if ('next' in answer) return ok({ result: 'continue', next: answer.next });
    const { found: seq, at } = answer;
    return ok({ result: 'found', seq, ...(at !== undefined && { at }) });
  }

  async follow(input: FollowBuildLogInput, signal: AbortSignal): Answer<AsyncIterable<BuildLogChunk>> {
    const { run: id, step } = input;
    const run = this.#options.run(id);
    if (run === undefined) return err(noSuchRun(id));
    if (run.steps.every(({ kind }) => kind !== step)) return err(noSuchStep(run, step));
    await this.#begun(id, step, signal);
    // Whose run ended before it, or who left, waits for nothing.
    if (signal.aborted || this.#stepState(id, step) === 'WAIT') return ok(nothing());
    const log = await this.#reader(id, step);
    if (!log.ok) return log;
    const start = startOf(input, log.value.lines());
    return ok(chunks(log.value.follow(start, signal, input.latest)));
  }

  async #reader(id: string, step: BuildStepKind): Promise<Result<LogReader, ProtocolError>> {
    const run = this.#options.run(id);
    if (run === undefined) return err(noSuchRun(id));
    const path = this.#options.pathOf(run, step);
    const log = this.#live.get(path) ?? (await readStepLog(path));
    if (log !== undefined) return ok(log);
    const state = run.steps.find(({ kind }) => kind === step)?.state;
    if (state === undefined) return err(noSuchStep(run, step));
    const name = buildStepName(step);
    return err({
      code: 'not-found',
      message:
        state === 'WAIT'
          ? `${name} of ${run.tag} has not begun, and has no log.`
          : `The log of ${name} of ${run.tag} is not kept any more.`,
    });
  }

  #stepState(id: string, step: BuildStepKind) {
    return this.#options.run(id)?.steps.find(({ kind }) => kind === step)?.state;
  }

  /** Waits until a step has begun, or its run is over. */
  async #begun(id: string, step: BuildStepKind, signal: AbortSignal): Promise<void> {
    const over = () => {
      const run = this.#options.run(id);
      return run === undefined || isRunEnded(run.state) || this.#stepState(id, step) !== 'WAIT';
    };
    const { promise, resolve } = Promise.withResolvers<void>();
    const stopListening = this.#options.onRun((run) => {
      if (run.id === id && over()) resolve();
    });
    const onAbort = () => resolve();
    signal.addEventListener('abort', onAbort, { once: true });
    if (over() || signal.aborted) resolve();
    await promise;
    signal.removeEventListener('abort', onAbort);
    stopListening();
  }
}

/** The number of the line before the first one that is wanted. */
function startOf({ lastEventId, fromSeq, tail }: FollowBuildLogInput, lines: number): number {
  if (lastEventId !== undefined) return Number(lastEventId);
  if (fromSeq !== undefined) return fromSeq - 1;
  return tail === undefined ? 0 : Math.max(0, lines - tail);
}

async function* chunks(source: AsyncIterable<BuildLogChunk['entries']>): AsyncGenerator<BuildLogChunk> {
  for await (const entries of source) yield { entries };
}

async function* nothing(): AsyncGenerator<BuildLogChunk> {}

function noSuchRun(id: string): ProtocolError {
  return {
    code: 'not-found',
    message: `This agent knows no build run "${id}". \`towline build list\` lists those it has.`,
  };
}

function noSuchStep(run: BuildRun, step: BuildStepKind): ProtocolError {
  return { code: 'not-found', message: `${run.tag} has no ${buildStepName(step)}.` };
}
