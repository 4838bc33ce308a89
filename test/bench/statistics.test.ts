import { expect, test } from 'vitest';
import { compare, summarise } from './statistics.ts';

test('a summary is of the sorted samples, between them where it has to be', () => {
  expect(summarise([4, 1, 3, 2])).toEqual({
    count: 4,
    median: 2.5,
    low: 1.75,
    high: 3.25,
    p99: expect.closeTo(3.97, 9),
    max: 4,
  });
  expect(summarise([7])).toEqual({ count: 1, median: 7, low: 7, high: 7, p99: 7, max: 7 });
  expect(() => summarise([])).toThrow('nothing');
});

test('a comparison is by round, so that a slow moment of the machine counts for both', () => {
  expect(compare([110, 210, 910], [100, 200, 900])).toEqual({ ratio: 1.05, difference: 10 });
  expect(() => compare([1], [1, 2])).toThrow('rounds');
});
