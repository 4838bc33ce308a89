import { stringify } from 'yaml';

/** Plain data as it stands in a map file. */
export type Plain =
  | string
  | number
  | boolean
  | readonly Plain[]
  | { readonly [key: string]: Plain | undefined };
export type PlainMap = { readonly [key: string]: Plain | undefined };

/** How the text that is replaced was quoted: what comes instead is quoted alike. */
export type Quotes = 'double' | 'single' | 'none';

/** On one line; fit for a block and for a flow collection. */
export function inlineText(value: Plain, quotes: Quotes = 'none'): string {
  if (typeof value === 'string') return quoted(value, quotes);
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  if (isList(value)) return `[${value.map((item) => inlineText(item)).join(', ')}]`;
  const pairs = entriesOf(value).map(([key, item]) => `${inlineText(key)}: ${inlineText(item)}`);
  return pairs.length === 0 ? '{}' : `{ ${pairs.join(', ')} }`;
}

/**
 * What stands after `key:` in a block: with the space or line break before it, without a line break after it. `indent` is
 * the key's column.
 */
export function blockText(value: Plain, indent: number, eol: string): string {
  if (typeof value === 'string') return literalText(value, indent, eol) ?? ` ${inlineText(value)}`;
  if (typeof value !== 'object' || isEmpty(value)) return ` ${inlineText(value)}`;
  return `${eol}${' '.repeat(indent + 2)}${blockLines(value, indent + 2, eol)}`;
}

/** A list or a map as lines, the first without its indentation. */
export function blockLines(value: readonly Plain[] | PlainMap, indent: number, eol: string): string {
  const lines = isList(value)
    ? value.map((item) => `- ${inlineText(item)}`)
    : entriesOf(value).map(([key, item]) => `${inlineText(key)}:${blockText(item, indent, eol)}`);
  return lines.join(`${eol}${' '.repeat(indent)}`);
}

/** A text of several lines as a block of them; undefined where it is none, or would be read differently. */
export function literalText(value: string, indent: number, eol: string): string | undefined {
  if (
    !/^\S[^\r]*\n/.test(value) ||
    /\n\n$|[^\S\n]\n|[^\S\n]$|[^\P{Cc}\n\t]|[\u2028\u2029\ufeff]/u.test(value)
  ) {
    return undefined;
  }
  const header = value.endsWith('\n') ? '|' : '|-';
  const lines = value.replace(/\n$/, '').split('\n');
  return ` ${header}${eol}${lines.map((line) => (line === '' ? '' : `${' '.repeat(indent + 2)}${line}`)).join(eol)}`;
}

export function isEmpty(value: Plain): boolean {
  return typeof value === 'object' && (isList(value) ? value.length === 0 : entriesOf(value).length === 0);
}

export function isList(value: Plain): value is readonly Plain[] {
  return Array.isArray(value);
}

export function isPlainMap(value: Plain | undefined): value is PlainMap {
  return typeof value === 'object' && !isList(value);
}

export function entriesOf(map: PlainMap): [string, Plain][] {
  return Object.entries(map).flatMap(([key, value]): [string, Plain][] =>
    value === undefined ? [] : [[key, value]],
  );
}

function quoted(text: string, quotes: Quotes): string {
  if (quotes === 'double' || /[\p{Cc}\p{Zl}\p{Zp}\ufeff]/u.test(text)) return JSON.stringify(text);
  if (quotes === 'single') return `'${text.replaceAll("'", "''")}'`;
  // In a list, so that a comma or a bracket in it is quoted too.
  const list = stringify([text], { lineWidth: 0, collectionStyle: 'flow', flowCollectionPadding: false });
  return list.trim().slice(1, -1);
}
