import {
  type Line,
  line,
  type Paint,
  type PaintedText,
  paintLine,
  type Span,
  select,
  span,
  takeColumns,
  textWidth,
} from '../../components/index.ts';
import { type LogText, type Piece, piecesAt } from './pieces.ts';
import { type LogView, type Place, type Row, shownRows, textColumns } from './rows.ts';

/** How a part of a log is looked at. */
export interface LogLook {
  /** The last row shown while the view is pinned; undefined while it follows. */
  pinned: Place | undefined;
  /** What was searched for, shown wherever it is in sight. */
  wanted: string;
  /** The line that was found. */
  found: number | undefined;
}

/** No line of a screen is as long, however its characters are put together, and with a colour for each. */
const MOST_PER_COLUMN = 12;
const MOST_PER_COLOURED_COLUMN = 60;
const ELLIPSIS = '…';

export function logRows(text: LogText, look: LogLook, view: LogView): Line[] {
  const wanted = look.wanted.toLowerCase();
  const shown = shownRows(text, look.pinned, view);
  const drawing: Drawing = { text, look: { ...look, wanted }, view, painted: paintOnce() };
  const drawn = shown.map((row) => ({ ...drawRow(row, drawing), ofFound: row.seq === look.found }));
  // Of a line that takes many rows, those with what was searched for; where none has it, the first.
  const some = drawn.some(({ hit, ofFound }) => hit && ofFound);
  const first = drawn.findIndex(({ ofFound }) => ofFound);
  return drawn.map(({ spans, stderr, hit, ofFound }, at) => {
    const found = ofFound && (some ? hit : at === first);
    const mark = found ? span('▸ ', 'key') : span(stderr ? ' ┆' : '  ', 'quiet');
    const whole = line(mark, ...(found ? spans.map(withoutLook) : spans));
    return found ? select(whole) : whole;
  });
}

/** On the cursor's background, its own colours are the readable ones. */
function withoutLook({ text, tone }: Span): Span {
  return { text, tone };
}

interface Drawing {
  text: LogText;
  look: LogLook;
  view: LogView;
  painted: (of: { raw: string }) => PaintedText;
}

/** A long line has many rows in sight, and is made clean once for all of them. */
function paintOnce(): Drawing['painted'] {
  const painted = new Map<{ raw: string }, PaintedText>();
  return (of) => {
    const known = painted.get(of) ?? paintLine(of.raw);
    painted.set(of, known);
    return known;
  };
}

interface DrawnRow {
  spans: Span[];
  stderr: boolean;
  /** Whether what was searched for is in it. */
  hit: boolean;
}

function drawRow(row: Row, { text, look, view, painted }: Drawing): DrawnRow {
  const source = text.window.lines[row.seq - text.window.first];
  const stderr = source?.stderr === true;
  if (!view.wrap) {
    const found = row.seq === look.found;
    const piece = (found ? pieceWith(text, row.seq, look.wanted) : undefined) ?? row.piece;
    return { ...drawCut(piece, source?.cut?.bytes, found, look.wanted, view), stderr };
  }
  if (row.piece.kind === 'gap') {
    return { spans: [span(gapText(row.piece, text.more), 'quiet')], stderr, hit: false };
  }
  const whole = painted(row.piece.of);
  const to = Math.min(row.to, whole.text.length);
  const hits = hitsIn(whole.text, look.wanted, row.from, to);
  return { spans: drawPart(whole, row.from, to, hits), stderr, hit: hits.length > 0 };
}

function gapText({ from, to }: Piece, more: boolean): string {
  return `⋯ ${(to - from).toLocaleString('en')} more bytes of this line${more ? '' : ' are not kept'}`;
}

/** The piece of a line that has the text in it. */
function pieceWith(text: LogText, seq: number, wanted: string): Piece | undefined {
  if (wanted === '') return undefined;
  return piecesAt(text, seq)?.find(
    (piece) => piece.kind === 'text' && paintLine(piece.of.raw).text.toLowerCase().includes(wanted),
  );
}

