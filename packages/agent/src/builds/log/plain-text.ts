const COLOURS = new RegExp(`${String.fromCharCode(0x1b)}\\[[\\d;:]*m`, 'g');

/** A log's text without its colours. */
export function plainText(text: string): string {
  return text.includes('\u001b') ? text.replace(COLOURS, '') : text;
}
