import type { Size } from '../world.ts';

/** Title, filter, column titles. */
export const HEAD_ROWS = 3;
export const STATUS_ROWS = 2;
/** A blank row, the status, the keys. */
const FOOT_ROWS = STATUS_ROWS + 2;

/** How many lines of the table fit. */
export function tableHeight(size: Size): number {
  return Math.max(1, size.rows - HEAD_ROWS - FOOT_ROWS);
}
