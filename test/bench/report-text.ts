import type { Comparison } from './statistics.ts';

export type Row = readonly [string, string, string, string];

/** Columns of text under a head; the first to the left, the others to the right. */
export function table(rows: readonly Row[]): string {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  const widths = [width(0), width(1), width(2), width(3)];
  const line = (row: Row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  ')
      .trimEnd();
  const [head, ...rest] = rows.map(line);
  return [head, '-'.repeat(widths.reduce((sum, each) => sum + each + 2, -2)), ...rest].join('\n');
}

export function against({ ratio, difference }: Comparison): string {
  return `${times(ratio)}, ${signed(difference)}`;
}

export function times(ratio: number): string {
  return `×${ratio.toFixed(3)}`;
}

export function signed(difference: number): string {
  return `${difference < 0 ? '−' : '+'}${ms(Math.abs(difference))} ms`;
}

export function ms(value: number): string {
  return value.toFixed(1);
}
