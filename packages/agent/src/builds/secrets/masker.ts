/** What stands where a secret was. */
export const MASK = '***';

/** A value that is shorter is not masked: `a` would be everywhere. `put` says so. */
export const MIN_SECRET_BYTES = 4;
/** A line of a value of several lines that is shorter is not masked: `}` is no secret. Nor a shorter part of an encoding. */
const MIN_PART_BYTES = 8;
/** What is longer is masked in pieces, so that no more than this is held back of a stream. */
const MAX_PATTERN_BYTES = 1024;

/** How many characters of base64 the usual tools write on a line: base64(1) and MIME, and PEM. */
const BASE64_LINES = [76, 64];

/** Hides secrets in output. What comes out has none of their bytes; see `patternsOf` for the forms that are known. */
export interface Masker {
  /** For output that comes in pieces: a secret that is cut in two is found. */
  stream(): MaskStream;
  /** For what is whole, in lines: also a secret that is coloured in its middle, as `grep --color` does it. */
  bytes(bytes: Uint8Array): Uint8Array;
  text(text: string): string;
}

export interface MaskStream {
  /** As much as can be given out by now. A few bytes that may be a secret's beginning are held back. */
  write(chunk: Uint8Array): Uint8Array;
  /** What was held back. */
  end(): Uint8Array;
}

/**
 * Hides the values in whatever passes. Where several overlap or touch, all of what they cover becomes one mask. One pass over
 * the bytes, however many values there are.
 */
export function createMasker(values: Iterable<string>): Masker {
  const search = new PatternSearch([...values].flatMap(patternsOf));
  const stream = (): MaskStream => (search.empty ? PASS : new MaskingStream(search));
  const asItIs = (whole: Uint8Array): Uint8Array => {
    const masking = new MaskingStream(search);
    const first = masking.write(whole);
    const rest = masking.end();
    return rest.length === 0 ? first : Buffer.concat([first, rest]);
  };
  // As bytes, a character each: a secret is no more UTF-8 than the output that it is in.
  const inBytes = (text: string) => Buffer.from(asItIs(Buffer.from(text, 'latin1'))).toString('latin1');
  const bytes = (whole: Uint8Array): Uint8Array => {
    if (search.empty) return whole;
    const masked = asItIs(whole);
    if (!whole.includes(ESCAPE)) return masked;
    const lines = Buffer.from(whole.buffer, whole.byteOffset, whole.byteLength).toString('latin1');
    const shown = inBytes(withoutSequences(lines));
    if (shown === withoutSequences(Buffer.from(masked).toString('latin1'))) return masked;
    return Buffer.from(lines.split('\n').map(asShown).join('\n'), 'latin1');
  };
  /** A line with its colours, where they hide no secret from us. */
  const asShown = (line: string): string => {
    const masked = inBytes(line);
    const shown = inBytes(withoutSequences(line));
    return shown === withoutSequences(masked) ? masked : shown;
  };
  return {
    stream,
    bytes,
    text(text) {
      // Lines come by the million, and nearly none of them has a secret in it.
      if (!search.mayBeIn(text) && !(text.includes('\u001b') && search.mayBeIn(withoutSequences(text))))
        return text;
      return Buffer.from(bytes(Buffer.from(text))).toString('utf8');
    },
  };
}

const ESCAPE = 0x1b;
/** Control sequences and strings (ECMA-48): what a terminal obeys and does not show. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const SEQUENCES = /\u001b(?:\[[ -?]*[@-~]|\][^\u0007\u001b\n]*(?:\u0007|\u001b\\))/g;

function withoutSequences(text: string): string {
  return text.replace(SEQUENCES, '');
}

const PASS: MaskStream = { write: (chunk) => chunk, end: () => new Uint8Array(0) };

/**
 * The forms of a value that are looked for: itself, each of its lines, its base64 at any of the three places where it
 * may stand in a longer text (`user:value` in a header), base64 for URLs and in lines, its URL encodings, how JSON writes
 * it, and how a shell does that tells what it runs (`set -x`).
 */
