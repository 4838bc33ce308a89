import type { FileHandle } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import type { LineIndex } from './line-index.ts';
import { openForReading, readRange } from './log-file.ts';
import { looksLikeError } from './looks-like-error.ts';
import { plainText } from './plain-text.ts';

const NEWLINE = 0x0a;
const ESCAPE = 0x1b;
const END_OF_COLOUR = 0x6d;
/** Longer ones are not kept. See `TerminalLines`. */
const MAX_COLOUR_BYTES = 70;
/** A line's bytes that are served at once; the rest is had with `part`. */
export const MAX_TEXT_BYTES = 64 * 1024;
/** What one page, or one batch of a live stream, holds at most, in bytes of the file. A longest line is less. */
export const MAX_PAGE_BYTES = 512 * 1024;
export const MAX_PAGE_LINES = 1_000;
const BLOCK_BYTES = 256 * 1024;
/** A search gives an answer within this, if only where to go on. */
const SEARCH_MS = 200;
/** Whoever wants the latest lines, and not all of them, has them as often. */
const LATEST_EVERY_MS = 100;

/** One line of a log. `seq` counts from 1, and is the line's number. */
export interface LogEntry {
  seq: number;
  /** May have colours (SGR) in it, and no other control characters than tabs. */
  text: string;
  /** Of a line that is cut, how long it is in the file, in bytes. */
  bytes?: number;
}

export interface LogPage {
  /** In order, without gaps. Empty where there are none of that number. */
  entries: LogEntry[];
  /** How many lines the log has by now. */
  lines: number;
}

export interface LogPart {
  text: string;
  from: number;
  /** Absent at the line's end. */
  next?: number;
}

/** A page from a line on, or the lines just before one; both of up to `limit` lines, fewer where these are long. */
export type PageRequest = { from: number; limit: number } | { before: number; limit: number };

/**
 * Found in a line, or not in any; or not yet, and to be gone on with from `next`. `at` is the byte of the line behind what
 * was found, where that is a line that is served cut.
 */
export type SearchAnswer = { found: number; at?: number } | { next: number } | 'nowhere';

export interface SearchRequest {
  /** Taken as it stands, in upper or lower case. */
  text: string;
  /** The line to begin with. */
  from: number;
  direction: 'forward' | 'backward';
}

/** What can be had of a step's log, while it is written and afterwards. Every call reads the file; none keeps it. */
export interface LogReader {
  /** How many lines it has by now. */
  lines(): number;
  page(request: PageRequest): Promise<LogPage>;
  /** The tail: the last lines. */
  tail(limit: number): Promise<LogPage>;
  /**
   * A part of a long line, from a byte of it on and up to `until`, where it begins, and where the next part does. No
   * character and no colour is cut in two: it may begin and end a few bytes before what was asked for.
   */
  part(seq: number, at: number, until?: number): Promise<LogPart | undefined>;
  /**
   * The lines after `seq` and then every new one, in batches, until the log ends. None is lost and none comes twice;
   * to resume, give the last `seq` that was seen. A slow reader reads from the file: nothing is kept for it.
   *
   * `latest` is for who wants to see the log's end: with more than so many lines still to come, those before the last
   * ones are left out. Played in full to a screen, a build that printed 10^6 lines in 12 s was at line 31,000 at its end.
   */
  follow(after: number, signal: AbortSignal, latest?: number): AsyncGenerator<LogEntry[]>;
  search(request: SearchRequest): Promise<SearchAnswer>;
  /** The first line that looks like an error, from `from` on. */
  firstError(from?: number): Promise<SearchAnswer>;
}

/** A log as a reader sees it. */
export interface LogSource {
  path: string;
  index: LineIndex;
  /** Nothing comes after what is there. */
  ended(): boolean;
  /** Fulfilled when there is more, or the log has ended. */
  changed(): Promise<void>;
}

/** Where a line is in the file. */
interface Cursor {
  seq: number;
  offset: number;
}

