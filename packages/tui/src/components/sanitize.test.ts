import fc from 'fast-check';
import { expect, test } from 'vitest';
import { sanitizeLine, sanitizeText } from './sanitize.ts';

test.each([
  ['plain', 'plain'],
  ['\u001b[31mred\u001b[0m', 'red'],
  ['\u001b]0;a title\u0007text', 'text'],
  ['\u001b[2J\u001b[Hcleared', 'cleared'],
  ['a\tb', 'a        b'],
  ['10 %\r50 %\r100 %', '100 %'],
  ['ends so\r', 'ends so'],
  ['bell\u0007 back\bspace', 'bell backspace'],
  ['\u202eturned around', 'turned around'],
  ['漢字 🚀', '漢字 🚀'],
])('%j is shown as %j', (given, expected) => {
  expect(sanitizeLine(given)).toBe(expected);
});

test('nothing that could move the cursor is left of anything', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (given) => {
      expect(/\p{Cc}/u.test(sanitizeLine(given))).toBe(false);
    }),
  );
});

test('the lines of a text stay apart, and each is clean', () => {
  expect(sanitizeText('exit code 3\n\u001b[31mno apples\u001b[0m\r\nno pears')).toBe(
    'exit code 3\nno apples\nno pears',
  );
});
