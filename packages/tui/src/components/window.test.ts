import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clampCursor, scrollTo } from './window.ts';

test('the cursor is in the window, the window in the list', () => {
  fc.assert(
    fc.property(
      fc.nat(50),
      fc.integer(),
      fc.nat(50),
      fc.integer({ min: 1, max: 20 }),
      (top, wanted, count, height) => {
        const cursor = clampCursor(wanted, count);
        const first = scrollTo(top, cursor, count, height);
        expect(cursor).toBeGreaterThanOrEqual(0);
        expect(cursor).toBeLessThan(Math.max(1, count));
        expect(first).toBeGreaterThanOrEqual(0);
        expect(cursor).toBeGreaterThanOrEqual(first);
        expect(cursor).toBeLessThan(first + height);
        expect(first).toBeLessThanOrEqual(Math.max(0, count - height));
      },
    ),
  );
});

test('it moves no more than it must', () => {
  expect(scrollTo(0, 3, 100, 10)).toBe(0);
  expect(scrollTo(0, 10, 100, 10)).toBe(1);
  expect(scrollTo(50, 40, 100, 10)).toBe(40);
  expect(scrollTo(95, 99, 100, 10)).toBe(90);
});
