import { breakColumns, paintLine } from '../../components/index.ts';
import { endOf } from './log-window.ts';
import { type LogText, type Piece, piecesAt } from './pieces.ts';

/** The part of a log that is on the screen. */
export interface LogView {
  columns: number;
  height: number;
  wrap: boolean;
}

/** A row of the screen: a part of a piece of a line, in characters of what is shown of it. */
export interface Row {
  seq: number;
  piece: Piece;
  from: number;
  to: number;
}

/**
 * Where a view is pinned: the row that is its last. It stays there when the width changes, or more of a line comes: it
 * is the one with this character of the piece that begins at this byte.
 */
export interface Place {
  seq: number;
  byte: number;
  character: number;
}

const END = Number.POSITIVE_INFINITY;
/** A mark before each row, and a blank behind it. */
const GUTTER = 2;

/** The end of a line, also of one that is not in memory. */
export function endOfLine(seq: number): Place {
  return { seq, byte: END, character: END };
}

export function isEndOfLine({ byte }: Place): boolean {
  return byte === END;
}

export function placeOf({ seq, piece, from }: Row): Place {
  return { seq, byte: piece.from, character: from };
}

/** Columns that text has in a row. */
export function textColumns({ columns }: LogView): number {
  return Math.max(1, columns - GUTTER - 1);
}

/** The rows of a line; none where it is not in memory. */
export function rowsOfLine(text: LogText, seq: number, view: LogView): Row[] {
  const pieces = piecesAt(text, seq);
  if (pieces === undefined) return [];
  if (!view.wrap) return [{ seq, piece: pieces[0], from: 0, to: END }];
  return pieces.flatMap((piece): Row[] => {
    if (piece.kind === 'gap') return [{ seq, piece, from: 0, to: 0 }];
    const starts = startsOf(piece.of, textColumns(view));
    return starts.map((from, at) => ({ seq, piece, from, to: starts[at + 1] ?? END }));
  });
}

/** Where rows begin, found once for each width: a line of 64 KB that is not all ASCII takes a while. */
const STARTS = new WeakMap<{ raw: string }, { width: number; starts: readonly number[] }>();

function startsOf(of: { raw: string }, width: number): readonly number[] {
  const known = STARTS.get(of);
  if (known?.width === width) return known.starts;
  const starts = breakColumns(paintLine(of.raw).text, width);
  if (starts.length > 1) STARTS.set(of, { width, starts });
  return starts;
}

/** Which of a line's rows a place is in. */
export function rowAt(rows: readonly Row[], { byte, character }: Place): number {
  let found = 0;
  for (const [at, { piece, from }] of rows.entries()) {
    if (piece.from > byte || (piece.from === byte && from > character)) break;
    found = at;
  }
  return found;
}

/** What is in sight: up from where the view is pinned, or from the end; what is left of it is filled below. */
export function shownRows(text: LogText, pinned: Place | undefined, view: LogView): Row[] {
  const { window } = text;
  if (window.lines.length === 0) return [];
  const end = endOf(window);
  // The line that the view is pinned to may have left by now: then the oldest ones that are kept are shown.
  const seq = Math.min(Math.max(window.first, pinned?.seq ?? end), end);
  const all = rowsOfLine(text, seq, view);
  const last = pinned?.seq === seq ? rowAt(all, pinned) : all.length - 1;
  let rows = all.slice(Math.max(0, last + 1 - view.height), last + 1);
  for (let before = seq - 1; before >= window.first && rows.length < view.height; before -= 1) {
    rows = [...rowsOfLine(text, before, view).slice(rows.length - view.height), ...rows];
  }
  const below = all.slice(last + 1, last + 1 + view.height - rows.length);
  rows.push(...below);
  for (let after = seq + 1; after <= end && rows.length < view.height; after += 1) {
    rows.push(...rowsOfLine(text, after, view).slice(0, view.height - rows.length));
  }
  return rows;
}
