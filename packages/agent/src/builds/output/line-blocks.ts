/** What has no line's end for as long comes in parts of this, so that it takes no more memory. */
export const MAX_LINE_BYTES = 2 * 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** Some of what a program wrote: lines, with their ends as they were written. */
export interface OutputText {
  stream: 'stdout' | 'stderr';
  /**
   * Whole lines: the last one ends with `\n`, or with `\r` where it may be drawn over (a progress bar). Without an end where the
   * output is over, or the line is longer than `MAX_LINE_BYTES`. Bytes that are no UTF-8 are U+FFFD.
   */
  text: string;
  /** The sub-step that wrote it, where there are any. */
  vertex?: string;
}

/**
 * The whole lines of one stream of bytes, many at a time: by the line, a busy build would spend its time on them. Takes
 * pieces of any length, and keeps no more than a line.
 */
export class LineBlocks {
  readonly #emit: (text: string) => void;
  #kept: Uint8Array[] = [];
  #length = 0;

  constructor(emit: (text: string) => void) {
    this.#emit = emit;
  }

  write(bytes: Uint8Array): void {
    const end = Math.max(bytes.lastIndexOf(NEWLINE), bytes.lastIndexOf(RETURN)) + 1;
    if (end > 0) this.#give(bytes.subarray(0, end));
    this.#keep(bytes.subarray(end));
  }

  /** Gives out what is left. */
  end(): void {
    if (this.#length > 0) this.#give(new Uint8Array(0));
  }

  #keep(piece: Uint8Array): void {
    let rest = piece;
    while (this.#length + rest.length > MAX_LINE_BYTES) {
      // Not in the middle of a character.
      const most = MAX_LINE_BYTES - this.#length;
      let fits = most;
      while (fits > 0 && most - fits < 3 && ((rest[fits] ?? 0) & 0xc0) === 0x80) fits--;
      this.#give(rest.subarray(0, fits));
      rest = rest.subarray(fits);
    }
    if (rest.length === 0) return;
    // A copy: the piece may be a small part of a large chunk, which it would hold on to.
    this.#kept.push(Uint8Array.from(rest));
    this.#length += rest.length;
  }

  /** What is kept, and with it what it ends with. */
  #give(last: Uint8Array): void {
    const whole = this.#length === 0 ? last : Buffer.concat([...this.#kept, last]);
    this.#kept = [];
    this.#length = 0;
    this.#emit(Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('utf8'));
  }
}
