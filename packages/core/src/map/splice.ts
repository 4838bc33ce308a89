import {
  isAlias,
  isCollection,
  isMap,
  isPair,
  isScalar,
  isSeq,
  type Node,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml';
import {
  blockLines,
  blockText,
  entriesOf,
  inlineText,
  isEmpty,
  isList,
  isPlainMap,
  literalText,
  type Plain,
  type PlainMap,
  type Quotes,
} from './yaml-text.ts';

/** A piece of the text that is replaced by another. */
export interface Splice {
  from: number;
  to: number;
  text: string;
}

/** The text with all pieces replaced. Those at one place come in their order. They do not overlap. */
export function applySplices(text: string, splices: readonly Splice[]): string {
  const sorted = splices.map((splice, at) => ({ splice, at }));
  // What is put in at a place comes before what is taken out from there on.
  const length = ({ from, to }: Splice) => Math.min(1, to - from);
  sorted.sort((a, b) => a.splice.from - b.splice.from || length(a.splice) - length(b.splice) || a.at - b.at);
  let done = 0;
  let result = '';
  for (const { splice } of sorted) {
    result += text.slice(done, splice.from) + splice.text;
    done = Math.max(done, splice.to);
  }
  return result + text.slice(done);
}

/**
 * The pieces to replace so that the map at `node`, which is `before`, becomes `after`; what is equal in both keeps its
 * text, with its comments and its form. New keys stand where `after` has them: behind the one before them.
 *
 * It works on the text, because the library formats all of a document that it prints. `undefined` where the text has a
 * form that it is not sure of; whoever calls it reads what came of it anyway.
 */
export function spliceMap(
  text: string,
  node: YAMLMap,
  before: PlainMap,
  after: PlainMap,
): Splice[] | undefined {
  return new Splicer(text).map(node, before, after);
}

/** One key with its value, or one item of a list, as a piece of the text. */
interface Entry {
  from: number;
  /** Where it ends, comments behind it left out. */
  to: number;
}

class Splicer {
  readonly #text: string;
  readonly #eol: string;

  constructor(text: string) {
    this.#text = text;
    this.#eol = text.includes('\r\n') ? '\r\n' : '\n';
  }

  map(node: YAMLMap, before: PlainMap, after: PlainMap): Splice[] | undefined {
    const entries = new Map<string, { entry: Entry; keyEnd: number; value: Node | null }>();
    for (const pair of node.items) {
      if (!isPair(pair) || !isScalar(pair.key) || pair.key.range == null) return undefined;
      const [from, keyEnd] = pair.key.range;
      const colon = this.#text.indexOf(':', keyEnd);
      const value =
        isScalar(pair.value) || isAlias(pair.value) || isCollection(pair.value) ? pair.value : null;
      const to = value?.range == null ? colon + 1 : Math.max(colon + 1, this.#end(value));
      entries.set(String(pair.key.value), { entry: { from, to }, keyEnd: colon + 1, value });
    }
    const all = [...entries.values()].map(({ entry }) => entry);
    const splices: Splice[] = [];
    const removed = entriesOf(before).filter(([key]) => after[key] === undefined);
    // Removing all and adding some would leave nothing to add them to.
    if (removed.length > 0 && removed.length === entries.size) return undefined;
    const removal = this.#remove(
      node,
      all,
      removed.flatMap(([key]) => entries.get(key)?.entry ?? []),
    );
    if (removal === undefined) return undefined;
    splices.push(...removal);

    let previous: Entry | undefined;
    const keys = entriesOf(after);
    for (const [at, [key, value]] of keys.entries()) {
      const found = entries.get(key);
      const old = before[key];
      if (found !== undefined && old !== undefined) {
        previous = found.entry;
        if (equal(old, value)) continue;
        const column = this.#column(found.entry.from);
        const changed = this.#value(found.value, found.keyEnd, old, value, node.flow === true, column);
        if (changed === undefined) return undefined;
        splices.push(...changed);
        continue;
      }
      if (old !== undefined && equal(old, value)) continue;
      // Not there, or only by a merge (<<), which a key of its own goes before.
      const next = keys.slice(at + 1).flatMap(([later]) => entries.get(later)?.entry ?? [])[0];
      const anchor = previous ?? (next === undefined ? all.at(-1) : undefined);
      const reference = anchor ?? next;
      if (reference === undefined) return undefined;
      const column = this.#column(reference.from);
      const added =
        node.flow === true
          ? `${inlineText(key)}: ${inlineText(value)}`
          : `${inlineText(key)}:${blockText(value, column, this.#eol)}`;
      splices.push(this.#insert(node, reference, anchor === undefined ? 'before' : 'after', added));
    }
    return splices;
  }

  #list(node: YAMLSeq, before: readonly Plain[], after: readonly Plain[]): Splice[] | undefined {
    const entries: Entry[] = [];
    for (const item of node.items) {
      if (!isScalar(item) && !isAlias(item) && !isCollection(item)) return undefined;
      if (item.range == null) return undefined;
      const from = node.flow === true ? item.range[0] : this.#text.lastIndexOf('-', item.range[0] - 1);
      if (from < 0 || (node.flow !== true && this.#text.slice(from + 1, item.range[0]).trim() !== '')) {
        return undefined;
      }
      entries.push({ from, to: this.#end(item) });
    }
    if (entries.length !== before.length) return undefined;
    let head = 0;
    while (head < Math.min(before.length, after.length) && equalAt(before, after, head, head)) head++;
    let tail = 0;
    while (
      tail < Math.min(before.length, after.length) - head &&
      equalAt(before, after, before.length - 1 - tail, after.length - 1 - tail)
    ) {
      tail++;
    }
    const kept = [...entries.slice(0, head), ...entries.slice(entries.length - tail)];
    // With nothing that stays there is nothing whose comments could be lost.
    if (kept.length === 0) return undefined;
    const gone = entries.slice(head, entries.length - tail);
    const splices = this.#remove(node, entries, gone);
    if (splices === undefined) return undefined;
    const anchor = entries[head - 1];
    const reference = anchor ?? entries[entries.length - tail];
    if (reference === undefined) return undefined;
    for (const item of after.slice(head, after.length - tail)) {
      const added = `${node.flow === true ? '' : '- '}${inlineText(item)}`;
      splices.push(this.#insert(node, reference, anchor === undefined ? 'before' : 'after', added));
    }
    return splices;
  }

  /** Another value behind the same key. */
  #value(
    node: Node | null,
    keyEnd: number,
    before: Plain,
    after: Plain,
    inFlow: boolean,
    column: number,
  ): Splice[] | undefined {
    if (!isEmpty(before) && !isEmpty(after)) {
      if (isMap(node) && isPlainMap(before) && isPlainMap(after)) {
        const inner = this.map(node, before, after);
        if (inner !== undefined) return inner;
      } else if (isSeq(node) && isListOf(before) && isListOf(after)) {
        const inner = this.#list(node, before, after);
        if (inner !== undefined) return inner;
      }
    }
    if (node?.range == null) return undefined;
    const [from] = node.range;
    const to = this.#end(node);
    if (inFlow)
      return [{ from, to, text: `${from === keyEnd ? ' ' : ''}${inlineText(after, quotesOf(node))}` }];
    const isBlock = this.#isBlock(node);
    if (isCollection(node) && isEmpty(before)) {
      return [{ from: keyEnd, to, text: blockText(after, column, this.#eol) }];
    }
    if (typeof after === 'object' && !isEmpty(after)) {
      if (isBlock && isCollection(node)) {
        return [{ from, to, text: blockLines(after, this.#column(from), this.#eol) }];
      }
      // A collection that stood on one line goes on doing so.
      const gap = from === keyEnd ? ' ' : '';
      return [{ from, to, text: `${gap}${inlineText(after)}` }];
    }
    const literal = typeof after === 'string' ? literalText(after, column, this.#eol) : undefined;
    if (literal !== undefined && !isCollection(node)) {
      const [header = '', ...lines] = literal.split(this.#eol);
      if (isBlock) return [{ from, to, text: literal.slice(1) }];
      // A comment behind the old value stays behind the header; the lines come below.
      const end = this.#lineEnd(to);
      const gap = from === keyEnd ? ' ' : '';
      return [
        { from, to, text: `${gap}${header.trimStart()}` },
        { from: end, to: end, text: lines.map((line) => `${this.#eol}${line}`).join('') },
      ];
    }
    const text = inlineText(after, quotesOf(node));
    // What began on a line of its own goes back to its key's.
    const between = this.#text.slice(keyEnd, from);
    if (between.trim() === '' && between.includes('\n')) return [{ from: keyEnd, to, text: ` ${text}` }];
    return [{ from, to, text: `${from === keyEnd ? ' ' : ''}${text}` }];
  }

  #isBlock(node: Node): boolean {
    if (isCollection(node)) return node.flow !== true;
    return isScalar(node) && (node.type === 'BLOCK_LITERAL' || node.type === 'BLOCK_FOLDED');
  }

  /** Takes entries out, but not all. In a flow, neighbours go as one piece, with the commas between them. */
  #remove(node: YAMLMap | YAMLSeq, all: readonly Entry[], gone: readonly Entry[]): Splice[] | undefined {
    const splices: Splice[] = [];
    for (const [at, entry] of all.entries()) {
      if (!gone.includes(entry)) continue;
      if (node.flow === true) {
        const next = all[at + 1];
        const kept = all.slice(0, at).findLast((one) => !gone.includes(one));
        const isLast = all.slice(at).every((one) => gone.includes(one));
        if (!isLast && next !== undefined) splices.push({ from: entry.from, to: next.from, text: '' });
        else if (at > 0 && all[at - 1] !== kept) continue;
        else splices.push({ from: kept?.to ?? entry.from, to: all.at(-1)?.to ?? entry.to, text: '' });
        continue;
      }
      const from = this.#lineStart(entry.from);
      if (this.#text.slice(from, entry.from).trim() !== '') return undefined;
      const end = this.#lineEnd(entry.to);
      splices.push(
        end < this.#text.length
          ? { from, to: this.#text.indexOf('\n', end) + 1, text: '' }
          : { from: Math.max(0, from - this.#eol.length), to: end, text: '' },
      );
    }
    return splices;
  }

  #insert(node: YAMLMap | YAMLSeq, beside: Entry, where: 'before' | 'after', added: string): Splice {
    if (node.flow === true) {
      return where === 'after'
        ? { from: beside.to, to: beside.to, text: `, ${added}` }
        : { from: beside.from, to: beside.from, text: `${added}, ` };
    }
    const indent = ' '.repeat(this.#column(beside.from));
    if (where === 'before') {
      return { from: beside.from, to: beside.from, text: `${added}${this.#eol}${indent}` };
    }
    // Before the next line and not behind this one, which may be taken out.
    const end = this.#text.indexOf('\n', beside.to) + 1;
    return end > 0
      ? { from: end, to: end, text: `${indent}${added}${this.#eol}` }
      : { from: this.#text.length, to: this.#text.length, text: `${this.#eol}${indent}${added}` };
  }

  /** Where a value ends, without the line breaks that belong to it. */
  #end(node: Node): number {
    const [from, to] = node.range ?? [0, 0];
    return from + this.#text.slice(from, to).trimEnd().length;
  }

  #lineStart(offset: number): number {
    return this.#text.lastIndexOf('\n', offset - 1) + 1;
  }

  #lineEnd(offset: number): number {
    const end = this.#text.indexOf('\n', offset);
    if (end < 0) return this.#text.length;
    return this.#text[end - 1] === '\r' ? end - 1 : end;
  }

  #column(offset: number): number {
    return offset - this.#lineStart(offset);
  }
}

function isListOf(value: Plain): value is readonly Plain[] {
  return typeof value === 'object' && isList(value);
}

function quotesOf(node: Node): Quotes {
  if (!isScalar(node)) return 'none';
  return node.type === 'QUOTE_DOUBLE' ? 'double' : node.type === 'QUOTE_SINGLE' ? 'single' : 'none';
}

function equalAt(a: readonly Plain[], b: readonly Plain[], i: number, j: number): boolean {
  const [left, right] = [a[i], b[j]];
  return left !== undefined && right !== undefined && equal(left, right);
}

/** Whether two values are the same data; the order of a map's keys does not count. */
function equal(a: Plain, b: Plain): boolean {
  if (typeof a !== 'object' || typeof b !== 'object') return a === b;
  if (isListOf(a) || isListOf(b)) {
    return isListOf(a) && isListOf(b) && a.length === b.length && a.every((_, at) => equalAt(a, b, at, at));
  }
  const left = entriesOf(a);
  return (
    left.length === entriesOf(b).length &&
    left.every(([key, value]) => {
      const other = Object.hasOwn(b, key) ? b[key] : undefined;
      return other !== undefined && equal(value, other);
    })
  );
}
