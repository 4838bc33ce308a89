import { stripVTControlCharacters } from 'node:util';

const TAB_STOP = 8;
// C0 and C1 controls, the line and paragraph separators, and what turns the direction of the text around.
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
const CONTROLS = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/**
 * One line of foreign text as it may be shown: no escape sequence and no control character reaches the terminal, where
 * it could move the cursor or worse. Tabs become blanks.
 */
export function sanitizeLine(text: string): string {
  const plain = stripVTControlCharacters(text).replace(/\t/g, ' '.repeat(TAB_STOP));
  // A program that draws a progress bar goes back to the start of its line: what it drew last counts.
  const lastDrawn = plain.replace(/\r+$/, '').split('\r').at(-1) ?? '';
  return lastDrawn.replace(CONTROLS, '');
}

/** As `sanitizeLine`, of a text of several lines: they stay lines. */
export function sanitizeText(text: string): string {
  return text.split('\n').map(sanitizeLine).join('\n');
}
