import type { ImageListener, VertexState } from './image/index.ts';
import type { StepLog } from './log/index.ts';
import type { OutputText } from './output/index.ts';
import { OutputLog } from './output-log.ts';

/** Writes what is heard of an image being built: each step of the Dockerfile by its name, with its output and its end. */
export class ImageLog implements Pick<ImageListener, 'onVertex' | 'onOutput'> {
  readonly #output: OutputLog;
  readonly #names = new Map<string, string>();
  readonly #over = new Set<string>();
  /** Whose output was written last: steps run side by side. */
  #speaker: string | undefined;

  constructor(log: StepLog) {
    this.#output = new OutputLog(log);
  }

  onVertex(vertex: VertexState): void {
    const { id, name, state } = vertex;
    if (this.#over.has(id)) return;
    if (state === 'RUNNING') {
      if (this.#names.has(id)) return;
      this.#names.set(id, name);
      this.#say(id, name);
      return;
    }
    this.#over.add(id);
    for (const stream of ['stdout', 'stderr'] as const) this.#output.end(outputOf(id, stream));
    this.#say(undefined, `${name} ${endOf(vertex)}`);
  }

  onOutput(output: OutputText): void | Promise<void> {
    const { stream, vertex = '' } = output;
    if (vertex !== this.#speaker && vertex !== '') this.#say(vertex, this.#names.get(vertex) ?? vertex);
    return this.#output.write(outputOf(vertex, stream), output);
  }

  /** Hands on what is held back. */
  flush(): void {
    this.#output.flush();
  }

  #say(speaker: string | undefined, line: string): void {
    this.#output.line(line);
    this.#speaker = speaker;
  }
}

function outputOf(vertex: string, stream: OutputText['stream']): string {
  return `${stream} ${vertex}`;
}

function endOf({ state, startedAt, endedAt, error }: VertexState): string {
  if (state === 'ERROR') return `ERROR${error === undefined ? '' : `: ${error}`}`;
  if (state !== 'DONE' || startedAt === undefined || endedAt === undefined) return state;
  const seconds = (Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return `DONE ${seconds.toFixed(1)}s`;
}
