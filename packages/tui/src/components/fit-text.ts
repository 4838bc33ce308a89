import { graphemes, isAscii, textWidth } from './text-width.ts';

const ELLIPSIS = '…';

/** The longest run of graphemes from the front that is at most `width` columns. */
export function takeColumns(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  let taken = '';
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const next = textWidth(grapheme);
    if (used + next > width) break;
    taken += grapheme;
    used += next;
  }
  return taken;
}

function takeColumnsFromEnd(text: string, width: number): string {
  let taken = '';
  let used = 0;
  for (const grapheme of graphemes(text).reverse()) {
    const next = textWidth(grapheme);
    if (used + next > width) break;
    taken = grapheme + taken;
    used += next;
  }
  return taken;
}

/** At most `width` columns, cut at the end. */
export function truncateEnd(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return '';
  return takeColumns(text, width - 1) + ELLIPSIS;
}

/** At most `width` columns, cut in the middle: what tells names apart stands at their ends. */
export function truncateMiddle(text: string, width: number): string {
  if (textWidth(text) <= width) return text;
  if (width <= 0) return '';
  const tail = Math.floor((width - 1) / 2);
  return takeColumns(text, width - 1 - tail) + ELLIPSIS + takeColumnsFromEnd(text, tail);
}

/** A path of at most `width` columns, cut at its front: whole folders go first, for its end tells one from another. */
export function truncatePath(path: string, width: number): string {
  if (textWidth(path) <= width) return path;
  if (width <= 0) return '';
  const parts = path.split('/');
  for (let from = 1; from < parts.length; from += 1) {
    const short = `${ELLIPSIS}/${parts.slice(from).join('/')}`;
    if (textWidth(short) <= width) return short;
  }
  return ELLIPSIS + takeColumnsFromEnd(path, width - 1);
}

/** Blanks behind, up to `width` columns. Does not cut. */
export function padEnd(text: string, width: number): string {
  return text + ' '.repeat(Math.max(0, width - textWidth(text)));
}

/** Blanks before, up to `width` columns. Does not cut. */
export function padStart(text: string, width: number): string {
  return ' '.repeat(Math.max(0, width - textWidth(text))) + text;
}

/** Lines of at most `width` columns, broken at blanks where there are some; a word too long is cut. */
export function wrapText(text: string, width: number): string[] {
  if (width <= 0) return [];
  const lines: string[] = [];
  for (const paragraph of text.split('\n')) {
    let line = '';
    for (const word of paragraph.split(' ')) {
      const joined = line === '' ? word : `${line} ${word}`;
      if (textWidth(joined) <= width) {
        line = joined;
        continue;
      }
      if (line !== '') lines.push(line);
      line = word;
      while (textWidth(line) > width) {
        // A wide character in a column of one would never fit, and would never end.
        const head = takeColumns(line, width) || (graphemes(line)[0] ?? '');
        lines.push(head);
        line = line.slice(head.length);
      }
    }
    lines.push(line);
  }
  return lines;
}

/**
 * Where each row of a text begins that is broken wherever a row is full, as a terminal does it: nothing is left out, and
 * what stands under each other in a row still does.
 */
export function breakColumns(text: string, width: number): number[] {
  const starts = [0];
  if (width <= 0) return starts;
  if (isAscii(text)) {
    for (let at = width; at < text.length; at += width) starts.push(at);
    return starts;
  }
  let at = 0;
  let used = 0;
  for (const grapheme of graphemes(text)) {
    const next = textWidth(grapheme);
    if (used + next > width && used > 0) {
      starts.push(at);
      used = 0;
    }
    at += grapheme.length;
    used += next;
  }
  return starts;
}
