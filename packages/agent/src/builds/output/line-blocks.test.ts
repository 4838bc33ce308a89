import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LineBlocks, MAX_LINE_BYTES } from './line-blocks.ts';

function blocks(...pieces: Uint8Array[]): string[] {
  const texts: string[] = [];
  const output = new LineBlocks((text) => texts.push(text));
  for (const piece of pieces) output.write(piece);
  output.end();
  return texts;
}
const bytes = (text: string) => Buffer.from(text);

test('lines come whole, as many as there are, and the last one as it is', () => {
  expect(blocks(bytes('one\ntwo\r\n\nthr'), bytes('ee'), bytes('\nfour'))).toEqual([
    'one\ntwo\r\n\n',
    'three\n',
    'four',
  ]);
});

test('what will be drawn over comes at once', () => {
  expect(blocks(bytes('10%\r20'), bytes('%\r'), bytes('\ndone'))).toEqual(['10%\r', '20%\r', '\n', 'done']);
});

test('bytes that are no UTF-8 are replaced', () => {
  expect(blocks(Uint8Array.of(0x61, 0xff, 0x62, 0x0a))).toEqual(['a\ufffdb\n']);
});

test('a line of a megabyte is one line, and one without an end comes in parts', () => {
  const megabyte = 'x'.repeat(1024 * 1024);
  expect(blocks(bytes(megabyte.slice(9)), bytes(`${megabyte.slice(0, 9)}\n`))).toEqual([`${megabyte}\n`]);
  const parts = blocks(bytes('ü'.repeat(MAX_LINE_BYTES)), bytes('ü'.repeat(MAX_LINE_BYTES)));
  expect(parts.join('')).toBe('ü'.repeat(2 * MAX_LINE_BYTES));
  expect(Math.max(...parts.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(MAX_LINE_BYTES);
});

test('however the bytes come, they are all there, in whole lines', () => {
  const output = fc.array(fc.constantFrom('a', 'ü', '\n', '\r', '😀', ' '), { maxLength: 40 });
  fc.assert(
    fc.property(output, fc.array(fc.nat(80)), (words, cuts) => {
      const whole = bytes(words.join(''));
      const at = [0, ...cuts.map((cut) => cut % (whole.length + 1)).sort((a, b) => a - b), whole.length];
      const pieces = at.slice(1).map((end, index) => Uint8Array.from(whole.subarray(at[index], end)));
      const texts = blocks(...pieces);
      expect(texts.join('')).toBe(words.join(''));
      for (const text of texts.slice(0, -1)) expect(text).toMatch(/[\n\r]$/);
    }),
  );
});
