import type { LogLine } from '@towline/core/protocol';

/** A line is cut here, so that one without an end takes no more memory than this. */
export const MAX_LINE_BYTES = 64 * 1024;

type Stream = LogLine['stream'];

const NEWLINE = 0x0a;
const SPACE = 0x20;
const HEADER_BYTES = 8;
/** `2026-01-01T00:00:00.000000000Z` and its longer forms with an offset. */
const MAX_STAMP = 40;

/**
 * The lines of a log that the engine was asked for with timestamps. Without a TTY both streams come in frames, each a
 * line or, above 16 KiB, a part of one with a timestamp of its own; with a TTY it is bare text.
 */
export async function* readLogLines(
  stream: AsyncIterable<Uint8Array>,
  tty: boolean,
): AsyncGenerator<LogLine> {
  yield* tty ? readBare(stream) : readFrames(stream);
}

/** The bytes of one stream, joined to lines. Takes them in pieces of any length, and keeps no more than a line. */
class LineJoiner {
  readonly #stream: Stream;
  #parts: Uint8Array[] = [];
  #length = 0;
  #at = '';
  #lastAt = '';
  /** What may become a timestamp; undefined where none is expected. */
  #stamp: Uint8Array | undefined;

  constructor(stream: Stream) {
    this.#stream = stream;
  }

  /** What is added next begins with a timestamp. */
  expectStamp(): void {
    this.#stamp = new Uint8Array(0);
  }

  /** Takes a piece without a newline in it. */
  add(piece: Uint8Array): void {
    if (this.#stamp === undefined) {
      this.#keep(piece);
      return;
    }
    const head = Buffer.concat([this.#stamp, piece]);
    this.#stamp = head;
    if (head.length >= MAX_STAMP || head.includes(SPACE)) this.#endStamp();
  }

  get empty(): boolean {
    return this.#length === 0 && this.#at === '' && (this.#stamp?.length ?? 0) === 0;
  }

  take(): LogLine {
    this.#endStamp();
    const text = Buffer.concat(this.#parts).toString('utf8');
    const line: LogLine = {
      at: this.#at || this.#lastAt,
      stream: this.#stream,
      line: text.replace(/\r$/, ''),
    };
    this.#parts = [];
    this.#length = 0;
    this.#at = '';
    return line;
  }

  #endStamp(): void {
    if (this.#stamp === undefined) return;
    const { at, body } = splitStamp(this.#stamp);
    this.#stamp = undefined;
    // Each part of a long line has one; the first is the line's.
    if (this.#at === '') this.#at = at;
    if (at !== '') this.#lastAt = at;
    this.#keep(body);
  }

  #keep(piece: Uint8Array): void {
    const kept = piece.subarray(0, MAX_LINE_BYTES - this.#length);
    if (kept.length === 0) return;
    // A copy: the piece may be a small part of a large chunk, which it would hold on to.
    this.#parts.push(Uint8Array.from(kept));
    this.#length += kept.length;
  }
}

async function* readBare(stream: AsyncIterable<Uint8Array>): AsyncGenerator<LogLine> {
  const joiner = new LineJoiner('stdout');
  joiner.expectStamp();
  for await (const chunk of stream) {
    let rest: Uint8Array = chunk;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      joiner.add(rest.subarray(0, end));
      yield joiner.take();
      joiner.expectStamp();
      rest = rest.subarray(end + 1);
    }
    joiner.add(rest);
  }
  if (!joiner.empty) yield joiner.take();
}

async function* readFrames(stream: AsyncIterable<Uint8Array>): AsyncGenerator<LogLine> {
  const joiners = { stdout: new LineJoiner('stdout'), stderr: new LineJoiner('stderr') };
  for await (const { stream: name, first, bytes } of framePieces(stream)) {
    const joiner = joiners[name];
    if (first) joiner.expectStamp();
    let rest = bytes;
    for (let end = rest.indexOf(NEWLINE); end !== -1; end = rest.indexOf(NEWLINE)) {
      joiner.add(rest.subarray(0, end));
      yield joiner.take();
      rest = rest.subarray(end + 1);
    }
    joiner.add(rest);
  }
  for (const joiner of [joiners.stdout, joiners.stderr]) {
    if (!joiner.empty) yield joiner.take();
  }
}

/** A frame's body in the pieces that it comes in, whatever its length. */
export interface FramePiece {
  stream: Stream;
  /** Whether it is where the frame begins. */
  first: boolean;
  bytes: Uint8Array;
}

export async function* framePieces(stream: AsyncIterable<Uint8Array>): AsyncGenerator<FramePiece> {
  const header = Buffer.alloc(HEADER_BYTES);
  let headerLength = 0;
  let left = 0;
  let first = false;
  for await (const chunk of stream) {
    let at = 0;
    while (at < chunk.length) {
      if (left === 0) {
        const taken = Math.min(HEADER_BYTES - headerLength, chunk.length - at);
        header.set(chunk.subarray(at, at + taken), headerLength);
        headerLength += taken;
        at += taken;
        if (headerLength < HEADER_BYTES) break;
        if (header.readUInt8(0) > 2) throw new Error('the log is not in the form that engines write');
        left = header.readUInt32BE(4);
        headerLength = 0;
        first = true;
        continue;
      }
      const bytes = chunk.subarray(at, at + left);
      yield { stream: header.readUInt8(0) === 2 ? 'stderr' : 'stdout', first, bytes };
      first = false;
      left -= bytes.length;
      at += bytes.length;
    }
  }
}

function splitStamp(bytes: Uint8Array): { at: string; body: Uint8Array } {
  const space = bytes.subarray(0, MAX_STAMP).indexOf(SPACE);
  const at = Buffer.from(bytes.subarray(0, space === -1 ? MAX_STAMP : space)).toString('latin1');
  // An empty line may come as its timestamp alone.
  if (!/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d[\d.]*(Z|[+-]\d\d:\d\d)$/.test(at)) return { at: '', body: bytes };
  return { at, body: space === -1 ? new Uint8Array(0) : bytes.subarray(space + 1) };
}
