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
