import { expect, test } from 'vitest';
import { LastLines } from './last-lines.ts';

function last(most: number, ...texts: string[]): readonly string[] {
  const lines = new LastLines(most);
  for (const text of texts) lines.add(text);
  return lines.lines;
}

test('the last ones are kept, however they come', () => {
  expect(last(2, 'a\nb\nc\nd\n')).toEqual(['c', 'd']);
  expect(last(3, 'a\nb\n', 'c\n', 'd\n')).toEqual(['b', 'c', 'd']);
  expect(last(2, 'a\nb', 'c\nd')).toEqual(['bc', 'd']);
  expect(last(2)).toEqual([]);
});

test('empty lines do not count', () => {
  expect(last(2, 'a\n\nb\n\n', '\n', ' \n')).toEqual(['a', 'b']);
});

test('of a progress bar it is what was last to be seen', () => {
  expect(last(3, 'one\n10%\r20%\r\nwindows\r\n30%\r', '40%\r')).toEqual(['20%', 'windows', '40%']);
});

test('what would drive a terminal is not in them', () => {
  const lines = last(
    3,
    '\u001b[2J\u001b]0;title\u0007one\n',
    '\u001b[1mtwX\bo\u001b[0m\u009b2J\n',
    '\u001b[?2004h\n',
  );
  expect(lines).toEqual(['one', 'two2J']);
});

test('a long line is cut', () => {
  expect(last(1, `${'x'.repeat(1_000)}\n`)).toEqual([`${'x'.repeat(400)}…`]);
  expect(last(1, 'x'.repeat(1_000))).toEqual([`${'x'.repeat(400)}…`]);
});
