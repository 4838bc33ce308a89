import { type Line, line, padStart, span, textWidth, truncateEnd } from '../../components/index.ts';
import { composeFrame, type Frame } from '../frame.ts';
import type { Size } from '../world.ts';

/** The smallest terminal that the screens are laid out for. */
const LEAST: Size = { columns: 80, rows: 24 };

export function fits(size: Size): boolean {
  return size.columns >= LEAST.columns && size.rows >= LEAST.rows;
}

/** What a smaller one shows instead: what it is, what it has to be, and how to get out. */
export function viewTooSmall(size: Size): Frame {
  const texts = [
    `Towline needs ${LEAST.columns}×${LEAST.rows}.`,
    `This terminal is ${size.columns}×${size.rows}.`,
    'Make it larger; q quits.',
  ];
  const above = Math.max(0, Math.floor((size.rows - texts.length) / 2));
  const centred = texts.map((text): Line => {
    const fitted = truncateEnd(text, size.columns);
    return line(span(padStart(fitted, Math.floor((size.columns + textWidth(fitted)) / 2)), 'strong'));
  });
  return {
    lines: composeFrame(
      size,
      Array.from({ length: above }, () => line()),
      centred,
      [],
    ),
  };
}