export function patternsOf(value: string): Buffer[] {
  const whole = value.replace(/\r?\n$/, '');
  if (Buffer.byteLength(whole) < MIN_SECRET_BYTES) return [];
  const texts = new Set<string>();
  const lines = whole.split(/\r?\n/);
  if (lines.length === 1) texts.add(whole);
  else {
    for (const line of lines.map((each) => each.trim())) {
      // `-----BEGIN … KEY-----` is not the secret.
      if (Buffer.byteLength(line) >= MIN_PART_BYTES && !line.startsWith('-----')) texts.add(line);
    }
  }
  for (const form of [...encodings(whole), ...encodings(value)]) {
    if (Buffer.byteLength(form) >= MIN_SECRET_BYTES) texts.add(form);
  }
  return [...texts].flatMap((text) => pieces(Buffer.from(text)));
}

function encodings(value: string): string[] {
  const url = encodeURIComponent(value);
  const strict = url.replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
  const urls = [url, strict].flatMap((form) => [form, form.replaceAll('%20', '+')]);
  const lower = urls.map((form) => form.replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase()));
  const base64 = [0, 1, 2].flatMap((before) => base64Within(value, before));
  const inLines = BASE64_LINES.flatMap((length) => base64Lines(value, length));
  const json = JSON.stringify(value).slice(1, -1);
  // As Go's has it.
  const html = json.replace(/[<>&]/g, (char) => `\\u00${char.charCodeAt(0).toString(16)}`);
  const quoted = value.replaceAll("'", "'\\''");
  return [...urls, ...lower, ...base64, ...inLines, json, html, quoted].filter(
    (form) => !form.includes('\n'),
  );
}

/**
 * The base64 of a value where as many bytes (mod 3) stand before it: the characters that depend on the value alone, and,
 * where it is the last, all up to the end.
 */
function base64Within(value: string, before: number): string[] {
  const bytes = Buffer.from(value);
  const padded = Buffer.concat([Buffer.alloc(before), bytes]).toString('base64');
  const last = padded.slice(before === 0 ? 0 : before + 1);
  const bare = last.replace(/=+$/, '');
  const inner = (before + bytes.length) % 3 === 0 ? bare : bare.slice(0, -1);
  const forms = [last, bare, inner].filter((form) => form.length >= MIN_PART_BYTES);
  return forms.flatMap((form) => [form, forUrl(form)]);
}

/** In lines of a length: those that are long enough not to be anywhere. What may come after the value changes its last characters. */
function base64Lines(value: string, length: number): string[] {
  const base64 = Buffer.from(value).toString('base64');
  const whole = base64.replace(/.=*$/, '');
  return [base64, whole].flatMap((text) => {
    const lines = text.match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
    return lines.filter((line) => line.length >= MIN_PART_BYTES);
  });
}

function forUrl(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_');
}

function pieces(pattern: Buffer): Buffer[] {
  if (pattern.length <= MAX_PATTERN_BYTES) return [pattern];
  const found: Buffer[] = [];
  for (let at = 0; at < pattern.length; at += MAX_PATTERN_BYTES) {
    // The last piece is as long as the others: a few bytes of it alone might be anywhere.
    const start = Math.min(at, pattern.length - MAX_PATTERN_BYTES);
    found.push(pattern.subarray(start, start + MAX_PATTERN_BYTES));
  }
  return found;
}

/** Finds any of many patterns, by their first two bytes. */
class PatternSearch {
  readonly longest: number;
  readonly #heads = new Uint8Array(0x10000);
  readonly #byHead = new Map<number, Buffer[]>();
  readonly #first = new Map<number, Buffer[]>();
  /** A part of each pattern: a text without any of them has none of the patterns. Undefined: every text may have one. */
  readonly #parts: RegExp | undefined;

