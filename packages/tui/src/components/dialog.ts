import { truncateEnd } from './fit-text.ts';
import { BLANK, fitLine, type Line, line, lineWidth, type Span, span } from './line.ts';
import { textWidth } from './text-width.ts';

export interface Dialog {
  title: string;
  body: readonly Line[];
  /** Under the body, kept in sight whatever the height. */
  foot?: readonly Line[];
  /** The least columns inside; wider where the body is. */
  width?: number;
}

export interface DrawnDialog {
  lines: Line[];
  /** Where its body begins on the screen. */
  left: number;
  top: number;
}

const MARGIN = 2;
const PADDING = 2;

/** How many columns a dialog has inside on a screen of so many. */
export function dialogRoom(columns: number): number {
  return columns - 2 * MARGIN - 2 * PADDING - 2;
}

/** How many rows of body a dialog can show on a screen of so many, with so many at its foot. */
export function dialogRows(rows: number, footRows: number): number {
  return Math.max(1, rows - 4 - footRows - (footRows > 0 ? 1 : 0));
}

/** The dialog in the middle of what is on the screen. A body that is too long is cut: its owner windows it. */
export function drawDialog(under: readonly Line[], dialog: Dialog, columns: number): DrawnDialog {
  const foot = dialog.foot ?? [];
  const body = dialog.body.slice(0, dialogRows(under.length, foot.length));
  const content = [...body, ...(foot.length > 0 ? [BLANK, ...foot] : [])];
  const wanted = Math.max(dialog.width ?? 0, textWidth(dialog.title) + 2, ...content.map(lineWidth));
  const inside = Math.min(dialogRoom(columns), wanted);
  const box = [
    top(dialog.title, inside + 2 * PADDING),
    ...content.map((row) => side(fitLine(row, inside))),
    line(span(`╰${'─'.repeat(inside + 2 * PADDING)}╯`, 'quiet')),
  ];
  const left = Math.max(0, Math.floor((columns - inside - 2 * PADDING - 2) / 2));
  const first = Math.max(0, Math.floor((under.length - box.length) / 2));
  const lines = under.map((row, at) => {
    const over = box[at - first];
    // What is left of a row beside the dialog would be slivers of words: they go.
    return over === undefined ? row : fitLine(line(span(' '.repeat(left)), ...over.spans), columns);
  });
  return { lines, left: left + 1 + PADDING, top: first + 1 };
}

function top(title: string, inside: number): Line {
  const text = truncateEnd(title, inside - 3);
  return line(
    span('╭─ ', 'quiet'),
    span(text, 'strong'),
    span(` ${'─'.repeat(Math.max(0, inside - 3 - textWidth(text)))}╮`, 'quiet'),
  );
}

function side(content: Line): Line {
  return {
    selected: false,
    spans: [
      span(`│${' '.repeat(PADDING)}`, 'quiet'),
      ...(content.selected ? content.spans.map((piece) => ({ ...piece, selected: true })) : content.spans),
      span(`${' '.repeat(PADDING)}│`, 'quiet'),
    ],
  };
}

/** The buttons of a dialog in a row; the chosen one has a pointer and brackets, as well as its tone. */
export function buttons(labels: readonly string[], chosen: number): Line {
  const spans: Span[] = [];
  for (const [at, label] of labels.entries()) {
    if (at > 0) spans.push(span('  '));
    if (at === chosen) spans.push(span('▸ ', 'key'), span(`[ ${label} ]`, 'button'));
    else spans.push(span(`    ${label}  `, 'plain'));
  }
  return { spans, selected: false };
}