/** One row of a line that is not wrapped: from its start, or so that what was found in it is in sight. */
function drawCut(
  piece: Piece,
  bytes: number | undefined,
  found: boolean,
  wanted: string,
  view: LogView,
): { spans: Span[]; hit: boolean } {
  if (piece.kind === 'gap') return { spans: [], hit: false };
  const width = textColumns(view);
  const { raw } = piece.of;
  const most = width * (raw.includes('\u001b') ? MOST_PER_COLOURED_COLUMN : MOST_PER_COLUMN);
  // What is beyond is not looked at, where it would not be seen.
  const all = found || raw.length <= most;
  const painted = paintLine(all ? raw : raw.slice(0, most));
  const size = bytes === undefined ? '' : ` ${bytes.toLocaleString('en')} bytes`;
  const start = found ? startFor(painted.text, wanted, width) : 0;
  const before = start > 0 || piece.from > 0 ? ELLIPSIS : '';
  const room = Math.max(1, width - before.length);
  const rest = painted.text.slice(start, start + width * MOST_PER_COLUMN);
  const whole = all && size === '' && textWidth(rest) <= room;
  const kept = whole ? rest : takeColumns(rest, Math.max(0, room - ELLIPSIS.length - size.length));
  const to = start + kept.length;
  const hits = hitsIn(painted.text, wanted, start, to);
  return {
    spans: [
      ...(before === '' ? [] : [span(before, 'quiet')]),
      ...drawPart(painted, start, to, hits),
      ...(whole ? [] : [span(`${ELLIPSIS}${size}`, 'quiet')]),
    ],
    hit: hits.length > 0,
  };
}

/** From where a text is shown, so that what was searched for is in sight. */
function startFor(text: string, wanted: string, width: number): number {
  if (wanted === '') return 0;
  const at = text.toLowerCase().indexOf(wanted);
  // Twice the columns, so that wide characters before it do not push it out.
  if (at < 0 || textWidth(text.slice(0, at + wanted.length)) <= width * 0.75) return 0;
  return Math.max(0, at - Math.floor(width / 3));
}

interface Hit {
  from: number;
  to: number;
}

/** Where a text is within a part of another one, also where it begins before it or ends behind it. */
function hitsIn(text: string, wanted: string, from: number, to: number): Hit[] {
  if (wanted === '') return [];
  const start = Math.max(0, from - wanted.length);
  const around = text.slice(start, to + wanted.length);
  const lower = around.toLowerCase();
  // Some letters are longer in lower case: then places in the one are none in the other.
  if (lower.length !== around.length) return [];
  const hits: Hit[] = [];
  for (let at = lower.indexOf(wanted); at >= 0; at = lower.indexOf(wanted, at + wanted.length)) {
    const hit = { from: Math.max(from, start + at), to: Math.min(to, start + at + wanted.length) };
    if (hit.from < hit.to) hits.push(hit);
  }
  return hits;
}

/** A part of a text in its colours, and what was searched for in ours. */
function drawPart({ text, paints }: PaintedText, from: number, to: number, hits: readonly Hit[]): Span[] {
  const spans: Span[] = [];
  let at = from;
  for (const hit of hits) {
    spans.push(...inColour(text, paints, at, hit.from), span(text.slice(hit.from, hit.to), 'armed'));
    at = hit.to;
  }
  spans.push(...inColour(text, paints, at, to));
  return spans;
}

function inColour(text: string, paints: readonly Paint[], from: number, to: number): Span[] {
  const spans: Span[] = [];
  let at = from;
  for (const paint of paints) {
    if (paint.to <= at) continue;
    if (paint.from >= to) break;
    const [start, end] = [Math.max(at, paint.from), Math.min(to, paint.to)];
    if (start > at) spans.push(span(text.slice(at, start)));
    spans.push({ ...span(text.slice(start, end)), look: paint.look });
    at = end;
  }
  if (at < to) spans.push(span(text.slice(at, to)));
  return spans;
}
