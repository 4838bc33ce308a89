const BACKSPACE = 0x08;
const TAB = 0x09;
const NEWLINE = 0x0a;
const RETURN = 0x0d;
const ESCAPE = 0x1b;
const DELETE = 0x7f;
/** The first byte of U+0080 to U+00BF in UTF-8; up to U+009F these are control characters. */
const C1_LEAD = 0xc2;

/** A line that is longer is broken there, so that output without an end takes no more memory than this. */
export const MAX_LINE_BYTES = 4 * 1024 * 1024;
/** Input is taken in pieces of this size, so that a line is longer than its bound by no more. */
const PIECE_BYTES = 1024 * 1024;
/** A control sequence that is longer is none. */
const MAX_SEQUENCE_BYTES = 64;
/** Nothing before more colours than this is taken back. */
const MAX_COLOURS_BYTES = 1024;

/** Where in a control sequence the output is (ECMA-48). */
type State = 'text' | 'escape' | 'charset' | 'sequence' | 'string' | 'string-escape' | 'c1';

/**
 * What a program wrote for a terminal, as the lines that a person would have seen at the end:
 *
 * - A line that is redrawn (carriage return, backspace, erase) is its last state. Where the cursor goes up and redraws
 *   several lines, each of them is a line again.
 * - Colours (SGR) stay. Other control sequences, window titles and control characters are dropped.
 * - Bytes that are not UTF-8 stay as they are; whoever reads them makes replacement characters of them.
 * - A line above `MAX_LINE_BYTES` is broken.
 */
export class TerminalLines {
  readonly #emit: (lines: Uint8Array) => void;
  #line: Buffer = Buffer.allocUnsafe(256);
  #length = 0;
  #state: State = 'text';
  #sequence = '';
  /** The cursor is at the line's start: what comes next replaces what is there. */
  #returned = false;
  /** Colours that were set since the cursor returned. They belong to what comes next, if something does. */
  #colours: Uint8Array[] = [];
  #redrawn = false;
  /** What is pending was given out as it stands already. */
  #told = true;
  /** The line's beginning was given out as a line of its own. */
  #split = false;

  /** `emit` is given whole lines, each with a newline at its end. The bytes are its own only until it returns. */
  constructor(emit: (lines: Uint8Array) => void) {
    this.#emit = emit;
  }

