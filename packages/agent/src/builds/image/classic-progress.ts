import * as z from 'zod';
import { LastLines, LineBlocks, type OutputText } from '../output/index.ts';
import type { VertexState } from './image-events.ts';

const LAST_LINES = 15;

const entrySchema = z.object({
  stream: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  aux: z.object({ ID: z.string().optional() }).optional().catch(undefined),
  error: z.string().optional().catch('the engine reported an error without saying which'),
  errorDetail: z
    .object({ message: z.string().optional().catch(undefined) })
    .optional()
    .catch({}),
});

/** The progress of one build by the classic builder: its text, as sub-steps and lines. */
export class ClassicProgress {
  readonly #onVertex: (vertex: VertexState) => void;
  readonly #onOutput: (output: OutputText) => void;
  readonly #mask: (text: string) => string;
  readonly #blocks: LineBlocks;
  readonly #made: string[] = [];
  #last = new LastLines(LAST_LINES);
  #vertex: VertexState | undefined;
  #step = 0;
  #cached = false;
  #imageId: string | undefined;
  #error: string | undefined;

  /** Lines are masked before anything is cut off them; what is said of sub-steps is not. */
  constructor(
    onVertex: (vertex: VertexState) => void,
    onOutput: (output: OutputText) => void,
    mask: (text: string) => string,
  ) {
    this.#onVertex = onVertex;
    this.#onOutput = onOutput;
    this.#mask = mask;
    this.#blocks = new LineBlocks((text) => {
      for (const line of text.match(/[^\n]*\n|[^\n]+$/g) ?? []) this.#line(line);
    });
  }

  /** One entry of the engine's answer. */
  add(value: unknown): void {
    const parsed = entrySchema.safeParse(value);
    if (!parsed.success) return;
    const { stream, status, aux, error, errorDetail } = parsed.data;
    if (stream !== undefined) this.#blocks.write(Buffer.from(stream));
    // Of the pull of a base image; its progress bars are left out.
    if (status !== undefined && /^(Status|Digest|Pulling from)/.test(status)) this.#line(`${status}\n`);
    if (aux?.ID !== undefined) this.#imageId = aux.ID;
    if (error !== undefined || errorDetail !== undefined)
      this.#error = errorDetail?.message || error || 'the engine reported an error without saying which';
  }

  get imageId(): string | undefined {
    return this.#imageId;
  }

  get error(): string | undefined {
    return this.#error;
  }

  /** The images between that this build made, the first one first. */
  get made(): readonly string[] {
    return this.#made;
  }

  /** The sub-step that the build ended in, counted from 1. */
  get lastStep(): { step: number; name: string; lastLines: readonly string[] } | undefined {
    return this.#vertex && { step: this.#step, name: this.#vertex.name, lastLines: this.#last.lines };
  }

  end(outcome: 'DONE' | 'ERROR' | 'CANCELLED', error?: string): void {
    this.#blocks.end();
    this.#endVertex(outcome, error);
  }

  #line(raw: string): void {
    const line = this.#mask(raw);
    const text = line.replace(/\r?\n$/, '');
    const step = /^Step (\d+)\/(\d+) : ([\s\S]*)$/.exec(text);
    if (step !== null) {
      this.#endVertex('DONE');
      this.#step = Number(step[1]);
      this.#cached = false;
      this.#last = new LastLines(LAST_LINES);
      this.#vertex = {
        id: `step-${step[1]}`,
        name: `[${step[1]}/${step[2]}] ${step[3]}`,
        state: 'RUNNING',
        startedAt: new Date().toISOString(),
      };
      this.#onVertex(this.#vertex);
      return;
    }
    if (text === ' ---> Using cache') this.#cached = true;
    // The image after this step. One from the cache, and a base, are not ours to remove.
    const made = /^ ---> ([0-9a-f]{12})$/.exec(text)?.[1];
    if (made !== undefined && !this.#cached && !/^\[\d+\/\d+\] FROM /i.test(this.#vertex?.name ?? ''))
      this.#made.push(made);
    if (/^ ---> |^Removing intermediate container /.test(text)) return;
    this.#last.add(line);
    this.#onOutput({ stream: 'stdout', text: line, ...(this.#vertex && { vertex: this.#vertex.id }) });
  }

  #endVertex(outcome: 'DONE' | 'ERROR' | 'CANCELLED', error?: string): void {
    if (this.#vertex === undefined || this.#vertex.state !== 'RUNNING') return;
    const state = outcome === 'DONE' && this.#cached ? 'CACHED' : outcome;
    const endedAt = new Date().toISOString();
    this.#vertex = { ...this.#vertex, state, endedAt, ...(error !== undefined && { error }) };
    this.#onVertex(this.#vertex);
  }
}