export function createLogReader(source: LogSource): LogReader {
  const { index } = source;

  async function reading<T>(none: T, read: (file: FileHandle) => Promise<T>): Promise<T> {
    const file = await openForReading(source.path);
    // It was pruned meanwhile.
    if (file === undefined) return none;
    try {
      return await read(file);
    } finally {
      await file.close();
    }
  }

  async function page(request: PageRequest): Promise<LogPage> {
    const limit = Math.min(Math.max(1, request.limit), MAX_PAGE_LINES);
    const lines = index.lines;
    const entries = await reading<LogEntry[]>([], async (file) => {
      if ('before' in request)
        return await readBefore(file, index, Math.min(request.before, lines + 1), limit);
      const from = Math.max(1, request.from);
      if (from > lines) return [];
      return (await readForward(file, index, await seek(file, index, from), limit)).entries;
    });
    return { entries, lines };
  }

  async function foundIn(file: FileHandle, seq: number, wanted: string): Promise<SearchAnswer> {
    if (wanted === '') return { found: seq };
    const line = await readLine(file, index, await seek(file, index, seq));
    return line.length <= MAX_TEXT_BYTES ? { found: seq } : { found: seq, at: endOfFirst(line, wanted) };
  }

  /** Looks through segments, in one direction, for a time. */
  async function scan(
    from: number,
    direction: SearchRequest['direction'],
    find: (lines: () => string[], text: string, first: number, last: number) => number | undefined,
    /** What stands in the line that is found: looked for in it once more, where that is a long one. */
    wanted = '',
  ): Promise<SearchAnswer> {
    if (index.lines === 0) return 'nowhere';
    const start = Math.min(Math.max(1, from), index.lines);
    if (direction === 'forward' && from > index.lines) return 'nowhere';
    return await reading<SearchAnswer>('nowhere', async (file) => {
      const deadline = performance.now() + SEARCH_MS;
      const step = direction === 'forward' ? 1 : -1;
      for (let place = index.placeOf(start); place >= 0 && place < index.segments; place += step) {
        const segment = index.segment(place);
        if (performance.now() > deadline) return { next: step === 1 ? segment.first : segment.last };
        const text = (await readRange(file, segment.from, segment.to)).toString('utf8');
        const found = find(
          () => text.split('\n'),
          text,
          step === 1 ? Math.max(segment.first, start) - segment.first : 0,
          step === 1 ? segment.last - segment.first : Math.min(segment.last, start) - segment.first,
        );
        if (found !== undefined) return await foundIn(file, segment.first + found, wanted);
      }
      return 'nowhere';
    });
  }

  return {
    lines: () => index.lines,
    page,
    tail: (limit) => page({ before: index.lines + 1, limit }),
    async part(seq, at, until = Number.POSITIVE_INFINITY) {
      if (seq < 1 || seq > index.lines) return undefined;
      return await reading<LogPart | undefined>(undefined, async (file) => {
        const line = await readLine(file, index, await seek(file, index, seq));
        const from = wholeBefore(line, at);
        const to = cutAt(line, Math.min(from + MAX_TEXT_BYTES, until), from);
        const text = line.toString('utf8', from, to);
        return to < line.length ? { text, from, next: to } : { text, from };
      });
    },
    async *follow(after, signal, latest = Number.POSITIVE_INFINITY) {
      const file = await openForReading(source.path);
      if (file === undefined) return;
      try {
        let next = Math.max(0, after) + 1;
        let cursor: Cursor | undefined;
        while (!signal.aborted) {
          // Asked for before the look at what is there: what comes in between is not missed.
          const changed = source.changed();
          const ended = source.ended();
          const { lines } = index;
          if (lines - next >= latest) {
            yield await readBefore(file, index, lines + 1, Math.min(latest, MAX_PAGE_LINES));
            next = lines + 1;
            cursor = undefined;
            await pause(LATEST_EVERY_MS, signal);
          } else if (next <= lines) {
            cursor ??= await seek(file, index, next);
            const read = await readForward(file, index, cursor, MAX_PAGE_LINES);
            cursor = read.cursor;
            next = cursor.seq;
            yield read.entries;
          } else if (ended) return;
          else await unlessAborted(changed, signal);
        }
      } finally {
        await file.close();
      }
    },
    search({ text, from, direction }) {
      const wanted = text.toLowerCase();
      return scan(
        from,
        direction,
        (lines, whole, first, last) => {
          // Most segments have it nowhere: their lines need not be told apart.
          if (wanted === '' || !plainText(whole).toLowerCase().includes(wanted)) return undefined;
          const matches = (line: string) => plainText(line).toLowerCase().includes(wanted);
          return direction === 'forward'
            ? indexWithin(lines(), first, last, matches)
            : lastIndexWithin(lines(), first, last, matches);
        },
        wanted,
      );
    },
    firstError: (from = 1) =>
      scan(from, 'forward', (lines, _, first, last) => indexWithin(lines(), first, last, looksLikeError)),
  };
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return sleep(ms, undefined, { signal }).catch(() => undefined);
}

async function unlessAborted(promise: Promise<void>, signal: AbortSignal): Promise<void> {
  const aborted = Promise.withResolvers<void>();
  const onAbort = () => aborted.resolve();
  signal.addEventListener('abort', onAbort, { once: true });
  if (signal.aborted) onAbort();
  await Promise.race([promise, aborted.promise]);
  signal.removeEventListener('abort', onAbort);
}

function indexWithin(lines: string[], first: number, last: number, matches: (line: string) => boolean) {
  for (let at = first; at <= last; at++) if (matches(lines[at] ?? '')) return at;
  return undefined;
}

function lastIndexWithin(lines: string[], first: number, last: number, matches: (line: string) => boolean) {
  for (let at = last; at >= first; at--) if (matches(lines[at] ?? '')) return at;
  return undefined;
}

