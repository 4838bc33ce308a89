import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Pending } from './pending.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function pending() {
  const dropped: string[] = [];
  const list = new Pending({ all: 4, perPeer: 2, timeMs: 100 });
  return { list, dropped, add: (id: string, peer: string) => list.add(id, peer, () => dropped.push(id)) };
}

test('a peer that has too many loses its own oldest', () => {
  const { list, dropped, add } = pending();
  add('x1', 'x');
  add('y1', 'y');
  add('y2', 'y');
  add('y3', 'y');
  expect(dropped).toEqual(['y1']);
  expect(list.size).toBe(3);
});

test('where there are too many in all the oldest goes, and the newest is heard', () => {
  const { list, dropped, add } = pending();
  for (let n = 0; n < 100; n++) add(`c${n}`, `p${n}`);
  expect(list.size).toBe(4);
  expect(dropped).toEqual(Array.from({ length: 96 }, (_, n) => `c${n}`));
});

test('one that takes too long goes; one that was let in stays', () => {
  const { list, dropped, add } = pending();
  add('slow', 'x');
  add('quick', 'y');
  list.done('quick');
  vi.advanceTimersByTime(99);
  expect(dropped).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(dropped).toEqual(['slow']);
  expect(list.size).toBe(0);
});
