import { BLANK, type Line, line, span, textWidth, truncateEnd, wrapText } from '../components/index.ts';

const INDENT = 2;

/**
 * A sentence at the foot of a screen: always as many rows, so that nothing jumps. A longer one has up to `most` where nothing else
 * needs them, and is cut there.
 */
export function statusRows(status: Line, columns: number, rows: number, most: number = rows): Line[] {
  const text = status.spans.map((piece) => piece.text).join('');
  if (textWidth(text) < columns - INDENT) {
    return [line(span('  '), ...status.spans), ...Array.from({ length: rows - 1 }, () => BLANK)];
  }
  const tone = status.spans.at(-1)?.tone ?? 'plain';
  const wrapped = wrapText(text, columns - INDENT - 1);
  const shown = wrapped
    .slice(0, most)
    .map((part, row) => (row === most - 1 && wrapped.length > most ? `${part}…` : part))
    .map((part) => line(span(`  ${truncateEnd(part, columns - INDENT - 1)}`, tone)));
  return [...shown, ...Array.from({ length: Math.max(0, rows - shown.length) }, () => BLANK)];
}
