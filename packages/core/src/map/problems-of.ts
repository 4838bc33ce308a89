import type * as z from 'zod';
import { KEY_SEPARATOR } from './expecting.ts';
import { didYouMean, nearest } from './nearest.ts';
import type { SourcePath } from './source-path.ts';

/** What is wrong with a value, before it is known where in the text it is. */
export interface Problem {
  path: SourcePath;
  /** Whether it is about the key at the end of the path, or about the value. */
  about: 'key' | 'value';
  message: string;
  expected: string;
  /** For an unknown key: the known one that was probably meant. */
  meant?: string | undefined;
}

/**
 * The issues of a schema made with `expecting.ts` as problems: what was found, and what was expected. `value` is what was
 * checked.
 */
export function problemsOf(issues: readonly z.core.$ZodIssue[], value: unknown): Problem[] {
  const problems = issues.flatMap((issue) => problemsOfIssue(issue, [], value));
  // A mistyped key is one problem, and not also one of what is missing because of it.
  const typos = new Set(
    problems.flatMap(({ meant, path }) =>
      meant === undefined ? [] : [pathKey([...path.slice(0, -1), meant]), pathKey(path.slice(0, -1))],
    ),
  );
  return problems.filter(({ path, about }) => about === 'key' || !typos.has(pathKey(path)));
}

function pathKey(path: SourcePath): string {
  return JSON.stringify(path.map(String));
}

function problemsOfIssue(issue: z.core.$ZodIssue, base: SourcePath, value: unknown): Problem[] {
  const path = [...base, ...issue.path];
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = issue.message.split(KEY_SEPARATOR);
      return issue.keys.map((key) => ({
        path: [...path, key],
        about: 'key',
        message: `unknown key "${shorten(key)}"${didYouMean(key, known)}`,
        expected: `one of ${issue.message}`,
        meant: nearest(key, known),
      }));
    }
    case 'invalid_key':
      return [
        {
          path,
          about: 'key',
          message: `"${shorten(String(path.at(-1)))}" can't be a key here`,
          expected: issue.issues[0]?.message ?? issue.message,
        },
      ];
    case 'invalid_union': {
      // The form that was meant is the one that is wrong inside only.
      const meant = issue.errors.find(
        (errors) =>
          errors.length > 0 &&
          !errors.some((error) => error.path.length === 0 && error.code === 'invalid_type'),
      );
      if (meant !== undefined) return meant.flatMap((error) => problemsOfIssue(error, path, value));
      break;
    }
    default:
      break;
  }
  const found = valueAt(value, path);
  if (found !== undefined || path.length === 0) {
    return [{ path, about: 'value', message: `found ${describe(found)}`, expected: issue.message }];
  }
  return [
    { path, about: 'value', message: `the key "${String(path.at(-1))}" is missing`, expected: issue.message },
  ];
}

/** What stands at a path; undefined where nothing does. */
function valueAt(value: unknown, path: SourcePath): unknown {
  let found = value;
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined;
    found = Reflect.get(found, step);
  }
  return found;
}

/** A value as people would call it: `the number 5`, `a list`, `"abc"`. */
function describe(value: unknown): string {
  if (value === null || value === undefined) return 'nothing';
  if (Array.isArray(value)) return value.length === 0 ? 'an empty list' : 'a list';
  switch (typeof value) {
    case 'string':
      return value === '' ? 'an empty text' : `"${shorten(value)}"`;
    case 'number':
    case 'bigint':
      return `the number ${value}`;
    case 'boolean':
      return `${value}`;
    default:
      return Object.keys(value).length === 0 ? 'an empty map' : 'a map';
  }
}

/** On one line, not longer than people read, and without the password or token of a URL: it would end in a log. */
export function shorten(text: string): string {
  const line = text
    .replace(/\s+/g, ' ')
    .replace(/(\/\/[^/@:]*):.*@/g, '$1:…@')
    // git's short form of ssh has none of it either.
    .replace(/^([^/@:]+):[^/@]*@/, '$1:…@')
    // An agent's own, which somebody put where its file belongs.
    .replace(/towline_[\w-]+/g, 'towline_…')
    // A user alone may be a token.
    .replace(/(https?:\/\/)[^/@:]*@/gi, '$1…@');
  return line.length > 60 ? `${line.slice(0, 60)}…` : line;
}
