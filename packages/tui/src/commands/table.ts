import { sanitizeLine } from '../components/sanitize.ts';
import { textWidth } from '../components/text-width.ts';

const GAP = '  ';

/** Rows of text in columns that are as wide as their widest cell, wide characters counted as they are drawn. */
export function formatTable(header: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const cells = [header, ...rows].map((row) => row.map(sanitizeLine));
  const widths = header.map((_, column) => Math.max(...cells.map((row) => textWidth(row[column] ?? ''))));
  return cells.map((row) =>
    row
      .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - textWidth(cell)))
      .join(GAP)
      .trimEnd(),
  );
}

/** What stands in a cell that has nothing to say. */
export const NOTHING = '-';
