import stringWidth from 'string-width';

const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const ASCII = /^[\u0020-\u007e]*$/;

/** One column a character. */
export function isAscii(text: string): boolean {
  return ASCII.test(text);
}

/** What a person takes for one character each, however many code points it has. */
export function graphemes(text: string): string[] {
  return ASCII.test(text) ? text.split('') : Array.from(segmenter.segment(text), ({ segment }) => segment);
}

/** Terminal columns; ASCII, which is nearly all that is ever shown, by its length. */
export function textWidth(text: string): number {
  return ASCII.test(text) ? text.length : stringWidth(text);
}
