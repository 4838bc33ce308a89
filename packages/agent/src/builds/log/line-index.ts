const NEWLINE = 0x0a;
/** An entry after as many lines, or as many bytes, whichever comes first. */
const EVERY_LINES = 1_000;
const EVERY_BYTES = 256 * 1024;
/** A line's number and its offset, as doubles: exact up to 2^53. */
const ENTRY_BYTES = 16;

/** A run of whole lines: `first` to `last` by number, `from` to `to` in the file. */
export interface Segment {
  first: number;
  last: number;
  from: number;
  to: number;
}

/**
 * Where lines begin in a file, for some of them: 10^6 lines take a thousand entries. Numbers count from 1. Knows whole
 * lines only, until `endOfFile` makes a line of what has no newline.
 */
export class LineIndex {
  readonly #numbers: number[] = [1];
  readonly #offsets: number[] = [0];
  #lines = 0;
  /** Where the last whole line ends. */
  #bytes = 0;
  #size = 0;

  /** How many lines there are. */
  get lines(): number {
    return this.#lines;
  }

  /** Where the last line ends. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The file's size, an unfinished line included. */
  get size(): number {
    return this.#size;
  }

  get segments(): number {
    return this.#numbers.length;
  }

  /** Counts what was appended to the file. Returns the entries that came with it, as `parseEntries` reads them. */
  add(bytes: Uint8Array): Buffer {
    const before = this.#numbers.length;
    let entryNumber = this.#numbers.at(-1) ?? 1;
    let entryOffset = this.#offsets.at(-1) ?? 0;
    for (let at = 0; at < bytes.length; at++) {
      if (bytes[at] !== NEWLINE) continue;
      // The entry is for the line that ends here, if that begins far enough from the last one.
      const number = this.#lines + 1;
      if (number - entryNumber >= EVERY_LINES || this.#bytes - entryOffset >= EVERY_BYTES) {
        entryNumber = number;
        entryOffset = this.#bytes;
        this.#numbers.push(entryNumber);
        this.#offsets.push(entryOffset);
      }
      this.#lines = number;
      this.#bytes = this.#size + at + 1;
    }
    this.#size += bytes.length;
    return this.#entriesFrom(before);
  }

  /** What has no newline is a line as well: nothing comes after it. */
  endOfFile(): void {
    if (this.#size === this.#bytes) return;
    this.#lines++;
    this.#bytes = this.#size;
  }

  /** The segment with a line, by the segment's place. */
  placeOf(line: number): number {
    let low = 0;
    let high = this.#numbers.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#numbers[middle] ?? 0) <= line) low = middle;
      else high = middle - 1;
    }
    return low;
  }

  segment(place: number): Segment {
    return {
      first: this.#numbers[place] ?? 1,
      last: (this.#numbers[place + 1] ?? this.#lines + 1) - 1,
      from: this.#offsets[place] ?? 0,
      to: this.#offsets[place + 1] ?? this.#bytes,
    };
  }

  /** Begins with entries that were kept; the file is read on from `size`. */
  static from(entries: readonly { number: number; offset: number }[]): LineIndex {
    const index = new LineIndex();
    for (const { number, offset } of entries) {
      index.#numbers.push(number);
      index.#offsets.push(offset);
      index.#lines = number - 1;
      index.#bytes = offset;
      index.#size = offset;
    }
    return index;
  }

  #entriesFrom(place: number): Buffer {
    const buffer = Buffer.alloc((this.#numbers.length - place) * ENTRY_BYTES);
    for (let at = place; at < this.#numbers.length; at++) {
      buffer.writeDoubleLE(this.#numbers[at] ?? 0, (at - place) * ENTRY_BYTES);
      buffer.writeDoubleLE(this.#offsets[at] ?? 0, (at - place) * ENTRY_BYTES + 8);
    }
    return buffer;
  }
}

/** The kept entries that can be those of a file of `size` bytes: in order, and within it. */
export function parseEntries(kept: Buffer, size: number): { number: number; offset: number }[] {
  const entries: { number: number; offset: number }[] = [];
  let last = { number: 1, offset: 0 };
  for (let at = 0; at + ENTRY_BYTES <= kept.length; at += ENTRY_BYTES) {
    const entry = { number: kept.readDoubleLE(at), offset: kept.readDoubleLE(at + 8) };
    const inOrder = entry.number > last.number && entry.offset > last.offset && entry.offset <= size;
    if (!inOrder || !Number.isSafeInteger(entry.number) || !Number.isSafeInteger(entry.offset)) break;
    entries.push(entry);
    last = entry;
  }
  return entries;
}