/** Where a line that is there begins. */
async function seek(file: FileHandle, index: LineIndex, line: number): Promise<Cursor> {
  const segment = index.segment(index.placeOf(line));
  if (line === segment.first) return { seq: line, offset: segment.from };
  const bytes = await readRange(file, segment.from, segment.to);
  let start = 0;
  for (let seq = segment.first; seq < line; seq++) start = bytes.indexOf(NEWLINE, start) + 1;
  return { seq: line, offset: segment.from + start };
}

/** Up to `limit` lines, at least one, from where the cursor is; and where the next one begins. */
async function readForward(
  file: FileHandle,
  index: LineIndex,
  { seq, offset }: Cursor,
  limit: number,
): Promise<{ entries: LogEntry[]; cursor: Cursor }> {
  const bytes = await readWholeLines(file, index, offset);
  const entries: LogEntry[] = [];
  let start = 0;
  while (entries.length < limit && start < bytes.length) {
    const end = lineEnd(bytes, start);
    entries.push(entryOf(bytes.subarray(start, end), seq + entries.length));
    start = end + 1;
  }
  const past = Math.min(start, bytes.length);
  return { entries, cursor: { seq: seq + entries.length, offset: offset + past } };
}

/** The lines just before one, as many as fit into a page. */
async function readBefore(
  file: FileHandle,
  index: LineIndex,
  before: number,
  limit: number,
): Promise<LogEntry[]> {
  const entries: LogEntry[] = [];
  let bytesLeft = MAX_PAGE_BYTES;
  let next = before - 1;
  for (let place = index.placeOf(next); next >= 1 && place >= 0; place--) {
    const segment = index.segment(place);
    const bytes = await readRange(file, segment.from, segment.to);
    const lines: Buffer[] = [];
    for (let start = 0; start < bytes.length && segment.first + lines.length <= next; ) {
      const end = lineEnd(bytes, start);
      lines.push(bytes.subarray(start, end));
      start = end + 1;
    }
    for (const line of lines.reverse()) {
      bytesLeft -= Math.min(line.length, MAX_TEXT_BYTES);
      if (entries.length === limit || (bytesLeft < 0 && entries.length > 0)) return entries.reverse();
      entries.push(entryOf(line, next--));
    }
  }
  return entries.reverse();
}

async function readLine(file: FileHandle, index: LineIndex, { offset }: Cursor): Promise<Buffer> {
  const bytes = await readWholeLines(file, index, offset);
  return bytes.subarray(0, lineEnd(bytes, 0));
}

/** A block of the file, up to the end of a line; one line at least, however long. */
async function readWholeLines(file: FileHandle, index: LineIndex, offset: number): Promise<Buffer> {
  for (let length = BLOCK_BYTES; ; length *= 2) {
    const end = Math.min(index.bytes, offset + length);
    const bytes = await readRange(file, offset, end);
    if (end === index.bytes || bytes.length < end - offset) return bytes;
    const last = bytes.lastIndexOf(NEWLINE);
    if (last !== -1) return bytes.subarray(0, last + 1);
  }
}

function lineEnd(bytes: Buffer, start: number): number {
  const end = bytes.indexOf(NEWLINE, start);
  return end === -1 ? bytes.length : end;
}

function entryOf(line: Buffer, seq: number): LogEntry {
  if (line.length <= MAX_TEXT_BYTES) return { seq, text: line.toString('utf8') };
  return { seq, text: line.toString('utf8', 0, cutAt(line, MAX_TEXT_BYTES)), bytes: line.length };
}

/** Where a line is cut, at or a little before `at`, so that no character is. `from` is where it begins. */
function cutAt(line: Buffer, at: number, from = 0): number {
  if (at >= line.length) return line.length;
  const start = wholeBefore(line, at);
  return start > from ? start : at;
}

/** The place at or a little before `at` where neither a character nor a colour is cut in two. */
function wholeBefore(line: Buffer, at: number): number {
  const start = startOfCharacter(line, at);
  if (start === line.length) return start;
  const least = Math.max(0, start - MAX_COLOUR_BYTES);
  const begin = line.subarray(least, start).lastIndexOf(ESCAPE);
  if (begin === -1) return start;
  // A colour ends with its `m`: where that comes later, the place is in the middle of it.
  return line.indexOf(END_OF_COLOUR, least + begin) >= start ? least + begin : start;
}

function startOfCharacter(line: Buffer, at: number): number {
  const from = Math.min(Math.max(0, at), line.length);
  for (let start = from; start > from - 4 && start >= 0; start--) {
    if (((line[start] ?? 0) & 0xc0) !== 0x80) return start;
  }
  // No UTF-8: any place is as good.
  return from;
}

/** The byte behind the first place in a line that a text stands in, found by halves: a line is a few megabytes at most. */
function endOfFirst(line: Buffer, wanted: string): number {
  const holds = (bytes: number) =>
    plainText(line.toString('utf8', 0, bytes))
      .toLowerCase()
      .includes(wanted);
  let [without, within] = [0, line.length];
  while (within - without > 1) {
    const middle = (without + within) >> 1;
    if (holds(middle)) within = middle;
    else without = middle;
  }
  return within;
}
