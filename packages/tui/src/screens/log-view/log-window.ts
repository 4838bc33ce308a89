import { Buffer } from 'node:buffer';
import { MAX_LOG_TEXT } from '@towline/core/protocol';
import { sanitizeLine } from '../../components/index.ts';

/** A part of a log in memory: some lines that follow each other, of how many there are. */
export interface LogWindow {
  lines: readonly WindowLine[];
  /** The number of the first one that is kept, from 1. A line keeps its number, so that a view can stay on it. */
  first: number;
  /** How many lines the log has, as far as is known. */
  total: number;
  /** Characters that are kept. */
  size: number;
}

export interface WindowLine {
  /** As it came, with colours and whatever else a program may write: to be shown, it is made clean first. */
  raw: string;
  /** Where `raw` is the beginning of a longer line: at which byte it ends, and how many bytes all of it has. */
  cut?: { at: number; bytes: number } | undefined;
  stderr: boolean;
  /** When it was written, where that is known. */
  at?: string | undefined;
}

/** A line as it comes. */
export interface LogEntry {
  seq: number;
  text: string;
  /** Of a line that came cut, how long all of it is, in bytes. */
  bytes?: number | undefined;
  stream?: 'stdout' | 'stderr' | undefined;
  at?: string | undefined;
}

export interface Capacity {
  lines: number;
  /** Lines may be long: ten thousand of them would not fit anywhere. */
  size: number;
}

const CAPACITY: Capacity = { lines: 10_000, size: 8_000_000 };
/** A longer line is cut: as an agent does it, which has the rest. */
export const LINE_CAPACITY = MAX_LOG_TEXT;

export const EMPTY_WINDOW: LogWindow = { lines: [], first: 1, total: 0, size: 0 };

/** The number of the last line that is kept; that before the first where there is none. */
export function endOf({ first, lines }: LogWindow): number {
  return first + lines.length - 1;
}

/**
 * With what a stream has brought. `shown` is the first line that a pinned view shows: it is not dropped, new lines are
 * then counted and no more. Without it the newest are kept, whatever is between them and what was kept before.
 */
export function appendEntries(
  window: LogWindow,
  entries: readonly LogEntry[],
  shown: number | undefined,
  capacity: Capacity = CAPACITY,
): LogWindow {
  const last = entries.at(-1);
  if (last === undefined) return window;
  const total = Math.max(window.total, last.seq);
  const end = endOf(window);
  const fresh = entries.filter(({ seq }) => seq > end);
  const head = fresh[0];
  if (head === undefined) return { ...window, total };
  if (head.seq > end + 1 || window.lines.length === 0) {
    // A gap. What is pinned stays where it is, and goes on by pages.
    if (shown !== undefined && window.lines.length > 0) return { ...window, total };
    return dropOldest({ ...windowOf(fresh), total }, undefined, capacity);
  }
  const added = windowOf(fresh);
  const joined = {
    lines: [...window.lines, ...added.lines],
    first: window.first,
    total,
    size: window.size + added.size,
  };
  const kept = dropOldest(joined, shown, capacity);
  return dropNewest(kept, capacity);
}

/** With a page that was asked for: put to what is kept where they touch, else in its place. */
export function putPage(
  window: LogWindow,
  entries: readonly LogEntry[],
  total: number,
  capacity: Capacity = CAPACITY,
): LogWindow {
  const known = { ...window, total: Math.max(window.total, total) };
  const first = entries[0]?.seq;
  const last = entries.at(-1)?.seq;
  if (first === undefined || last === undefined) return known;
  const end = endOf(window);
  if (window.lines.length > 0 && first < window.first && last >= window.first - 1 && last <= end) {
    const before = windowOf(entries.filter(({ seq }) => seq < window.first));
    const joined = {
      ...known,
      lines: [...before.lines, ...window.lines],
      first: before.first,
      size: before.size + window.size,
    };
    return dropNewest(joined, capacity);
  }
  if (window.lines.length > 0 && first >= window.first && first <= end + 1) {
    const after = windowOf(entries.filter(({ seq }) => seq > end));
    if (after.lines.length === 0) return known;
    const joined = {
      ...known,
      lines: [...window.lines, ...after.lines],
      size: window.size + after.size,
    };
    return dropOldest(joined, undefined, capacity);
  }
  return dropNewest({ ...windowOf(entries), total: known.total }, capacity);
}

function windowOf(entries: readonly LogEntry[]): LogWindow {
  const lines = entries.map(toLine);
  const size = lines.reduce((sum, { raw }) => sum + raw.length, 0);
  return { lines, first: entries[0]?.seq ?? 1, total: 0, size };
}

function toLine({ text, bytes, stream, at }: LogEntry): WindowLine {
  const raw = text.length > LINE_CAPACITY ? text.slice(0, LINE_CAPACITY) : text;
  const cut =
    bytes !== undefined
      ? { at: LINE_CAPACITY, bytes }
      : raw === text
        ? undefined
        : { at: Buffer.byteLength(raw), bytes: Buffer.byteLength(text) };
  return {
    raw,
    stderr: stream === 'stderr',
    ...(cut !== undefined && { cut }),
    ...(at !== undefined && { at }),
  };
}

function dropOldest(window: LogWindow, shown: number | undefined, capacity: Capacity): LogWindow {
  let drop = 0;
  let { size } = window;
  const most = shown === undefined ? window.lines.length - 1 : shown - window.first;
  while (drop < most && (window.lines.length - drop > capacity.lines || size > capacity.size)) {
    size -= window.lines[drop]?.raw.length ?? 0;
    drop += 1;
  }
  if (drop <= 0) return window;
  return { ...window, lines: window.lines.slice(drop), first: window.first + drop, size };
}

function dropNewest(window: LogWindow, capacity: Capacity): LogWindow {
  let keep = window.lines.length;
  let { size } = window;
  while (keep > 1 && (keep > capacity.lines || size > capacity.size)) {
    keep -= 1;
    size -= window.lines[keep]?.raw.length ?? 0;
  }
  return keep === window.lines.length ? window : { ...window, lines: window.lines.slice(0, keep), size };
}

/** The first line from one on, or back from it, that has the text in it, in upper or lower case. */
export function findInWindow(
  window: LogWindow,
  text: string,
  from: number,
  direction: 'forward' | 'backward',
): number | undefined {
  const wanted = text.toLowerCase();
  const step = direction === 'forward' ? 1 : -1;
  const start = Math.min(Math.max(from, window.first), endOf(window));
  // From before its beginning nothing is found backward, and nothing forward from behind its end.
  if (direction === 'backward' ? from < window.first : from > endOf(window)) return undefined;
  for (let seq = start; seq >= window.first && seq <= endOf(window); seq += step) {
    const { raw = '' } = window.lines[seq - window.first] ?? {};
    if (sanitizeLine(raw).toLowerCase().includes(wanted)) return seq;
  }
  return undefined;
}
