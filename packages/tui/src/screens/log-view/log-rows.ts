import { type Line, line, type Span, select, span, truncateEnd, wrapText } from '../../components/index.ts';
import { endOf, type LogWindow, type WindowLine } from './log-window.ts';

/** How a part of a log is looked at. */
export interface LogLook {
  /** The number of the last line shown while the view is pinned; undefined while it follows. */
  pinned: number | undefined;
  wrap: boolean;
  /** What was searched for, shown wherever it is in sight. */
  wanted: string;
  /** The line that was found. */
  found: number | undefined;
}

const GUTTER = 2;
/** No line of a screen is as long, however its characters are put together. */
const MOST_PER_COLUMN = 12;

/** From the last line that is shown upwards, as many as there is room for; what is left of it is filled below. */
export function logRows(window: LogWindow, look: LogLook, columns: number, height: number): Line[] {
  const { lines, first } = window;
  const draw = (at: number): Line[] => {
    const entry = lines[at];
    return entry === undefined ? [] : rowsOf(entry, first + at === look.found, look, columns);
  };
  // The line that the view is pinned to may have left by now: then the oldest ones that are kept are shown.
  const last = Math.min(Math.max(0, (look.pinned ?? endOf(window)) - first), lines.length - 1);
  let rows: Line[] = [];
  for (let at = last; at >= 0 && rows.length < height; at -= 1) rows = [...draw(at), ...rows];
  if (rows.length >= height) return rows.slice(-height);
  for (let at = last + 1; at < lines.length && rows.length < height; at += 1) rows.push(...draw(at));
  return rows.slice(0, height);
}

function rowsOf(entry: WindowLine, found: boolean, look: LogLook, columns: number): Line[] {
  const width = columns - GUTTER - 1;
  const parts = look.wrap
    ? wrapText(entry.text, width)
    : [truncateEnd(entry.text.slice(0, width * MOST_PER_COLUMN), width)];
  return parts.map((part) => {
    const mark = found ? span('▸ ', 'key') : span(entry.stderr ? ' ┆' : '  ', 'quiet');
    const row = line(mark, ...highlighted(part, look.wanted));
    return found ? select(row) : row;
  });
}

function highlighted(text: string, wanted: string): Span[] {
  if (wanted === '') return [span(text)];
  const lower = text.toLowerCase();
  const searched = wanted.toLowerCase();
  // Some letters are longer in lower case: then places in the one are none in the other.
  if (lower.length !== text.length) return [span(text)];
  const spans: Span[] = [];
  let from = 0;
  for (let at = lower.indexOf(searched); at >= 0; at = lower.indexOf(searched, from)) {
    if (at > from) spans.push(span(text.slice(from, at)));
    spans.push(span(text.slice(at, at + searched.length), 'armed'));
    from = at + searched.length;
  }
  return [...spans, span(text.slice(from))];
}

/** The part of a log that is on the screen. */
export interface LogView {
  height: number;
  wrap: boolean;
}

/**
 * Where the view is pinned so that a line stands in its middle. Where lines are wrapped nobody knows how many rows are
 * below it: then it is the last one, which is in sight always.
 */
export function pinFor(seq: number, view: LogView, total: number): number {
  return Math.max(
    leastPin(view, total),
    view.wrap ? seq : Math.min(total, seq + Math.floor(view.height / 2)),
  );
}

/** With the first line at the top. */
export function leastPin({ height, wrap }: LogView, total: number): number {
  return wrap ? 1 : Math.min(height, total);
}
