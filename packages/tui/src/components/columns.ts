/** One column of a table: what it would like to be, and what it can live with. */
export interface Column {
  /** Columns of the terminal that its widest cell takes. */
  ideal: number;
  min: number;
  /** In what order columns leave where even the least widths do not fit; a column without one never leaves. */
  leaves?: number;
}

/**
 * How wide each column is drawn so that all fit into `available` with `gap` between two; 0 for one that left. The widest
 * gives way first, so that short columns keep what they show.
 */
export function fitColumns(columns: readonly Column[], available: number, gap: number): number[] {
  const present = columns.map((column) => column.ideal > 0);
  const least = () =>
    columns.reduce(
      (sum, column, at) => sum + (present[at] ? Math.min(column.min, column.ideal) + gap : 0),
      -gap,
    );
  const leaving = columns
    .map((column, at) => ({ at, leaves: column.leaves }))
    .filter((entry): entry is { at: number; leaves: number } => entry.leaves !== undefined)
    .sort((a, b) => a.leaves - b.leaves);
  for (const { at } of leaving) {
    if (least() <= available) break;
    present[at] = false;
  }
  const widths = columns.map((column, at) => (present[at] ? column.ideal : 0));
  const floor = columns.map((column, at) => (present[at] ? Math.min(column.min, column.ideal) : 0));
  let excess =
    widths.reduce((sum, width) => sum + (width > 0 ? width + gap : 0), -gap) - Math.max(0, available);
  while (excess > 0) {
    let widest = -1;
    for (const [at, width] of widths.entries()) {
      if (width > (floor[at] ?? 0) && width > (widths[widest] ?? 0)) widest = at;
    }
    if (widest < 0) break;
    widths[widest] = (widths[widest] ?? 0) - 1;
    excess -= 1;
  }
  return widths;
}
