import type { OutputText } from '../output/index.ts';

/** A sub-step of CREATE IMAGE as it stands: an instruction of the Dockerfile, or something of the builder's own. */
export interface VertexState {
  /** The builder's own name for it, unique within the build. */
  id: string;
  /** As the builder calls it: `[2/3] COPY . /srv`. */
  name: string;
  state: 'RUNNING' | 'DONE' | 'CACHED' | 'ERROR' | 'CANCELLED';
  /** ISO 8601. */
  startedAt?: string;
  endedAt?: string;
  error?: string;
}

/** What is heard of an image being built. All text is masked. */
export interface ImageListener {
  /** A sub-step began or ended; the newest of an id counts. */
  onVertex?(vertex: VertexState): void;
  /** Lines, with the sub-step that wrote them as `vertex`. Where it returns a promise, the builder waits for it. */
  onOutput?(output: OutputText): void | Promise<void>;
  /** Replaces what is secret in a text. */
  mask?(text: string): string;
}

/** One whose sub-steps are masked on the way to it, and whose lines are where they are cut. */
export interface MaskedListener extends ImageListener {
  mask(text: string): string;
}
