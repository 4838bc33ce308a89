import fc from 'fast-check';
import { expect, test } from 'vitest';
import { LogPlace } from './log-place.ts';

test('what came of the last second is asked for again, and passed over', () => {
  const place = new LogPlace();
  const take = (at: string, stream: 'stdout' | 'stderr' = 'stdout') => place.take({ at, stream, line: 'x' });
  expect(place.begin()).toBeUndefined();
  expect(take('2026-01-01T00:00:01.000000001Z')).toBe(true);
  expect(take('2026-01-01T00:00:01.900000000Z')).toBe(true);
  // Two of one time, and one of the other stream that is behind.
  expect(take('2026-01-01T00:00:01.9Z')).toBe(true);
  expect(take('2026-01-01T00:00:01.5Z', 'stderr')).toBe(true);

  expect(place.begin()).toBe(1_767_225_601);
  expect(take('2026-01-01T00:00:01.000000001Z')).toBe(false);
  expect(take('2026-01-01T00:00:01.5Z', 'stderr')).toBe(false);
  expect(take('2026-01-01T00:00:01.6Z', 'stderr')).toBe(true);
  expect(take('2026-01-01T00:00:01.9Z')).toBe(false);
  expect(take('2026-01-01T01:00:01.9+01:00')).toBe(false);
  expect(take('2026-01-01T00:00:01.9Z')).toBe(true);
  expect(take('2026-01-01T00:00:02Z')).toBe(true);
  expect(place.begin()).toBe(1_767_225_602);
});

test('whether it moved says that something new came this time', () => {
  const place = new LogPlace();
  const line = { at: '2026-01-01T00:00:01Z', stream: 'stdout', line: 'x' } as const;
  place.begin();
  expect(place.moved).toBe(false);
  place.take(line);
  expect(place.moved).toBe(true);
  place.begin();
  place.take(line);
  expect(place.moved).toBe(false);
  // One without a time is never known to have come.
  expect(place.take({ ...line, at: '' })).toBe(true);
  expect(place.moved).toBe(true);
});

/** What is new once `from` to `to` of these lines came, all of one second, and the whole second is read again with one more. */
function newOnceMore(written: string[], from: number, to: number): string[] {
  const place = new LogPlace();
  const isNew = (line: string) => place.take({ at: '2026-01-01T00:00:01Z', stream: 'stdout', line });
  place.begin();
  expect(written.slice(from, to).every(isNew)).toBe(true);
  expect(place.begin()).toBe(1_767_225_601);
  return [...written, 'one more'].filter(isNew);
}

test('what is older than the first that came is passed over with it, though a time has no more than its second', () => {
  const written = Array.from({ length: 30 }, (_, n) => `line ${n}`);
  for (let from = 0; from < written.length; from++) {
    for (let to = from + 1; to <= written.length; to++) {
      expect(newOnceMore(written, from, to), `${from} to ${to}`).toEqual([...written.slice(to), 'one more']);
    }
  }
});

test('where lines of one second have the same text none is left out', () => {
  const lines = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 40 });
  fc.assert(
    fc.property(lines, fc.nat(), fc.nat(), (written, one, length) => {
      const from = one % written.length;
      const to = from + 1 + (length % (written.length - from));
      const rest = newOnceMore(written, from, to);
      expect(rest.slice(-(written.length + 1 - to))).toEqual([...written.slice(to), 'one more']);
    }),
  );
});
