import fc from 'fast-check';
import { expect, test } from 'vitest';
import { attemptAfter, type Backoff, LOCAL_BACKOFF, REMOTE_BACKOFF, retryDelay } from './backoff.ts';

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

test.each([
  ['a good connection', 7, 5_000, REMOTE_BACKOFF, 0],
  ['one that broke at once', 7, 10, REMOTE_BACKOFF, 2],
  ['one that broke at once, the first', 0, 10, REMOTE_BACKOFF, 0],
  ['one that broke at once, of this machine', 7, 10, LOCAL_BACKOFF, 4],
])('after %s', (_, attempt, heldMs, backoff, expected) => {
  expect(attemptAfter(attempt, heldMs, backoff)).toBe(expected);
});

/** For how much of an hour there is a connection over a line that is up and down in turn, each for so long, in milliseconds. */
function shareConnected(upMs: number, downMs: number, random: () => number, backoff: Backoff): number {
  const CONNECT_MS = 300;
  const HOUR = 3_600_000;
  let connected = 0;
  let attempt = 0;
  for (let at = 0; at < HOUR; attempt += 1) {
    const phase = at % (upMs + downMs);
    const heldMs = upMs - phase - CONNECT_MS;
    if (heldMs > 0) {
      connected += heldMs;
      at += upMs - phase;
      attempt = attemptAfter(attempt, heldMs, backoff);
    }
    at += retryDelay(attempt, random(), backoff);
  }
  return connected / HOUR;
}

test('over a line that comes and goes there is a connection for much of the time that it is up', () => {
  fc.assert(
    fc.property(fc.noBias(fc.infiniteStream(fc.double({ min: 0, max: 1, noNaN: true }))), (randoms) => {
      const random = () => randoms.next().value ?? 0;
      expect(shareConnected(3_000, 3_000, random, REMOTE_BACKOFF)).toBeGreaterThan(0.08);
      expect(shareConnected(3_000, 10, random, REMOTE_BACKOFF)).toBeGreaterThan(0.2);
    }),
    { numRuns: 30 },
  );
});
