import type { BuildStepKind } from '@towline/core/build';
import type { BuildLogEntry, BuildLogOutput, BuildLogPartOutput } from '@towline/core/protocol';
import { paintLine } from '../../components/index.ts';
import type { BuildLogQuery } from '../../fleet/index.ts';
import {
  appendEntries,
  EMPTY_WINDOW,
  endOf,
  endOfLine,
  type LinePart,
  type LogText,
  type LogView,
  type LogWindow,
  movePlace,
  type OpenLine,
  type Piece,
  type Place,
  piecesAt,
  placeInMiddle,
  placeOnTop,
  putPage,
  shownRows,
} from '../log-view/index.ts';

/** The log of one step: a part of it in memory, the rest on its agent. */
export interface StepLog {
  step: BuildStepKind;
  window: LogWindow;
  /** The long line that is read, beyond its beginning. */
  open: OpenLine | undefined;
  /** Where the view is pinned; undefined while it follows. */
  pinned: Place | undefined;
  /** What shall stand in the middle, once it is there. */
  wanted: Wanted | undefined;
  /** What is asked for now: one at a time. */
  loading: Missing | undefined;
  stream:
    | { state: 'opening' }
    | { state: 'open' }
    | { state: 'ended' }
    | { state: 'failed'; message: string };
  /** Counts the tries: another number is another stream. */
  attempt: number;
}

/** A line, and what is looked for in it. */
export interface Target {
  seq: number;
  /** In lower case; empty where the line itself is meant. */
  text: string;
  /** The byte of the line where the text ends, where its agent said so. */
  at?: number | undefined;
}

interface Wanted extends Target {
  /** The page has to begin with it: one that begins before does not come as far. */
  exact: boolean;
}

/** What the agent has and the screen needs: a page of lines, or a part of a long one. */
export type Missing =
  | { kind: 'page'; at: BuildLogQuery['at'] }
  | { kind: 'part'; seq: number; at: number; until: number };

export function openStepLog(step: BuildStepKind, attempt = 1): StepLog {
  return {
    step,
    window: EMPTY_WINDOW,
    open: undefined,
    pinned: undefined,
    wanted: undefined,
    loading: undefined,
    stream: { state: 'opening' },
    attempt,
  };
}

/** So many lines beyond what is in sight are there before one gets to them. */
const AHEAD = 200;
/** Lines of a page. */
export const PAGE = 500;
/** Bytes of a part of a long line, and how many parts of one are kept: more than a screen has, from any place on. */
const PART_BYTES = 32 * 1024;
const MOST_PARTS = 4;
/** A smaller gap is closed with what is beside it. */
const LEAST_GAP = 1024;

export function textOf({ window, open }: StepLog): LogText {
  return { window, open, more: true };
}

export function entriesCame(log: StepLog, entries: readonly BuildLogEntry[], view: LogView): StepLog {
  const shown = log.pinned === undefined ? undefined : Math.max(1, log.pinned.seq - view.height + 1);
  return { ...log, window: appendEntries(log.window, entries, shown), stream: { state: 'open' } };
}

/** A page that was asked for. */
export function pageCame(log: StepLog, page: BuildLogOutput, view: LogView): StepLog {
  const { wanted, pinned } = log;
  if (page.entries.length === 0) {
    // There is nothing there: to ask again would be to ask forever.
    const total = Math.max(page.lines, endOf(log.window));
    const last = pinned !== undefined && pinned.seq > total ? endOfLine(total) : pinned;
    return { ...log, window: { ...log.window, total }, loading: undefined, wanted: undefined, pinned: last };
  }
  const window = putPage(log.window, page.entries, page.lines);
  const next = { ...log, window, loading: undefined };
  if (wanted === undefined) return next;
  // Its page may be of a few lines only, where they are long.
  if (!isKept(next, wanted.seq) && !wanted.exact) return { ...next, wanted: { ...wanted, exact: true } };
  return showTarget(next, wanted, view);
}

/** A part of a long line that was asked for. */
export function partCame(
  log: StepLog,
  asked: Extract<Missing, { kind: 'part' }>,
  output: BuildLogPartOutput,
  view: LogView,
): StepLog {
  const { seq } = asked;
  const cut = log.window.lines[seq - log.window.first]?.cut;
  const next = { ...log, loading: undefined };
  // It has scrolled out of what is kept, meanwhile.
  if (cut === undefined) return { ...next, wanted: undefined };
  // Where the line's beginning ends a few bytes early, so that no character is cut, what follows begins there.
  const from = Math.max(cut.at, output.from ?? asked.at);
  const part = { from, to: output.next ?? cut.bytes, raw: output.text };
  if (part.to <= part.from) return { ...next, wanted: undefined };
  const parts = joinPart(log.open?.seq === seq ? log.open.parts : [], part);
  const opened = { ...next, open: { seq, parts } };
  const { wanted } = opened;
  return wanted?.seq === seq ? { ...showTarget(opened, wanted, view), wanted: undefined } : opened;
}

/** Parts that follow each other: joined where they touch, else the new one alone. */
function joinPart(parts: readonly LinePart[], part: LinePart): readonly LinePart[] {
  if (parts[0]?.from === part.to) return [part, ...parts].slice(0, MOST_PARTS);
  if (parts.at(-1)?.to === part.from) return [...parts, part].slice(-MOST_PARTS);
  return [part];
}

