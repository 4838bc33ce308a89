import {
  type Document,
  isAlias,
  isMap,
  isPair,
  isScalar,
  isSeq,
  LineCounter,
  type Pair,
  parseDocument,
  type YAMLMap,
} from 'yaml';
import type { MapProblem } from './map-file.ts';
import { formatPath, type SourcePath } from './source-path.ts';

/** The text of a map file, parsed as YAML. */
export interface Source {
  /** As plain data; aliases and merge keys are resolved. */
  value: unknown;
  /** Line and column, from 1, of the value at a path, or of its key; of the nearest thing around it where there is none. */
  locate(path: SourcePath, what: 'key' | 'value'): { line: number; column: number };
}

/** Deeper than any map file; a parser that goes down with the text needs an end. */
const MAX_DEPTH = 50;
/** Aliases are for a few shared settings. More of them than this multiply a text until it is too much for any reader. */
const MAX_ALIASES = 100;

/**
 * Parses the text of a map file. Problems are those of YAML itself: syntax, keys that come twice, tags, anchors that lead
 * nowhere or to too much, more than one document, too deep a nesting.
 */
export function parseSource(text: string): { source: Source } | { problems: MapProblem[] } {
  const lines = new LineCounter();
  const position = (offset: number) => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  // A stack that is full can be told by nothing but its exception; so nesting is looked at before it is parsed.
  const deep = tooDeepAt(text);
  if (deep !== undefined) return { problems: [{ ...lineOf(text, deep), ...TOO_DEEP }] };

  const document = parseDocument(text, {
    lineCounter: lines,
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    // Looked at below: the library compares every key with every other.
    uniqueKeys: false,
  });
  const problems: MapProblem[] = [...document.errors, ...document.warnings].map((error) => ({
    ...position(error.pos[0]),
    path: '',
    ...describeSyntax(error.code, error.message),
  }));
  if (problems.length > 0) return { problems };
  problems.push(...checkNodes(document, position));
  if (problems.length > 0) return { problems };
  try {
    const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
    const pairs = pairFinder();
    return { source: { value, locate: (path, what) => position(offsetOf(document, pairs, path, what)) } };
  } catch (error) {
    // The library's only way to say that aliases multiply without bound.
    if (!(error instanceof ReferenceError)) throw error;
    return { problems: [TOO_MANY_ALIASES] };
  }
}

const TOO_DEEP = {
  path: '',
  message: 'it is nested too deeply',
  expected: `at most ${MAX_DEPTH} levels`,
};

const TOO_MANY_ALIASES: MapProblem = {
  line: 1,
  column: 1,
  path: '',
  message: 'its aliases (*name) multiply it beyond measure',
  expected: `at most ${MAX_ALIASES} aliases`,
};

/**
 * Where brackets, or indicators in front of a line (`- - - -`), open more levels than a parser's stack has. Those in
 * quotes and comments count as well, but nothing that people write leaves as many open. Levels by indentation cost a
 * line each, and a file within its limit can't have too many.
 */
function tooDeepAt(text: string): number | undefined {
  const compact = COMPACT_LEVELS.exec(text);
  if (compact !== null) return compact.index;
  let open = 0;
  for (const { 0: bracket, index } of text.matchAll(/[[\]{}]/g)) {
    open = bracket === '[' || bracket === '{' ? open + 1 : Math.max(0, open - 1);
    if (open > MAX_OPEN) return index;
  }
  return undefined;
}

const MAX_OPEN = 500;
const COMPACT_LEVELS = /^[ \t]*(?:[-?:][ \t]+){100}/m;

function lineOf(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: (before.at(-1) ?? '').length + 1 };
}

function describeSyntax(code: string, message: string): { message: string; expected: string } {
  // The parser's stack was full before the text was at its end: it says so as an error of the text.
  if (message.includes('call stack')) return { message: TOO_DEEP.message, expected: TOO_DEEP.expected };
  switch (code) {
    case 'TAB_AS_INDENT':
      return { message: 'a tab is used for indentation', expected: 'spaces' };
    case 'MULTIPLE_DOCS':
      return { message: 'a second document begins here', expected: 'one document' };
    case 'TAG_RESOLVE_FAILED':
      return { message: `${lowerFirst(message)}`, expected: 'plain values, without tags' };
    case 'NON_STRING_KEY':
      return { message: 'a key is no text', expected: 'text; put quotes around a number' };
    default:
      return { message: lowerFirst(message.replace(/\.$/, '')), expected: 'YAML that parses' };
  }
}

