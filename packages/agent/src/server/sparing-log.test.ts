import { expect, test } from 'vitest';
import { sparingly } from './sparing-log.ts';

test('ten in ten seconds are said, and of the rest how many there were', () => {
  const said: object[] = [];
  let now = 5_000;
  const warn = sparingly({ warn: (fields) => said.push(fields) }, () => now);
  for (let at = 0; at < 25; at++) warn({ at }, 'again');
  expect(said).toEqual(Array.from({ length: 10 }, (_, at) => ({ at })));
  now += 9_999;
  warn({ at: 25 }, 'again');
  expect(said).toHaveLength(10);
  now += 1;
  warn({ at: 26 }, 'again');
  warn({ at: 27 }, 'again');
  expect(said.slice(10)).toEqual([{ at: 26, unsaid: 16 }, { at: 27 }]);
});
