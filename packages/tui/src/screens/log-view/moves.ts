import { endOf } from './log-window.ts';
import type { LogText } from './pieces.ts';
import {
  endOfLine,
  type LogView,
  type Place,
  placeOf,
  type Row,
  rowAt,
  rowsOfLine,
  shownRows,
} from './rows.ts';

/**
 * Where the view is after a move by rows. Undefined: at the log's end, where it follows. A move stops at what of a long
 * line is still to come, so that nobody passes it unseen.
 */
export function movePlace(
  text: LogText,
  pinned: Place | undefined,
  by: number,
  view: LogView,
): Place | undefined {
  const { window } = text;
  const seq = pinned?.seq ?? endOf(window);
  if (by === Number.POSITIVE_INFINITY) return undefined;
  if (seq < window.first || seq > endOf(window)) return placeElsewhere(text, seq + by);
  const shown = shownRows(text, pinned, view);
  const [top, bottom] = [shown[0], shown.at(-1)];
  if (top === undefined || bottom === undefined) return pinned;
  if (by > 0) return moveDown(text, bottom, by, view);
  if (by === Number.NEGATIVE_INFINITY) return placeOnTop(text, window.first, view);
  return moveUp(text, { top, bottom }, -by, view) ?? pinned;
}

function placeElsewhere({ window }: LogText, seq: number): Place | undefined {
  return seq >= window.total ? undefined : endOfLine(Math.max(1, seq));
}

function moveDown(text: LogText, bottom: Row, by: number, view: LogView): Place | undefined {
  const { window } = text;
  const end = endOf(window);
  const walk = startWalk(text, bottom, view);
  let left = by;
  while (left > 0 && !isAwaited(text, walk.row)) {
    if (!stepDown(walk, text, view)) break;
    left -= 1;
  }
  if (left > 0 && !isAwaited(text, walk.row)) {
    return end < window.total && text.more ? placeElsewhere(text, end + left) : undefined;
  }
  const last = walk.seq === end && walk.at === walk.rows.length - 1;
  return last && end >= window.total && !isAwaited(text, walk.row) ? undefined : placeOf(walk.row);
}

/** Undefined where there is nothing above, or not yet. */
function moveUp(
  text: LogText,
  { top, bottom }: { top: Row; bottom: Row },
  by: number,
  view: LogView,
): Place | undefined {
  const { window } = text;
  // As far as there is something above what is in sight.
  const above = startWalk(text, top, view);
  let up = 0;
  while (up < by && !isAwaited(text, above.row) && stepUp(above, text, view)) up += 1;
  if (up < by && window.first > 1 && text.more && !isAwaited(text, above.row)) up = by;
  if (up === 0) return undefined;
  const walk = startWalk(text, bottom, view);
  let left = up;
  while (left > 0 && stepUp(walk, text, view)) left -= 1;
  return left > 0 ? endOfLine(Math.max(1, window.first - left)) : placeOf(walk.row);
}

/** With the beginning of a line at the top, as far as there is enough below it. */
export function placeOnTop(text: LogText, seq: number, view: LogView): Place {
  return placeBelow(text, seq, 0, view.height - 1, view);
}

/** With one row of a line in the middle: that with a place, or its first. */
export function placeInMiddle(text: LogText, seq: number, at: Place | undefined, view: LogView): Place {
  const row = at === undefined ? 0 : rowAt(rowsOfLine(text, seq, view), at);
  return placeBelow(text, seq, row, Math.floor(view.height / 2), view);
}

function placeBelow(text: LogText, seq: number, row: number, by: number, view: LogView): Place {
  const { window } = text;
  const rows = rowsOfLine(text, seq, view);
  const from = rows[row];
  if (from === undefined) return endOfLine(Math.min(Math.max(1, seq + by), Math.max(1, window.total)));
  const walk = startWalk(text, from, view);
  let left = by;
  while (left > 0 && stepDown(walk, text, view)) left -= 1;
  const end = endOf(window);
  if (left > 0 && end < window.total && text.more) return endOfLine(Math.min(end + left, window.total));
  return placeOf(walk.row);
}

/** To the end of the line that is at the bottom; where it is there, to that of the next. Undefined at the log's end. */
export function lineDown(text: LogText, pinned: Place | undefined, view: LogView): Place | undefined {
  const bottom = shownRows(text, pinned, view).at(-1);
  if (bottom === undefined || pinned === undefined) return pinned;
  const rows = rowsOfLine(text, bottom.seq, view);
  const atEnd = rowAt(rows, placeOf(bottom)) === rows.length - 1;
  const seq = atEnd ? bottom.seq + 1 : bottom.seq;
  return seq > text.window.total || (seq === text.window.total && rows.length === 1)
    ? undefined
    : endOfLine(seq);
}

/** To the beginning of the line that is at the top; where it is there, to that of the one before. */
export function lineUp(text: LogText, pinned: Place | undefined, view: LogView): Place | undefined {
  const top = shownRows(text, pinned, view)[0];
  if (top === undefined) return pinned;
  const atStart = top.piece.from === 0 && top.from === 0;
  return placeOnTop(text, Math.max(1, atStart ? top.seq - 1 : top.seq), view);
}

/** What is asked for as soon as it is in sight. */
function isAwaited({ more }: LogText, { piece }: Row): boolean {
  return more && piece.kind === 'gap';
}

interface Walk {
  seq: number;
  rows: Row[];
  at: number;
  row: Row;
}

function startWalk(text: LogText, row: Row, view: LogView): Walk {
  const rows = rowsOfLine(text, row.seq, view);
  const at = rowAt(rows, placeOf(row));
  return { seq: row.seq, rows, at, row };
}

/** Moves to the next row, if that is in memory. */
function stepDown(walk: Walk, text: LogText, view: LogView): boolean {
  if (walk.at + 1 < walk.rows.length) return settleAt(walk, walk.seq, walk.rows, walk.at + 1);
  return settleAt(walk, walk.seq + 1, rowsOfLine(text, walk.seq + 1, view), 0);
}

function stepUp(walk: Walk, text: LogText, view: LogView): boolean {
  if (walk.at > 0) return settleAt(walk, walk.seq, walk.rows, walk.at - 1);
  const rows = rowsOfLine(text, walk.seq - 1, view);
  return settleAt(walk, walk.seq - 1, rows, rows.length - 1);
}

function settleAt(walk: Walk, seq: number, rows: Row[], at: number): boolean {
  const row = rows[at];
  if (row === undefined) return false;
  walk.seq = seq;
  walk.rows = rows;
  walk.at = at;
  walk.row = row;
  return true;
}
