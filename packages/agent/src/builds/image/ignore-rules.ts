import { posix } from 'node:path';
import { err, type Failure, ok, type Result } from '@towline/core/result';

const SLASH = 0x2f;
const BACKSLASH = '\\';

type Token =
  | { kind: 'char'; code: number }
  /** `?` */
  | { kind: 'any' }
  /** `[a-z]`, `[^a]` */
  | { kind: 'class'; not: boolean; ranges: readonly (readonly [number, number])[] }
  /** `*` */
  | { kind: 'star' }
  /** `**` and what follows: folders and a slash, or what `*` is. */
  | { kind: 'folders' }
  /** `**` at the end */
  | { kind: 'rest' };

interface Rule {
  tokens: readonly Token[];
  exception: boolean;
}

/**
 * What an ignore file leaves out of a context, as the docker command reads it (moby/patternmatcher): the last pattern that matches a
 * path or a folder above it decides.
 *
 * Matched in one pass over the path, whatever the pattern: as regular expressions that go back, `*a*a*a*b` and a long
 * name would hold the agent for good. Docker's do not go back either.
 */
export class IgnoreRules {
  static readonly none = new IgnoreRules([]);
  readonly #rules: readonly Rule[];
  /** Whether a folder that is left out may have files that are not. */
  readonly exceptions: boolean;

  private constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    this.exceptions = rules.some(({ exception }) => exception);
  }

  /** Errors: `ignore-file`, with the line that is no pattern. */
  static read(text: string): Result<IgnoreRules, Failure<'ignore-file'>> {
    const rules: Rule[] = [];
    for (const [at, line] of text.split('\n').entries()) {
      const rule = readRule(line);
      if (rule === 'none') continue;
      if (rule === 'bad') {
        return err({
          code: 'ignore-file',
          message: `Line ${at + 1} of the ignore file (.dockerignore) is no pattern: ${line.trim().slice(0, 200)}\nPut a \\ before a character that is meant as it is.`,
        });
      }
      rules.push(rule);
    }
    return ok(new IgnoreRules(rules));
  }

  /** Whether a path is left out: relative to the context, with slashes. */
  ignores(path: string): boolean {
    if (this.#rules.length === 0) return false;
    const codes = codesOf(path);
    let left = false;
    for (const { tokens, exception } of this.#rules) {
      // One that would change nothing need not be looked at.
      if (exception === left && matches(tokens, codes)) left = !exception;
    }
    return left;
  }
}

/**
 * An ignore file for an engine to read, which may be an old one: there `c++` is a broken regular expression, and nothing
 * at all is left out then. Escaped it is the same to all.
 */
export function forOldEngines(text: string): string {
  return text
    .split('\n')
    .map((line) =>
      line.startsWith('#')
        ? line
        : line.replace(/\\.|[+(){}|]/gu, (part) => (part.length > 1 ? part : `\\${part}`)),
    )
    .join('\n');
}

function codesOf(text: string): number[] {
  return Array.from(text, (char) => char.codePointAt(0) ?? 0);
}

function readRule(line: string): Rule | 'none' | 'bad' {
  if (line.startsWith('#')) return 'none';
  const trimmed = line.trim();
  if (trimmed === '') return 'none';
  const exception = trimmed.startsWith('!');
  const pattern = exception ? trimmed.slice(1).trim() : trimmed;
  if (pattern === '') return 'bad';
  const clean = posix
    .normalize(pattern)
    .replace(/(?<=.)\/$/, '')
    .replace(/^\/(?=.)/, '');
  const tokens = readPattern(Array.from(clean));
  return tokens === undefined ? 'bad' : { tokens, exception };
}

