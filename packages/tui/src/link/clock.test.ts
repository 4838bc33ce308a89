import fc from 'fast-check';
import { expect, test } from 'vitest';
import { clockAhead } from './clock.ts';

test('a clock that is right is never said to be off, however long the answer takes', () => {
  fc.assert(
    fc.property(fc.nat(), fc.nat(60_000), fc.nat(60_000), (askedAt, there, back) => {
      expect(clockAhead(askedAt + there, { askedAt, answeredAt: askedAt + there + back })).toBe(0);
    }),
  );
});

test('one that is off is said to be so by no more than it is, and by no less than that without the time on the way', () => {
  fc.assert(
    fc.property(
      fc.nat(),
      fc.nat(60_000),
      fc.nat(60_000),
      fc.integer({ min: -1e9, max: 1e9 }),
      (askedAt, there, back, off) => {
        const ahead = clockAhead(askedAt + there + off, { askedAt, answeredAt: askedAt + there + back });
        expect(Math.sign(ahead) * Math.sign(off)).toBeGreaterThanOrEqual(0);
        expect(Math.abs(ahead)).toBeLessThanOrEqual(Math.abs(off));
        expect(Math.abs(ahead)).toBeGreaterThanOrEqual(Math.abs(off) - there - back);
      },
    ),
  );
});
