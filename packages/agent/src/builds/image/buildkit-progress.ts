import { LastLines, LineBlocks, type OutputText } from '../output/index.ts';
import { decodeTrace, type Timestamp, type Trace } from './buildkit-protocol.ts';
import type { VertexState } from './image-events.ts';

const LAST_LINES = 15;

interface Output {
  stdout: LineBlocks;
  stderr: LineBlocks;
  last: LastLines;
}

/** The progress of one build by BuildKit: its traces, as sub-steps and lines. */
export class BuildkitProgress {
  readonly #onVertex: (vertex: VertexState) => void;
  readonly #onOutput: (output: OutputText) => void;
  readonly #mask: (text: string) => string;
  readonly #vertices = new Map<string, VertexState>();
  readonly #outputs = new Map<string, Output>();
  #failed: string | undefined;

  /** Lines are masked before anything is cut off them; what is said of sub-steps is not. */
  constructor(
    onVertex: (vertex: VertexState) => void,
    onOutput: (output: OutputText) => void,
    mask: (text: string) => string,
  ) {
    this.#onVertex = onVertex;
    this.#onOutput = onOutput;
    this.#mask = mask;
  }

  /** A trace as the engine sends it, in base64. */
  addEncoded(text: string): void {
    this.add(decodeTrace(Buffer.from(text, 'base64')));
  }

  add({ vertexes, logs, warnings }: Trace): void {
    for (const { digest, name, cached, started, completed, error } of vertexes) {
      const before = this.#vertices.get(digest);
      // One that has not begun is only planned.
      if (!started && !completed && !cached) continue;
      const cancelled = /context canceled|Canceled/.test(error);
      const state = error
        ? cancelled
          ? 'CANCELLED'
          : 'ERROR'
        : cached
          ? 'CACHED'
          : completed
            ? 'DONE'
            : 'RUNNING';
      const vertex: VertexState = {
        id: digest,
        name,
        state,
        ...(started && { startedAt: isoOf(started) }),
        ...(completed && { endedAt: isoOf(completed) }),
        ...(error && { error }),
      };
      this.#vertices.set(digest, vertex);
      if (before !== undefined && before.state === state && before.endedAt === vertex.endedAt) continue;
      if (completed) this.#endOutput(digest);
      if (state === 'ERROR') this.#failed ??= digest;
      this.#onVertex(vertex);
    }
    for (const { vertex, stream, msg } of logs) {
      const output = this.#outputOf(vertex);
      output[stream.toString() === '2' ? 'stderr' : 'stdout'].write(msg);
    }
    for (const { vertex, short, detail } of warnings) {
      for (const text of [short, ...detail]) {
        const line = this.#mask(`warning: ${Buffer.from(text).toString('utf8')}`);
        this.#onOutput({ stream: 'stderr', text: `${line}\n`, vertex });
      }
    }
  }

  /** The first sub-step that failed, and the last lines that it wrote. */
  get failed(): { vertex: VertexState; lastLines: readonly string[] } | undefined {
    const vertex = this.#failed === undefined ? undefined : this.#vertices.get(this.#failed);
    if (vertex === undefined) return undefined;
    return { vertex, lastLines: this.#outputs.get(vertex.id)?.last.lines ?? [] };
  }

  /** Gives out what is left. Sub-steps that have not ended are cancelled: nothing runs after the build's own end. */
  end(): void {
    for (const id of this.#outputs.keys()) this.#endOutput(id);
    for (const vertex of this.#vertices.values()) {
      if (vertex.state === 'RUNNING') this.#onVertex({ ...vertex, state: 'CANCELLED', endedAt: isoNow() });
    }
  }

  #outputOf(vertex: string): Output {
    const known = this.#outputs.get(vertex);
    if (known !== undefined) return known;
    const last = new LastLines(LAST_LINES);
    const blocks = (stream: OutputText['stream']) =>
      new LineBlocks((raw) => {
        const text = this.#mask(raw);
        last.add(text);
        this.#onOutput({ stream, text, vertex });
      });
    const output = { stdout: blocks('stdout'), stderr: blocks('stderr'), last };
    this.#outputs.set(vertex, output);
    return output;
  }

  #endOutput(vertex: string): void {
    const output = this.#outputs.get(vertex);
    output?.stdout.end();
    output?.stderr.end();
  }
}

function isoOf({ seconds, nanos }: Timestamp): string {
  return new Date(seconds * 1_000 + nanos / 1_000_000).toISOString();
}

function isoNow(): string {
  return new Date().toISOString();
}
