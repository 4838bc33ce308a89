import { expect, test } from 'vitest';
import { paceProgress } from './pace-progress.ts';

test('the first is told at once, then five a second, and the last is not lost', () => {
  let clock = 0;
  const told: number[] = [];
  const progress = paceProgress(
    (current) => told.push(current),
    () => clock,
  );
  for (let at = 0; at < 1_000; at += 10) {
    clock = at;
    progress.report(at, 1_000, '');
  }
  expect(told).toEqual([0, 200, 400, 600, 800]);
  progress.flush();
  progress.flush();
  expect(told).toEqual([0, 200, 400, 600, 800, 990]);
});
