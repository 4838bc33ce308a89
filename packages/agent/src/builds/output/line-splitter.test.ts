import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineSplitter, MAX_LINE_BYTES } from './line-splitter.ts';

function split(...pieces: Uint8Array[]): [string, string][] {
  const lines: [string, string][] = [];
  const splitter = new LineSplitter((text, end) => lines.push([text, end]));
  for (const piece of pieces) splitter.write(piece);
  splitter.end();
  return lines;
}
const bytes = (text: string) => Buffer.from(text);

test('lines end by a newline, and the last one as it likes', () => {
  expect(split(bytes('one\ntwo\r\n\nthree'))).toEqual([
    ['one', '\n'],
    ['two', '\n'],
    ['', '\n'],
    ['three', ''],
  ]);
});

test('what is drawn over is a line of its own each time', () => {
  expect(split(bytes('10%\r20%\r'), bytes('\n30%\rdone'))).toEqual([
    ['10%', '\r'],
    ['20%', '\n'],
    ['30%', '\r'],
    ['done', ''],
  ]);
});

test('bytes that are no UTF-8 are replaced', () => {
  expect(split(Uint8Array.of(0x61, 0xff, 0x62, 0x0a))).toEqual([['a\ufffdb', '\n']]);
});

test('a line of a megabyte is one line, and one without an end comes in parts', () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  expect(split(bytes(megabyte.slice(9)), bytes(`${megabyte.slice(0, 9)}\n`))).toEqual([[megabyte, '\n']]);
  const lines = split(bytes('ü'.repeat(MAX_LINE_BYTES)));
  expect(lines.map(([text]) => text).join('')).toBe('ü'.repeat(MAX_LINE_BYTES));
  expect(Math.max(...lines.map(([text]) => Buffer.byteLength(text)))).toBeLessThanOrEqual(MAX_LINE_BYTES);
});

test('how the bytes come makes no difference', () => {
  const output = fc.array(fc.constantFrom('a', 'ü', '\n', '\r', '😀', ' '), { maxLength: 40 });
  fc.assert(
    fc.property(output, fc.array(fc.nat(80)), (words, cuts) => {
      const whole = bytes(words.join(''));
      const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = at.slice(1).map((end, index) => Uint8Array.from(whole.subarray(at[index], end)));
      expect(split(...pieces)).toEqual(split(whole));
      const joined = split(whole).map(([text, end]) => text + end);
      expect(joined.join('')).toBe(words.join('').replaceAll('\r\n', '\n'));
    }),
  );
});
