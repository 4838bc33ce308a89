import {
  fitColumns,
  type Line,
  line,
  padEnd,
  type Span,
  span,
  type TextField,
  textWidth,
  truncateEnd,
  truncateMiddle,
  visibleField,
} from '../../components/index.ts';
import type { Cell, TaskCells } from './task-cells.ts';

/** Under the cursor's mark. */
export const INDENT = 2;
const GAP = 2;
/** From here on all columns are there, whether they have something to show or not. */
const WIDE = 120;

type ColumnName = keyof TaskCells;

interface TableColumn {
  name: ColumnName;
  title: string;
  min: number;
  max: number;
  /** The least that it is given where there is room. */
  floor: number;
  leaves?: number;
}

/** `[x] Confirm` */
const CHECKBOX_WIDTH = 11;

const COLUMNS: readonly TableColumn[] = [
  { name: 'container', title: 'CONTAINER', min: 12, max: 32, floor: 9 },
  { name: 'image', title: 'IMAGE', min: 7, max: 60, floor: 5, leaves: 1 },
  { name: 'build', title: 'BUILD', min: 10, max: 30, floor: 5, leaves: 0 },
  { name: 'run', title: '', min: 7, max: 14, floor: 7 },
  { name: 'tag', title: 'DEPLOY', min: 11, max: 26, floor: 6 },
  { name: 'state', title: '', min: 7, max: 12, floor: 9 },
  { name: 'marker', title: '', min: 7, max: 10, floor: 7 },
  { name: 'mode', title: 'MODE', min: 10, max: 14, floor: 9 },
  { name: 'choice', title: 'CHOICE', min: CHECKBOX_WIDTH, max: 30, floor: 12 },
];

/** How the table is drawn for what is in it and for the room that there is. */
export interface TableLayout {
  widths: Readonly<Record<ColumnName, number>>;
  /** Whether a marker takes the place of the state beside it: there is no room for both. */
  merged: boolean;
}

export function layOutTable(rows: readonly TaskCells[], columns: number): TableLayout {
  const available = columns - INDENT - 1;
  const wide = columns >= WIDE;
  const ideals = COLUMNS.map((column) => {
    const widest = rows.reduce((most, cells) => Math.max(most, textWidth(cells[column.name]?.text ?? '')), 0);
    if (column.name === 'build' && widest === 0 && !wide) return 0;
    if (column.name === 'run' && widest === 0) return 0;
    return Math.min(column.max, Math.max(widest, column.floor));
  });
  const needed = () => ideals.reduce((sum, width) => sum + (width > 0 ? width + GAP : 0), -GAP);
  // What an image's name has too much of goes before anything else does: its registry, which is the same for most.
  const image = COLUMNS.findIndex(({ name }) => name === 'image');
  if (needed() > available) {
    ideals[image] = rows.reduce(
      (most, cells) => Math.max(most, textWidth(withoutRegistry(cells.image.text))),
      5,
    );
  }
  const merged = needed() > available;
  const fitted = fitColumns(
    COLUMNS.map(({ name, min, leaves }, at) => ({
      ideal: merged && name === 'marker' ? 0 : (ideals[at] ?? 0),
      min,
      ...(leaves === undefined ? {} : { leaves }),
    })),
    available,
    GAP,
  );
  const widthOf = (name: ColumnName) => fitted[COLUMNS.findIndex((column) => column.name === name)] ?? 0;
  return {
    merged,
    widths: {
      container: widthOf('container'),
      image: widthOf('image'),
      build: widthOf('build'),
      run: widthOf('run'),
      tag: widthOf('tag'),
      state: widthOf('state'),
      marker: widthOf('marker'),
      mode: widthOf('mode'),
      choice: widthOf('choice'),
    },
  };
}

export function columnTitles({ widths }: TableLayout): Line {
  return line(
    span(' '.repeat(INDENT)),
    ...COLUMNS.filter(({ name }) => widths[name] > 0).map(({ name, title }) => {
      // Where the tag has left, its state still is the build's.
      const shown = name === 'run' && widths.build === 0 ? 'BUILD' : title;
      return span(padEnd(truncateEnd(shown, widths[name]), widths[name] + GAP), 'quiet');
    }),
  );
}

/** A task's row without the cursor's mark; with a field, the caret's column on the screen. */
export function taskLine(
  cells: TaskCells,
  { widths, merged }: TableLayout,
  field: TextField | undefined,
): { line: Line; caret?: number } {
  const spans: Span[] = [];
  let column = INDENT;
  let caret: number | undefined;
  for (const { name } of COLUMNS) {
    const width = widths[name];
    if (width === 0) continue;
    if (name === 'choice' && field !== undefined) {
      const shown = visibleField(field, width);
      spans.push(
        ...(field.selected === true
          ? [span(shown.text, 'button'), span(' '.repeat(width - textWidth(shown.text)), 'field')]
          : [span(padEnd(shown.text, width), 'field')]),
      );
      caret = column + shown.caret;
    } else {
      const cell = name === 'state' && merged ? (cells.marker ?? cells.state) : cells[name];
      const text = cell === undefined ? '' : textThatFits(cell, width, merged && name === 'state');
      spans.push(span(padEnd(fitCell(name, text, width), width + GAP), cell?.tone ?? 'plain'));
    }
    column += width + GAP;
  }
  const drawn: Line = { spans, selected: false };
  return caret === undefined ? { line: drawn } : { line: drawn, caret };
}

/** `alone` where what stands beside it in a wide table is not there. */
function textThatFits({ text, short }: Cell, width: number, alone: boolean): string {
  return short !== undefined && (alone || textWidth(text) > width) ? short : text;
}

function withoutRegistry(name: string): string {
  const [first = '', ...rest] = name.split('/');
  return rest.length > 0 && /[.:]|^localhost$/.test(first) ? `…/${rest.join('/')}` : name;
}

function fitCell(name: ColumnName, text: string, width: number): string {
  switch (name) {
    case 'image':
      return fitImage(text, width);
    // Words whose beginning says what they are.
    case 'mode':
    case 'run':
      return truncateEnd(text, width);
    case 'choice':
      // The checkbox says enough without its second word.
      return text.startsWith('[') && textWidth(text) > width
        ? text.slice(0, CHECKBOX_WIDTH)
        : truncateMiddle(text, width);
    default:
      return truncateMiddle(text, width);
  }
}

/** An image's name where it does not fit: its registry goes first, then its path, for its end tells one from another. */
function fitImage(name: string, width: number): string {
  if (textWidth(name) <= width) return name;
  const parts = name.split('/');
  for (let from = 1; from < parts.length; from += 1) {
    const short = `…/${parts.slice(from).join('/')}`;
    if (textWidth(short) <= width) return short;
  }
  return truncateMiddle(parts.at(-1) ?? name, width);
}