function lowerFirst(text: string): string {
  return text.charAt(0).toLowerCase() + text.slice(1);
}

type Position = (offset: number) => { line: number; column: number };

/** Keys that come twice, aliases to nothing, and nesting that the parser took and the readers after it would not. */
function checkNodes(document: Document, position: Position): MapProblem[] {
  const problems: MapProblem[] = [];
  let aliases = 0;
  const walk = (node: unknown, path: SourcePath): void => {
    const at = offsetOfNode(node) ?? 0;
    if (path.length > MAX_DEPTH) {
      problems.push({ ...position(at), ...TOO_DEEP, path: formatPath(path) });
    } else if (isAlias(node)) {
      // Each one is looked for in the whole text, so there is an end to it.
      if (++aliases > MAX_ALIASES) return;
      if (node.resolve(document) !== undefined) return;
      problems.push({
        ...position(at),
        path: formatPath(path),
        message: `there is no anchor "&${node.source}" before this`,
        expected: 'an alias to something that stands before it',
      });
    } else if (isSeq(node)) {
      for (const [index, item] of node.items.entries()) walk(item, [...path, index]);
    } else if (isMap(node)) {
      const seen = new Map<string, number>();
      for (const pair of node.items) {
        const key = keyOf(pair);
        const offset = offsetOfNode(pair.key) ?? at;
        const first = seen.get(key);
        if (key === '__proto__' || key === '') {
          problems.push({
            ...position(offset),
            path: formatPath(path),
            message: key === '' ? 'a key is empty' : `"${key}" can't be a key`,
            expected: 'a name',
          });
        } else if (first !== undefined) {
          problems.push({
            ...position(offset),
            path: formatPath([...path, key]),
            message: `the key "${key}" is there twice`,
            expected: `it once; it is on line ${position(first).line} already`,
          });
        } else {
          seen.set(key, offset);
        }
        if (key === '<<' && !isMergeable(document, pair.value)) {
          problems.push({
            ...position(offset),
            path: formatPath(path),
            message: 'what << merges is no map',
            expected: 'a map, an alias of one, or a list of those',
          });
        }
        walk(pair.value, [...path, key]);
      }
    }
  };
  walk(document.contents, []);
  return aliases > MAX_ALIASES ? [...problems, TOO_MANY_ALIASES] : problems;
}

function isMergeable(document: Document, node: unknown): boolean {
  const source = isAlias(node) ? node.resolve(document) : node;
  return (
    isMap(source) ||
    (isSeq(source) && source.items.every((item) => isMap(isAlias(item) ? item.resolve(document) : item)))
  );
}

type PairFinder = (map: YAMLMap, key: string) => Pair | undefined;

/** Finds a map's pair by its key. It remembers: a file of nothing but unknown keys has a problem for each. */
function pairFinder(): PairFinder {
  const known = new Map<YAMLMap, Map<string, Pair>>();
  return (map, key) => {
    const pairs = known.get(map) ?? new Map(map.items.map((pair) => [keyOf(pair), pair]));
    known.set(map, pairs);
    return pairs.get(key);
  };
}

function offsetOf(document: Document, find: PairFinder, path: SourcePath, what: 'key' | 'value'): number {
  let node: unknown = document.contents;
  let offset = offsetOfNode(node) ?? 0;
  for (const [depth, step] of path.entries()) {
    if (isAlias(node)) node = node.resolve(document);
    if (isSeq(node) && typeof step === 'number') {
      node = node.items[step];
      offset = offsetOfNode(node) ?? offset;
    } else if (isMap(node)) {
      const pair = find(node, String(step));
      if (pair === undefined) return offset;
      const keyOffset = offsetOfNode(pair.key) ?? offset;
      const isLast = depth === path.length - 1;
      node = pair.value;
      // A value that is not there has the place of the next thing in the text.
      const empty = isScalar(node) && node.value === null && (node.source ?? '') === '';
      offset = (isLast && what === 'key') || empty ? keyOffset : (offsetOfNode(node) ?? keyOffset);
    } else {
      return offset;
    }
  }
  return offset;
}

function keyOf(pair: unknown): string {
  if (!isPair(pair)) return '';
  return isScalar(pair.key) ? String(pair.key.value ?? '') : String(pair.key ?? '');
}

function offsetOfNode(node: unknown): number | undefined {
  if (isScalar(node) || isMap(node) || isSeq(node) || isAlias(node)) return node.range?.[0];
  return undefined;
}
