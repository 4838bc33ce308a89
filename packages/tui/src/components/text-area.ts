import { takeColumns } from './fit-text.ts';
import { sanitizeLine } from './sanitize.ts';
import { reduceTextField, type TextFieldAction } from './text-field.ts';
import { graphemes, textWidth } from './text-width.ts';

/** Some lines of text being typed. `column` counts graphemes from the front of its row. */
export interface TextArea {
  lines: readonly string[];
  row: number;
  column: number;
}

export type TextAreaAction = TextFieldAction | { type: 'new-line' } | { type: 'up' } | { type: 'down' };

/** With the caret at its end. */
export function textArea(value: string): TextArea {
  const lines = value.replace(/\n$/, '').split('\n');
  const row = lines.length - 1;
  return { lines, row, column: graphemes(lines[row] ?? '').length };
}

/** What was typed; a last line that is empty is none. */
export function areaText({ lines }: TextArea): string {
  return lines.join('\n').replace(/\n+$/, '');
}

export function reduceTextArea(area: TextArea, action: TextAreaAction): TextArea {
  const { lines, row, column } = area;
  const here = lines[row] ?? '';
  switch (action.type) {
    case 'up':
    case 'down': {
      const next = Math.min(Math.max(0, row + (action.type === 'up' ? -1 : 1)), lines.length - 1);
      return { ...area, row: next, column: Math.min(column, graphemes(lines[next] ?? '').length) };
    }
    case 'new-line':
      return insert(area, ['', '']);
    case 'insert':
      return insert(
        area,
        action.text
          .replace(/\r\n?/g, '\n')
          .split('\n')
          // Tabs stay what they are: in a Makefile or a heredoc they mean something.
          .map((part) => part.split('\t').map(sanitizeLine).join('\t')),
      );
    case 'delete-before': {
      if (column > 0 || row === 0) break;
      const before = lines[row - 1] ?? '';
      const joined = [...lines.slice(0, row - 1), before + here, ...lines.slice(row + 1)];
      return { lines: joined, row: row - 1, column: graphemes(before).length };
    }
    case 'delete-after': {
      if (column < graphemes(here).length || row === lines.length - 1) break;
      const joined = [...lines.slice(0, row), here + (lines[row + 1] ?? ''), ...lines.slice(row + 2)];
      return { ...area, lines: joined };
    }
    case 'move':
      if (action.to === 'left' && column === 0 && row > 0) {
        return { ...area, row: row - 1, column: graphemes(lines[row - 1] ?? '').length };
      }
      if (action.to === 'right' && column === graphemes(here).length && row < lines.length - 1) {
        return { ...area, row: row + 1, column: 0 };
      }
      break;
    default:
      break;
  }
  const field = reduceTextField({ value: here, caret: column }, action);
  return { lines: lines.with(row, field.value), row, column: field.caret };
}

function insert({ lines, row, column }: TextArea, parts: readonly string[]): TextArea {
  const all = graphemes(lines[row] ?? '');
  const before = all.slice(0, column).join('');
  const after = all.slice(column).join('');
  const [first = '', ...rest] = parts;
  const last = rest.at(-1);
  if (last === undefined) {
    const text = before + first;
    return { lines: lines.with(row, text + after), row, column: graphemes(text).length };
  }
  return {
    lines: [
      ...lines.slice(0, row),
      before + first,
      ...rest.slice(0, -1),
      last + after,
      ...lines.slice(row + 1),
    ],
    row: row + rest.length,
    column: graphemes(last).length,
  };
}

/** What of it shows in so many columns and rows, and where the caret stands: always inside. */
export function visibleArea(
  { lines, row, column }: TextArea,
  width: number,
  height: number,
): { rows: string[]; x: number; y: number } {
  const top = Math.max(0, Math.min(row - height + 1, Math.max(0, lines.length - height)));
  const first = row < top ? row : top;
  const caret = textWidth(
    expand(
      graphemes(lines[row] ?? '')
        .slice(0, column)
        .join(''),
    ),
  );
  // All rows move together, so that what stands under each other stays there.
  const shift = Math.max(0, caret - width + 1);
  return {
    rows: lines.slice(first, first + height).map((text) => takeColumns(dropLeft(expand(text), shift), width)),
    x: caret - shift,
    y: row - first,
  };
}

/** As it may be shown: what controls a terminal is a mark, and stays what it is in the text. */
function expand(text: string): string {
  return text.replaceAll('\t', '    ').replace(/\p{Cc}/gu, '\ufffd');
}

function dropLeft(text: string, columns: number): string {
  let dropped = 0;
  const all = graphemes(text);
  let at = 0;
  while (at < all.length && dropped < columns) {
    dropped += textWidth(all[at] ?? '');
    at += 1;
  }
  // Half of a wide character that was cut leaves a blank.
  return ' '.repeat(Math.max(0, dropped - columns)) + all.slice(at).join('');
}