  constructor(patterns: readonly Buffer[]) {
    this.#parts = partsOf(patterns);
    this.longest = patterns.reduce((longest, pattern) => Math.max(longest, pattern.length), 0);
    for (const pattern of patterns) {
      const head = headAt(pattern, 0);
      this.#heads[head] = 1;
      this.#byHead.set(head, [...(this.#byHead.get(head) ?? []), pattern]);
      const first = pattern[0] ?? 0;
      this.#first.set(first, [...(this.#first.get(first) ?? []), pattern]);
    }
    for (const list of this.#byHead.values()) list.sort((a, b) => b.length - a.length);
  }

  get empty(): boolean {
    return this.longest === 0;
  }

  /** False: no pattern is in the text, for sure. */
  mayBeIn(text: string): boolean {
    return !this.empty && (this.#parts === undefined || this.#parts.test(text));
  }

  /** The length of the longest pattern that is there at a place; 0 where there is none. */
  lengthAt(bytes: Buffer, at: number): number {
    const head = headAt(bytes, at);
    if (this.#heads[head] === 0) return 0;
    for (const pattern of this.#byHead.get(head) ?? []) {
      if (
        at + pattern.length <= bytes.length &&
        bytes.compare(pattern, 0, pattern.length, at, at + pattern.length) === 0
      )
        return pattern.length;
    }
    return 0;
  }

  /** The first place from which what is there may become a pattern, with what comes next. */
  firstOpen(bytes: Buffer): number {
    for (let at = Math.max(0, bytes.length - this.longest + 1); at < bytes.length; at++) {
      const length = bytes.length - at;
      for (const pattern of this.#first.get(bytes[at] ?? 0) ?? []) {
        if (pattern.length > length && pattern.compare(bytes, at, bytes.length, 0, length) === 0) return at;
      }
    }
    return bytes.length;
  }
}

/** In characters; long enough to be rare. */
const PART = 24;

function partsOf(patterns: readonly Buffer[]): RegExp | undefined {
  const parts = new Set<string>();
  for (const pattern of patterns) {
    // A pattern may begin or end in the middle of a character: what counts is what is whole.
    const part = pattern
      .toString('utf8')
      .replace(/^\uFFFD+|\uFFFD+$/g, '')
      .slice(0, PART);
    if (part === '' || !part.isWellFormed()) return undefined;
    parts.add(part.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&'));
  }
  return new RegExp([...parts].join('|'));
}

function headAt(bytes: Buffer, at: number): number {
  return ((bytes[at] ?? 0) << 8) | (bytes[at + 1] ?? 0);
}

class MaskingStream implements MaskStream {
  readonly #search: PatternSearch;
  #held: Buffer = Buffer.alloc(0);
  /** How many of the held bytes belong to a secret whose mask was given out already; below 0, the last was plain text. */
  #covered = -1;

  constructor(search: PatternSearch) {
    this.#search = search;
  }

  write(chunk: Uint8Array): Uint8Array {
    const bytes = Buffer.concat([this.#held, chunk]);
    return this.#give(bytes, this.#search.firstOpen(bytes));
  }

  end(): Uint8Array {
    const given = this.#give(this.#held, this.#held.length);
    this.#held = Buffer.alloc(0);
    this.#covered = -1;
    return given;
  }

  /** Gives out what stands before `open`, and holds the rest. */
  #give(bytes: Buffer, open: number): Uint8Array {
    const mask = Buffer.from(MASK);
    const parts: Buffer[] = [];
    let covered = this.#covered;
    let plain = Math.max(0, covered);
    for (let at = 0; at < open; at++) {
      const length = this.#search.lengthAt(bytes, at);
      if (length === 0) continue;
      if (at > covered) {
        if (at > plain) parts.push(bytes.subarray(plain, at));
        parts.push(mask);
      }
      covered = Math.max(covered, at + length);
      plain = covered;
    }
    if (plain < open) parts.push(bytes.subarray(plain, open));
    this.#held = Buffer.from(bytes.subarray(open));
    this.#covered = Math.max(-1, covered - open);
    return parts.length === 1 && parts[0] !== undefined ? parts[0] : Buffer.concat(parts);
  }
}
