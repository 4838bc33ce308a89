/** A line that is longer comes in parts of this, so that one without an end takes no more memory. */
export const MAX_LINE_BYTES = 2 * 1024 * 1024;

const NEWLINE = 0x0a;
const RETURN = 0x0d;

/** A line of what a program wrote. */
export interface OutputLine {
  /** ISO 8601; when its end came. */
  at: string;
  stream: 'stdout' | 'stderr';
  /** Without its end. Bytes that are no UTF-8 are U+FFFD. */
  text: string;
  /**
   * How it ended: `\n`, `\r` where it stays to be drawn over (a progress bar), or `` where the output ended or the
   * line is longer than `MAX_LINE_BYTES`: then the next one is the rest of it.
   */
  end: '\n' | '\r' | '';
  /** The sub-step that wrote it, where there are any. */
  vertex?: string;
}

/** The lines of one stream of bytes. Takes them in pieces of any length, and keeps no more than a line. */
export class LineSplitter {
  readonly #emit: (text: string, end: OutputLine['end']) => void;
  #parts: Uint8Array[] = [];
  #length = 0;
  /** The last byte was a carriage return: alone, or the first half of `\r\n`. */
  #returned = false;

  constructor(emit: (text: string, end: OutputLine['end']) => void) {
    this.#emit = emit;
  }

  write(bytes: Uint8Array): void {
    let from = 0;
    if (this.#returned && bytes.length > 0) {
      this.#returned = false;
      const windows = bytes[0] === NEWLINE;
      this.#give(windows ? '\n' : '\r');
      if (windows) from = 1;
    }
    // Looked for anew once it is passed only: most output has none, and would be searched to its end for each line.
    let nextReturn = bytes.indexOf(RETURN, from);
    while (from < bytes.length) {
      const newline = bytes.indexOf(NEWLINE, from);
      const before = newline === -1 ? bytes.length : newline;
      if (nextReturn !== -1 && nextReturn < from) nextReturn = bytes.indexOf(RETURN, from);
      const at = nextReturn !== -1 && nextReturn < before ? nextReturn : before;
      if (at === bytes.length) {
        this.#keep(bytes.subarray(from, at));
        return;
      }
      if (this.#length === 0 && bytes[at] === NEWLINE && at - from <= MAX_LINE_BYTES) {
        // Most lines are whole, and need no copy.
        this.#emit(decode(bytes.subarray(from, at)), '\n');
        from = at + 1;
        continue;
      }
      this.#keep(bytes.subarray(from, at));
      if (bytes[at] === NEWLINE) {
        this.#give('\n');
        from = at + 1;
      } else if (at + 1 === bytes.length) {
        this.#returned = true;
        return;
      } else {
        const windows = bytes[at + 1] === NEWLINE;
        this.#give(windows ? '\n' : '\r');
        from = at + (windows ? 2 : 1);
      }
    }
  }

  /** Gives out what is left. */
  end(): void {
    if (this.#returned) this.#give('\r');
    else if (this.#length > 0) this.#give('');
    this.#returned = false;
  }

  #keep(piece: Uint8Array): void {
    let rest = piece;
    while (this.#length + rest.length > MAX_LINE_BYTES) {
      // Not in the middle of a character.
      let fits = MAX_LINE_BYTES - this.#length;
      while (fits > 0 && ((rest[fits] ?? 0) & 0xc0) === 0x80 && MAX_LINE_BYTES - this.#length - fits < 3)
        fits--;
      this.#push(rest.subarray(0, fits));
      this.#give('');
      rest = rest.subarray(fits);
    }
    this.#push(rest);
  }

  #push(piece: Uint8Array): void {
    if (piece.length === 0) return;
    // A copy: the piece may be a small part of a large chunk, which it would hold on to.
    this.#parts.push(Uint8Array.from(piece));
    this.#length += piece.length;
  }

  #give(end: OutputLine['end']): void {
    const whole = Buffer.concat(this.#parts);
    this.#parts = [];
    this.#length = 0;
    this.#emit(decode(whole), end);
  }
}

function decode(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
}
