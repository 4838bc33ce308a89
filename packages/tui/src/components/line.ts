import { takeColumns } from './fit-text.ts';
import { type Look, sameLook } from './look.ts';
import { textWidth } from './text-width.ts';

/** What a piece of text means; the theme says what that looks like. Never the only carrier of a meaning. */
export const TONES = [
  'plain',
  'quiet',
  'strong',
  'title',
  'good',
  'active',
  'armed',
  'bad',
  'key',
  'field',
  'button',
  'bar',
] as const;
export type Tone = (typeof TONES)[number];

export interface Span {
  text: string;
  tone: Tone;
  /** Of foreign text: what its writer gave to it, under the tone. */
  look?: Look;
  /** On the cursor's background, where only a part of the row is: in a dialog. */
  selected?: boolean;
}

/** One row of the screen. `selected` lays the cursor's background under all of it. */
export interface Line {
  spans: readonly Span[];
  selected: boolean;
}

export function span(text: string, tone: Tone = 'plain'): Span {
  return { text, tone };
}

export function line(...spans: readonly (Span | string)[]): Line {
  return { spans: spans.map((piece) => (typeof piece === 'string' ? span(piece) : piece)), selected: false };
}

export const BLANK: Line = { spans: [], selected: false };

export function select(of: Line): Line {
  return { ...of, selected: true };
}

export function lineText(of: Line): string {
  return of.spans.map((piece) => piece.text).join('');
}

export function lineWidth(of: Line): number {
  return of.spans.reduce((sum, piece) => sum + textWidth(piece.text), 0);
}

/** Exactly `columns` wide: cut, or filled with blanks. */
export function fitLine(of: Line, columns: number): Line {
  const spans = sliceSpans(of.spans, columns);
  const rest = columns - spans.reduce((sum, piece) => sum + textWidth(piece.text), 0);
  const filled = rest > 0 ? [...spans, span(' '.repeat(rest))] : spans;
  return { spans: of.selected ? keepLastBlank(filled) : filled, selected: of.selected };
}

/**
 * The last blank under the cursor is one that does not break: what copies a screen drops blanks at the end of a row, and
 * their background with them.
 */
function keepLastBlank(spans: readonly Span[]): readonly Span[] {
  const last = spans.at(-1);
  if (last === undefined || !last.text.endsWith(' ')) return spans;
  return [...spans.slice(0, -1), { ...last, text: `${last.text.slice(0, -1)}\u00a0` }];
}

/** At most so wide, with an ellipsis where something was cut. */
function cutLine(of: Line, columns: number): Line {
  if (lineWidth(of) <= columns || columns <= 0) return of;
  const kept = sliceSpans(of.spans, columns - 1);
  return { ...of, spans: [...kept, span('…', kept.at(-1)?.tone ?? 'plain')] };
}

/** `left` at the left, `right` at the right edge; where both do not fit, the left one gives way. */
export function spread(left: readonly Span[], right: readonly Span[], columns: number): Line {
  const rightWidth = lineWidth({ spans: right, selected: false });
  if (rightWidth === 0) return fitLine(cutLine({ spans: left, selected: false }, columns), columns);
  const room = Math.max(0, columns - rightWidth - 1);
  const fitted = fitLine(cutLine({ spans: left, selected: false }, room), room);
  return fitLine({ spans: [...fitted.spans, span(' '), ...right], selected: false }, columns);
}

export function sameLine(a: Line, b: Line): boolean {
  return (
    a === b ||
    (a.selected === b.selected &&
      a.spans.length === b.spans.length &&
      a.spans.every((piece, at) => {
        const other = b.spans[at];
        return (
          piece.text === other?.text &&
          piece.tone === other.tone &&
          piece.selected === other.selected &&
          sameLook(piece.look, other.look)
        );
      }))
  );
}

function sliceSpans(spans: readonly Span[], columns: number): Span[] {
  const kept: Span[] = [];
  let room = columns;
  for (const piece of spans) {
    if (room <= 0) break;
    const text = takeColumns(piece.text, room);
    if (text !== '') kept.push(text === piece.text ? piece : { ...piece, text });
    if (text !== piece.text) break;
    room -= textWidth(text);
  }
  return kept;
}
