import { expect, test } from 'vitest';
import { matchesPattern, matchesPatternList } from './pattern.ts';

test.each([
  ['web-1', 'web-1', true],
  ['web-1', 'web-10', false],
  ['web-?', 'web-1', true],
  ['web-?', 'web-', false],
  ['*', '', true],
  ['*.example.com', 'a.b.example.com', true],
  ['*.example.com', 'example.com', false],
  ['a*b*c', 'a-b-b-c', true],
  ['a*b*c', 'a-b-b-d', false],
  ['10.0.[0-9].1', '10.0.3.1', false],
  ['', 'x', false],
])('%s against %s: %s', (pattern, text, expected) => {
  expect(matchesPattern(pattern, text)).toBe(expected);
});

test.each([
  [['*', '!web-1'], 'web-1', false],
  [['!web-1', '*'], 'web-1', false],
  [['!web-1'], 'web-2', false],
  [['a', 'b'], 'b', true],
])('%j against %s: %s', (patterns, text, expected) => {
  expect(matchesPatternList(patterns, text)).toBe(expected);
});
