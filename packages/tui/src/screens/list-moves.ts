import type { Command } from '../keys/index.ts';

/** How far a command moves in a list of which `height` rows are shown; undefined where it is no movement. */
export function movement(command: Command, height: number): number | undefined {
  const page = Math.max(1, height - 1);
  const half = Math.max(1, Math.floor(height / 2));
  switch (command) {
    case 'down':
      return 1;
    case 'up':
      return -1;
    case 'page-down':
      return page;
    case 'page-up':
      return -page;
    case 'half-down':
      return half;
    case 'half-up':
      return -half;
    case 'first':
      return Number.NEGATIVE_INFINITY;
    case 'last':
      return Number.POSITIVE_INFINITY;
    default:
      return undefined;
  }
}
