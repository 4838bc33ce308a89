import type { Colour, Look } from './look.ts';
import { paintLine } from './painted.ts';

/** One line of foreign text for a terminal: in its colours, which end with it, and without all else that could drive one. */
export function colouredLine(raw: string): string {
  const { text, paints } = paintLine(raw);
  let line = '';
  let at = 0;
  for (const { from, to, look } of paints) {
    line += `${text.slice(at, from)}\u001b[${codesOf(look).join(';')}m${text.slice(from, to)}\u001b[0m`;
    at = to;
  }
  return line + text.slice(at);
}

function codesOf(look: Look): number[] {
  return [
    ...(look.bold ? [1] : []),
    ...(look.dim ? [2] : []),
    ...(look.italic ? [3] : []),
    ...(look.underline ? [4] : []),
    ...(look.inverse ? [7] : []),
    ...(look.strikethrough ? [9] : []),
    ...(look.foreground === undefined ? [] : colourCodes(look.foreground, 30)),
    ...(look.background === undefined ? [] : colourCodes(look.background, 40)),
  ];
}

/** `base` is 30 for the text, 40 for what is under it. */
function colourCodes(colour: Colour, base: 30 | 40): number[] {
  if (typeof colour === 'object') return [base + 8, 2, ...colour];
  if (colour < 8) return [base + colour];
  if (colour < 16) return [base + 60 + colour - 8];
  return [base + 8, 5, colour];
}
