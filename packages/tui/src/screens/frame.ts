import { BLANK, fitLine, type Line } from '../components/index.ts';
import type { Size } from './world.ts';

/** A whole screen: as many lines as it has rows, each as wide as it is. */
export interface Frame {
  lines: readonly Line[];
  /** Where text is being typed. */
  cursor?: { x: number; y: number };
}

/** `head` from the top and `foot` at the bottom, whatever is between; a body that is too long is cut. */
export function composeFrame(
  size: Size,
  head: readonly Line[],
  body: readonly Line[],
  foot: readonly Line[],
): Line[] {
  const room = Math.max(0, size.rows - head.length - foot.length);
  const shown = body.slice(0, room);
  const filling = Array.from({ length: room - shown.length }, () => BLANK);
  return [...head, ...shown, ...filling, ...foot]
    .slice(0, size.rows)
    .map((row) => fitLine(row, size.columns));
}
