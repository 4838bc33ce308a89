import { expect, test } from 'vitest';
import { createSlots } from './slots.ts';

test('never more than so many at a time, in order, and a failure gives its place back', async () => {
  const slots = createSlots(2);
  const begun: number[] = [];
  let now = 0;
  let most = 0;
  const work = (at: number) => async () => {
    begun.push(at);
    most = Math.max(most, ++now);
    await Promise.resolve();
    now--;
    if (at === 1) throw new Error('failed');
    return at;
  };
  const ran = await Promise.allSettled(Array.from({ length: 7 }, (_, at) => slots.run(work(at))));
  expect(begun).toEqual([0, 1, 2, 3, 4, 5, 6]);
  expect(most).toBe(2);
  expect(ran.filter(({ status }) => status === 'rejected')).toHaveLength(1);
});
