import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LOCAL_BACKOFF, retryDelay } from './backoff.ts';

test.each([
  [0, 1, 100],
  [0, 0, 50],
  [1, 1, 200],
  [4, 1, 1600],
  [5, 1, 2000],
  [5_000, 1, 2000],
])('try %i with %d waits %i ms', (attempt, random, expected) => {
  expect(retryDelay(attempt, random, LOCAL_BACKOFF)).toBe(expected);
});

test('it is never below half the first and never above the cap', () => {
  fc.assert(
    fc.property(fc.nat(), fc.double({ min: 0, max: 1, noNaN: true }), (attempt, random) => {
      const delay = retryDelay(attempt, random, LOCAL_BACKOFF);
      return delay >= 50 && delay <= 2000;
    }),
  );
});
