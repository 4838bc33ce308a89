import { expect, test } from 'vitest';
import { giveBackMemory } from './give-back.ts';

test('what is needed no more is given back', () => {
  let held = Array.from({ length: 1_000_000 }, (_, at) => ({ at, text: `${at}` }));
  expect(held).toHaveLength(1_000_000);
  const before = process.memoryUsage().heapTotal;
  held = [];
  giveBackMemory();
  expect(process.memoryUsage().heapTotal).toBeLessThan(before - 32 * 1024 ** 2);
});