/** Undefined for what is no pattern. */
function readPattern(chars: readonly string[]): Token[] | undefined {
  const tokens: Token[] = [];
  for (let at = 0; at < chars.length; at++) {
    const char = chars[at] ?? '';
    switch (char) {
      case '*': {
        if (chars[at + 1] !== '*') {
          // Several are no more than one.
          if (tokens.at(-1)?.kind !== 'star') tokens.push({ kind: 'star' });
          break;
        }
        at += chars[at + 2] === '/' ? 2 : 1;
        if (at + 1 >= chars.length) tokens.push({ kind: 'rest' });
        // Two are anything, and more than two are no more.
        else if (tokens.slice(-2).filter(({ kind }) => kind === 'folders').length < 2)
          tokens.push({ kind: 'folders' });
        break;
      }
      case '?':
        tokens.push({ kind: 'any' });
        break;
      case '[': {
        const read = readClass(chars, at + 1);
        if (read === undefined) return undefined;
        tokens.push(read.token);
        at = read.end;
        break;
      }
      case BACKSLASH: {
        const escaped = chars[++at];
        if (escaped === undefined) return undefined;
        tokens.push({ kind: 'char', code: codeOf(escaped) });
        break;
      }
      default:
        tokens.push({ kind: 'char', code: codeOf(char) });
    }
  }
  return tokens;
}

/** Reads up to its `]`, which is at `end`. */
function readClass(chars: readonly string[], start: number): { token: Token; end: number } | undefined {
  const not = chars[start] === '^';
  const ranges: [number, number][] = [];
  let at = not ? start + 1 : start;
  const character = (): number | undefined => {
    const char = chars[at];
    if (char === undefined || char === '-' || char === ']') return undefined;
    const taken = char === BACKSLASH ? chars[++at] : char;
    at++;
    return taken === undefined ? undefined : codeOf(taken);
  };
  while (chars[at] !== ']' || ranges.length === 0) {
    const from = character();
    if (from === undefined) return undefined;
    let to: number | undefined = from;
    if (chars[at] === '-') {
      at++;
      to = character();
    }
    if (to === undefined || to < from) return undefined;
    ranges.push([from, to]);
  }
  return { token: { kind: 'class', not, ranges }, end: at };
}

function codeOf(char: string): number {
  return char.codePointAt(0) ?? 0;
}

/**
 * Whether a pattern matches a path, or a folder above it. All ways through the pattern are gone at once: `2 * n` stands
 * for being before token n, `2 * n + 1` for being in the middle of `folders` there, with a slash behind.
 */
function matches(tokens: readonly Token[], codes: readonly number[]): boolean {
  const end = 2 * tokens.length;
  let now = new Set<number>();
  const enter = (states: Set<number>, state: number) => {
    let next = state;
    for (;;) {
      states.add(next);
      const kind = next % 2 === 1 ? undefined : tokens[next / 2]?.kind;
      // These may be nothing.
      if (kind !== 'star' && kind !== 'folders' && kind !== 'rest') return;
      next += 2;
    }
  };
  enter(now, 0);
  for (const code of codes) {
    if (code === SLASH && now.has(end)) return true;
    const next = new Set<number>();
    for (const state of now) {
      const token = tokens[state >> 1];
      if (token === undefined) continue;
      if (token.kind === 'folders') {
        if (code === SLASH) enter(next, state + (state % 2 === 1 ? 1 : 2));
        if (state % 2 === 1 || code === SLASH) next.add(state | 1);
        else enter(next, state);
      } else if (token.kind === 'star' || token.kind === 'rest') {
        if (token.kind === 'rest' || code !== SLASH) enter(next, state);
      } else if (takes(token, code)) enter(next, state + 2);
    }
    if (next.size === 0) return false;
    now = next;
  }
  return now.has(end);
}

function takes(token: Extract<Token, { kind: 'char' | 'any' | 'class' }>, code: number): boolean {
  switch (token.kind) {
    case 'char':
      return code === token.code;
    case 'any':
      return code !== SLASH;
    case 'class':
      return token.ranges.some(([from, to]) => code >= from && code <= to) !== token.not;
  }
}
