// Beyond what JSON escapes by itself: C1 controls, line and paragraph separators, and what turns a text's direction around.
const DRIVES_TERMINALS = /[\u007f-\u009f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** A value as JSON that a terminal shows as it is, also where it has foreign text in it. For whoever parses it, it is the same. */
export function jsonText(value: object, indent?: number): string {
  return JSON.stringify(value, null, indent).replace(
    DRIVES_TERMINALS,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`,
  );
}
