import { afterEach, expect, test, vi } from 'vitest';
import { reportBug } from './program.ts';

afterEach(() => vi.unstubAllEnvs());

function told(error: unknown): string {
  const lines: string[] = [];
  expect(reportBug(error, (line) => lines.push(line))).toBe(1);
  return lines.join('\n');
}

test('a bug is a sentence, and no stack', () => {
  const text = told(new TypeError('a is not\na function.'));
  expect(text).toContain('Something went wrong in towline itself: a is not a function. Please report it');
  expect(text).not.toContain('    at ');
  expect(told('thrown text')).toContain('itself: thrown text.');
});

test('TOWLINE_DEBUG=1 shows where', () => {
  vi.stubEnv('TOWLINE_DEBUG', '1');
  expect(told(new Error('oh'))).toContain('    at ');
});