/** Moves the view by rows. At the log's end it follows again. */
export function moveBy(log: StepLog, by: number, view: LogView): StepLog {
  if (by === Number.NEGATIVE_INFINITY) return jumpTo(log, { seq: 1, text: '' }, view);
  return moveTo(log, movePlace(textOf(log), log.pinned, by, view));
}

/** Pins the view to a place, or follows without one. */
export function moveTo(log: StepLog, place: Place | undefined): StepLog {
  return place === undefined ? follow(log) : { ...log, wanted: undefined, pinned: place };
}

/** To the end, and on with what comes. Where that is not in memory, the stream is begun again. */
export function follow(log: StepLog): StepLog {
  if (endOf(log.window) >= log.window.total) return { ...log, pinned: undefined, wanted: undefined };
  const { window, step, attempt } = log;
  const fresh = openStepLog(step, attempt + 1);
  return { ...fresh, window: { ...EMPTY_WINDOW, total: window.total } };
}

/** A line into the middle of the view, and what is looked for in it into sight. */
export function jumpTo(log: StepLog, target: Target, view: LogView): StepLog {
  const wanted = { ...target, exact: false };
  return isKept(log, target.seq) ? showTarget(log, wanted, view) : { ...log, wanted };
}

function isKept({ window }: StepLog, seq: number): boolean {
  return seq >= window.first && seq <= endOf(window);
}

/** Where the part that it is in is not there, it is still wanted. */
function showTarget(log: StepLog, wanted: Wanted, view: LogView): StepLog {
  const { seq, text: sought } = wanted;
  if (!isKept(log, seq)) return { ...log, wanted: undefined };
  const text = textOf(log);
  const piece = pieceWithByte(text, wanted);
  if (wanted.at !== undefined && piece === undefined) return { ...log, wanted };
  const at =
    (sought === '' ? undefined : placeOfText(text, seq, sought)) ??
    (piece === undefined ? undefined : { seq, byte: piece.from, character: 0 });
  const pinned =
    seq === 1 && at === undefined ? placeOnTop(text, 1, view) : placeInMiddle(text, seq, at, view);
  return { ...log, wanted: undefined, pinned };
}

function pieceWithByte(text: LogText, { seq, at }: Target): Piece | undefined {
  if (at === undefined) return undefined;
  return piecesAt(text, seq)?.find(({ kind, from, to }) => kind === 'text' && from < at && at <= to);
}

/** Where a text is in a line, as far as that is in memory. */
function placeOfText(text: LogText, seq: number, wanted: string): Place | undefined {
  for (const piece of piecesAt(text, seq) ?? []) {
    if (piece.kind === 'gap') continue;
    const character = paintLine(piece.of.raw).text.toLowerCase().indexOf(wanted);
    if (character >= 0) return { seq, byte: piece.from, character };
  }
  return undefined;
}

/** What is missing for what is to be seen; undefined while nothing is, or it is on its way. */
export function missing(log: StepLog, view: LogView): Missing | undefined {
  const { window, wanted, pinned, loading } = log;
  if (loading !== undefined || log.stream.state === 'failed') return undefined;
  if (wanted !== undefined) return missingOfWanted(log, wanted);
  if (window.lines.length === 0) return undefined;
  return (pinned === undefined ? undefined : missingPage(window, pinned, view)) ?? missingPart(log, view);
}

function missingOfWanted(log: StepLog, { seq, exact, at = 0 }: Wanted): Missing {
  if (isKept(log, seq)) {
    const begins = log.window.lines[seq - log.window.first]?.cut?.at ?? 0;
    const from = Math.max(begins, at - PART_BYTES / 2);
    return { kind: 'part', seq, at: from, until: from + PART_BYTES };
  }
  return { kind: 'page', at: { from: exact ? seq : Math.max(1, seq - PAGE / 2) } };
}

function missingPage(window: LogWindow, { seq }: Place, view: LogView): Missing | undefined {
  const end = endOf(window);
  if (seq > end || (seq + AHEAD > end && end < window.total)) return { kind: 'page', at: { from: end + 1 } };
  if (seq - view.height + 1 - AHEAD < window.first && window.first > 1) {
    return { kind: 'page', at: { before: window.first } };
  }
  return undefined;
}

/** Of a long line that is wrapped: what stands as a gap in it, once that is in sight. */
function missingPart(log: StepLog, view: LogView): Missing | undefined {
  if (!view.wrap) return undefined;
  const { pinned } = log;
  const shown = shownRows(textOf(log), pinned, view);
  const gap = shown.findLast(({ piece }) => piece.kind === 'gap');
  if (gap === undefined) return undefined;
  const { seq } = gap;
  const { from, to } = gap.piece;
  // Whoever comes from above, and is at it, reads on; whoever comes from below, or is at the line's end, sees that.
  if (pinned?.seq === seq && pinned.byte === from) {
    return { kind: 'part', seq, at: from, until: Math.min(to, from + PART_BYTES) };
  }
  // Not a few bytes beyond it: where a character begins before, it would be there twice.
  const at = to - PART_BYTES > from + LEAST_GAP ? to - PART_BYTES : from;
  return { kind: 'part', seq, at, until: to };
}

/** The first and the last line in sight. */
export function inSight(log: StepLog, view: LogView): { top: number; bottom: number } {
  const shown = shownRows(textOf(log), log.pinned, view);
  return { top: shown[0]?.seq ?? 1, bottom: shown.at(-1)?.seq ?? 1 };
}