  /** Takes bytes in pieces of any length. */
  write(chunk: Uint8Array): void {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) this.#take(chunk.subarray(at, at + PIECE_BYTES));
  }

  /** Whether something is pending that `tell` would give out. */
  get untold(): boolean {
    return !this.#told && this.#length > 0;
  }

  /**
   * Gives out a line that is not ended yet, as it stands: a progress bar in the middle, a question without a newline.
   * One that is being redrawn goes on; of another one, what follows is a line of its own.
   */
  tell(): void {
    if (!this.untold) return;
    this.#give();
    this.#told = true;
    if (this.#redrawn) return;
    this.#length = 0;
    this.#split = true;
  }

  /** Gives out what is pending. */
  end(): void {
    this.tell();
    this.#clear();
    this.#state = 'text';
  }

  #take(chunk: Uint8Array): void {
    let at = 0;
    while (at < chunk.length) {
      if (this.#state !== 'text') {
        at = this.#control(chunk, at);
        continue;
      }
      const start = at;
      let lastNewline = -1;
      // The path of nearly every byte: kept short.
      for (; at < chunk.length; at++) {
        const byte = chunk[at] ?? 0;
        if (byte >= 0x20) {
          if (byte === DELETE || byte === C1_LEAD) break;
        } else if (byte === NEWLINE) lastNewline = at;
        else if (byte !== TAB) break;
      }
      if (at > start) this.#text(chunk.subarray(start, at), lastNewline - start);
      if (at < chunk.length) this.#special(chunk[at++] ?? 0);
    }
  }

  /** Takes text without control characters other than newlines, the last of which is at `lastNewline`. */
  #text(text: Uint8Array, lastNewline: number): void {
    let rest = text;
    if (lastNewline >= 0) {
      let whole = text.subarray(0, lastNewline + 1);
      if (this.#length > 0 || this.#returned || this.#redrawn || this.#split) {
        const first = whole.indexOf(NEWLINE);
        this.#append(whole.subarray(0, first));
        this.#newline();
        whole = whole.subarray(first + 1);
      }
      if (whole.length > 0) this.#emit(whole);
      rest = text.subarray(lastNewline + 1);
    }
    this.#append(rest);
  }

  #append(text: Uint8Array): void {
    if (text.length === 0) return;
    if (this.#returned) this.#replace();
    this.#keep(text);
    this.#told = false;
  }

  #keep(bytes: Uint8Array): void {
    if (this.#length + bytes.length > MAX_LINE_BYTES && this.#length > 0) {
      this.#give();
      this.#length = 0;
    }
    const needed = this.#length + bytes.length;
    if (needed > this.#line.length) {
      const larger = Buffer.allocUnsafe(Math.max(needed, this.#line.length * 2));
      this.#line.copy(larger, 0, 0, this.#length);
      this.#line = larger;
    }
    this.#line.set(bytes, this.#length);
    this.#length = needed;
  }

  /** The line begins anew, with the colours that were set for it. */
  #replace(): void {
    const colours = this.#colours;
    if (this.#length > 0) this.#redrawn = true;
    this.#length = 0;
    this.#returned = false;
    this.#colours = [];
    for (const colour of colours) this.#keep(colour);
  }

  #newline(): void {
    for (const colour of this.#colours) this.#keep(colour);
    // What was told as it stands, and did not change since, is not told twice; nor is a line that was erased.
    const nothingNew = this.#redrawn ? this.#told : this.#split && this.#length === 0;
    if (!nothingNew) this.#give();
    this.#clear();
  }

  #give(): void {
    this.#keepNewline();
    this.#emit(this.#line.subarray(0, this.#length + 1));
  }

  /** One byte beyond what is pending. */
  #keepNewline(): void {
    if (this.#length === this.#line.length) {
      this.#line = Buffer.concat([this.#line, Buffer.allocUnsafe(256)]);
    }
    this.#line[this.#length] = NEWLINE;
  }

  #clear(): void {
    this.#length = 0;
    this.#returned = false;
    this.#redrawn = false;
    this.#told = true;
    this.#split = false;
    this.#colours = [];
    // A long line's memory is not held on to.
    if (this.#line.length > 64 * 1024) this.#line = Buffer.allocUnsafe(256);
  }

  #special(byte: number): void {
    if (byte === ESCAPE) this.#state = 'escape';
    else if (byte === C1_LEAD) this.#state = 'c1';
    else if (byte === RETURN) this.#returned = true;
    else if (byte === BACKSPACE) this.#back();
  }

  /** Takes the last character away. Colours after it stay. */
  #back(): void {
    if (this.#returned || this.#length === 0) return;
    // Of a line of a megabyte that is taken back one by one, no more than its end is looked at each time.
    const looked = Math.max(0, this.#length - MAX_COLOURS_BYTES);
    const colours = trailingColours(this.#line.toString('latin1', looked, this.#length));
    const last = this.#length - colours.length - 1;
    // So many that the first one may be cut: a part of one must not stay.
    if (last < 0 || (looked > 0 && colours.length > MAX_COLOURS_BYTES - 2 * MAX_SEQUENCE_BYTES)) return;
    let end = last;
    while (end > 0 && last - end < 3 && ((this.#line[end] ?? 0) & 0xc0) === 0x80) end--;
    // Bytes that are no character go one by one: what is before them is none of theirs.
    if ((this.#line[end] ?? 0) < 0xc0) end = last;
    this.#line.write(colours, end, 'latin1');
    this.#length = end + colours.length;
    this.#redrawn = true;
  }

  /** Takes one byte (or, of a string, as many as there are) of a control sequence; returns where it goes on. */
  #control(chunk: Uint8Array, at: number): number {
    const byte = chunk[at] ?? 0;
    // A line's end and another escape end every sequence, also one that is broken: nothing swallows the rest.
    if (byte === NEWLINE || byte === RETURN) {
      if (this.#state === 'c1') this.#append(Uint8Array.of(C1_LEAD));
      this.#state = 'text';
      return at;
    }
    switch (this.#state) {
      case 'c1':
        this.#state = 'text';
        if (byte >= 0x80 && byte <= 0x9f) return at + 1;
        this.#append(Uint8Array.of(C1_LEAD));
        if (byte < 0xa0 || byte > 0xbf) return at;
        this.#append(Uint8Array.of(byte));
        return at + 1;
      case 'escape':
        if (byte === 0x5b) {
          this.#state = 'sequence';
          this.#sequence = '';
        } else if (byte === 0x5d || byte === 0x50 || byte === 0x58 || byte === 0x5e || byte === 0x5f) {
          this.#state = 'string';
        } else if (byte >= 0x20 && byte <= 0x2f) this.#state = 'charset';
        else this.#state = byte === ESCAPE ? 'escape' : 'text';
        return at + 1;
      case 'charset':
        if (byte < 0x20 || byte > 0x2f) this.#state = byte === ESCAPE ? 'escape' : 'text';
        return at + 1;
      case 'sequence':
        if (byte === ESCAPE) this.#state = 'escape';
        else if (byte >= 0x40 && byte <= 0x7e) {
          this.#state = 'text';
          this.#obey(this.#sequence, String.fromCharCode(byte));
        } else if (byte < 0x20 || byte > 0x3f || this.#sequence.length >= MAX_SEQUENCE_BYTES)
          this.#state = 'text';
        else this.#sequence += String.fromCharCode(byte);
        return at + 1;
      case 'string':
        if (byte === 0x07) this.#state = 'text';
        else if (byte === ESCAPE) this.#state = 'string-escape';
        return at + 1;
      case 'string-escape':
        if (byte === 0x5c) {
          this.#state = 'text';
          return at + 1;
        }
        this.#state = 'escape';
        return at;
      case 'text':
        return at;
    }
  }

  #obey(parameters: string, final: string): void {
    if (final === 'm' && /^[\d;:]*$/.test(parameters)) {
      const colour = Buffer.from(`\u001b[${parameters}m`, 'latin1');
      if (this.#returned) this.#colours.push(colour);
      else this.#keep(colour);
      // A program that does nothing else is no reason to grow.
      if (this.#colours.length > MAX_SEQUENCE_BYTES) this.#colours.shift();
    } else if (final === 'G' && (parameters === '' || parameters === '1')) {
      this.#returned = true;
    } else if (final === 'K' || final === 'J') {
      const toTheEnd = parameters === '' || parameters === '0';
      if ((toTheEnd && this.#returned) || (final === 'K' && parameters === '2')) this.#erase();
    }
  }

  #erase(): void {
    if (this.#length === 0) return;
    this.#length = 0;
    this.#redrawn = true;
    this.#told = true;
  }
}

/** The colour sequences at the very end of a line. */
function trailingColours(line: string): string {
  let start = line.length;
  for (;;) {
    const sequence = line.lastIndexOf('\u001b', start - 1);
    if (sequence === -1 || !/^\[[\d;:]*m$/.test(line.slice(sequence + 1, start))) return line.slice(start);
    start = sequence;
    if (start === 0) return line;
  }
}
