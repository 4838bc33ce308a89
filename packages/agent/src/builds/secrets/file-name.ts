import { createHash } from 'node:crypto';

const MAX_LENGTH = 150;

/**
 * A text as the name of a file: another one for every text, never `.`, `..` or hidden, and short enough for every file
 * system. A long one ends with its hash.
 */
export function fileNameOf(text: string): string {
  const safe = encodeURIComponent(text.toWellFormed()).replace(/[.!'()*~]/g, escaped);
  if (safe.length > 0 && safe.length <= MAX_LENGTH) return safe;
  return `${safe.slice(0, MAX_LENGTH - 33)}_${createHash('sha256').update(text).digest('hex').slice(0, 32)}`;
}

function escaped(char: string): string {
  return `%${char.charCodeAt(0).toString(16).toUpperCase()}`;
}
