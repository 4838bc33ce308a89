import { type Colour, type Look, PLAIN_LOOK, sameLook } from './look.ts';
import { sanitizeLine } from './sanitize.ts';

/** A line of foreign text as it may be shown, and how its writer wanted which part of it to look. */
export interface PaintedText {
  text: string;
  /** In order, without overlaps; what is in none of them has no look of its own. */
  paints: readonly Paint[];
}

/** From one place in a text to another. */
export interface Paint {
  from: number;
  to: number;
  look: Look;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: it is what begins a sequence
const SGR = /\u001b\[([\d;:]*)m/g;
/** What a line may end with and still show what was drawn before it: it went back, and drew nothing more. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: as above
const NOTHING_DRAWN = /(?:\r|\u001b\[[\d;:]*m)+$/;

/**
 * As `sanitizeLine`, with the colours that are in it (SGR) beside the text instead of dropped. Every line begins without
 * any, so that one that is never reset ends with its line.
 */
export function paintLine(raw: string): PaintedText {
  if (!raw.includes('\u001b[')) return { text: sanitizeLine(raw), paints: [] };
  const whole = raw.replace(NOTHING_DRAWN, '');
  const drawn = whole.slice(whole.lastIndexOf('\r') + 1);
  const paints: Paint[] = [];
  let text = '';
  let look = PLAIN_LOOK;
  const add = (piece: string) => {
    const clean = sanitizeLine(piece);
    if (clean === '') return;
    const from = text.length;
    text += clean;
    if (look === PLAIN_LOOK) return;
    const last = paints.at(-1);
    if (last?.to === from && sameLook(last.look, look)) last.to = text.length;
    else paints.push({ from, to: text.length, look });
  };
  let at = 0;
  for (const found of drawn.matchAll(SGR)) {
    add(drawn.slice(at, found.index));
    look = obey(look, found[1] ?? '');
    at = found.index + found[0].length;
  }
  add(drawn.slice(at));
  return { text, paints };
}

const FOREGROUND = 38;
const BACKGROUND = 48;

/** The look after an SGR sequence. What it does not know it passes over, and what would hide text as well. */
function obey(before: Look, parameters: string): Look {
  let look = before;
  const codes = parameters.split(';');
  for (let at = 0; at < codes.length; at += 1) {
    const code = codes[at] ?? '';
    const parts = code.split(':');
    const number = Number(parts[0]);
    if (number === FOREGROUND || number === BACKGROUND) {
      // `38:2::r:g:b` has its parts within, `38;2;r;g;b` after it.
      const within = parts.length > 1;
      const { colour, taken } = within ? colourWithin(parts.slice(1)) : colourAfter(codes.slice(at + 1));
      if (colour !== undefined) {
        look = { ...look, [number === FOREGROUND ? 'foreground' : 'background']: colour };
      }
      at += taken;
    } else if (number === 4 && parts[1] === '0') look = without(look, 'underline');
    else look = obeyOne(look, number);
  }
  return sameAsPlain(look) ? PLAIN_LOOK : look;
}

function obeyOne(look: Look, code: number): Look {
  if (code >= 30 && code <= 37) return { ...look, foreground: code - 30 };
  if (code >= 40 && code <= 47) return { ...look, background: code - 40 };
  if (code >= 90 && code <= 97) return { ...look, foreground: code - 90 + 8 };
  if (code >= 100 && code <= 107) return { ...look, background: code - 100 + 8 };
  switch (code) {
    case 0:
      return PLAIN_LOOK;
    case 1:
      return { ...look, bold: true };
    case 2:
      return { ...look, dim: true };
    case 3:
      return { ...look, italic: true };
    case 4:
    case 21:
      return { ...look, underline: true };
    case 7:
      return { ...look, inverse: true };
    case 9:
      return { ...look, strikethrough: true };
    case 22:
      return without(without(look, 'bold'), 'dim');
    case 23:
      return without(look, 'italic');
    case 24:
      return without(look, 'underline');
    case 27:
      return without(look, 'inverse');
    case 29:
      return without(look, 'strikethrough');
    case 39:
      return without(look, 'foreground');
    case 49:
      return without(look, 'background');
    default:
      return look;
  }
}

function without(look: Look, key: keyof Look): Look {
  const { [key]: _, ...rest } = look;
  return rest;
}

function sameAsPlain(look: Look): boolean {
  for (const _ in look) return false;
  return true;
}

function colourWithin(parts: readonly string[]): { colour: Colour | undefined; taken: number } {
  const [kind, ...values] = parts;
  if (kind === '5') return { colour: paletteColour(values[0]), taken: 0 };
  // With a colour space before the three, which most leave empty, or without one.
  if (kind === '2') return { colour: trueColour(values.slice(values.length > 3 ? 1 : 0)), taken: 0 };
  return { colour: undefined, taken: 0 };
}

function colourAfter(codes: readonly string[]): { colour: Colour | undefined; taken: number } {
  if (codes[0] === '5') return { colour: paletteColour(codes[1]), taken: 2 };
  if (codes[0] === '2') return { colour: trueColour(codes.slice(1, 4)), taken: 4 };
  // Nobody can tell what of the rest belongs to it.
  return { colour: undefined, taken: codes.length };
}

function paletteColour(value: string | undefined): Colour | undefined {
  return byteOf(value);
}

function trueColour(values: readonly string[]): Colour | undefined {
  const [red, green, blue] = [byteOf(values[0]), byteOf(values[1]), byteOf(values[2])];
  if (red === undefined || green === undefined || blue === undefined) return undefined;
  return [red, green, blue];
}

function byteOf(value: string | undefined): number | undefined {
  if (value === undefined) return undefined;
  const number = Number(value);
  return number <= 255 ? number : undefined;
}
