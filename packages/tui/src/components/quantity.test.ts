import { expect, test } from 'vitest';
import { age, bytes, duration, zonedTime } from './quantity.ts';

test.each([
  [-5, '0.0 s'],
  [420, '0.4 s'],
  [9_999, '9.9 s'],
  [12_345, '12 s'],
  [185_000, '3 min 05 s'],
  [7_800_000, '2 h 10 min'],
  [90_000_000, '1 d 1 h'],
])('%i ms take %s', (ms, expected) => {
  expect(duration(ms)).toBe(expected);
});

test.each([
  [0, 'just now'],
  [40_000, '40 s ago'],
  [185_000, '3 min ago'],
  [7_800_000, '2 h ago'],
  [200_000_000, '2 d ago'],
])('%i ms are %s', (ms, expected) => {
  expect(age(ms)).toBe(expected);
});

test.each([
  [0, '0 B'],
  [812, '812 B'],
  [999.6, '1.00 kB'],
  [3_400_000, '3.40 MB'],
  [64_000_000, '64.0 MB'],
  [999_600_000, '1.00 GB'],
])('%d bytes are %s', (count, expected) => {
  expect(bytes(count)).toBe(expected);
});

test('a time that is read elsewhere says its zone', () => {
  expect(zonedTime('2026-11-24T16:05:00.000Z')).toMatch(/^2026-11-2[345] \d\d:\d\d [+-]\d\d:\d\d$/);
  const [, day, time, zone] = /^(\S+) (\S+) (\S+)$/.exec(zonedTime('2026-11-24T16:05:00.000Z')) ?? [];
  expect(new Date(`${day}T${time}:00${zone}`).toISOString()).toBe('2026-11-24T16:05:00.000Z');
  expect(zonedTime('')).toBe('');
});
