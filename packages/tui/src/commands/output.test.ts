import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { jsonText } from './json-text.ts';
import { createOutput } from './output.ts';

function terminal() {
  const stream = Object.assign(new PassThrough(), { isTTY: true });
  return { stream, shown: () => String(stream.read()) };
}

test('a reason of several lines stays several lines on a terminal, and can not drive it', async () => {
  const out = terminal();
  const output = createOutput(out.stream, new PassThrough());
  await output.result('  ERROR  it ended with 1. Its last lines:\none\u001b[2J\n\u009b2Jtwo', 'three');
  expect(out.shown()).toBe('  ERROR  it ended with 1. Its last lines:\none\ntwo\nthree\n');
});

test('JSON can not drive a terminal either, and says the same', () => {
  const value = { text: 'a\u009b2J\u001b[2J\u202eb\u007f\u2028é😀' };
  const text = jsonText(value);
  expect(text).toMatch(/^[ -~é😀]*$/u);
  expect(JSON.parse(text)).toEqual(value);
  expect(jsonText({ a: 1 }, 2)).toBe('{\n  "a": 1\n}');
});
