/** A place in a terminal's palette of 256, the first sixteen of which are the operator's own; or red, green and blue. */
export type Colour = number | readonly [number, number, number];

/** How foreign text looks: the colours and weights that its writer gave to it. Nothing of it moves a cursor. */
export interface Look {
  foreground?: Colour;
  background?: Colour;
  bold?: true;
  dim?: true;
  italic?: true;
  underline?: true;
  inverse?: true;
  strikethrough?: true;
}

export const PLAIN_LOOK: Look = {};

export function sameLook(a: Look | undefined, b: Look | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return (
    sameColour(a.foreground, b.foreground) &&
    sameColour(a.background, b.background) &&
    a.bold === b.bold &&
    a.dim === b.dim &&
    a.italic === b.italic &&
    a.underline === b.underline &&
    a.inverse === b.inverse &&
    a.strikethrough === b.strikethrough
  );
}

function sameColour(a: Colour | undefined, b: Colour | undefined): boolean {
  if (typeof a === 'object' && typeof b === 'object') return a.every((part, at) => part === b[at]);
  return a === b;
}
