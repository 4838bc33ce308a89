import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { createPacedStore } from './paced-store.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a burst is told at its start and at its end', () => {
  const paced = createPacedStore(0, 100);
  const told: number[] = [];
  paced.store.subscribe((state) => told.push(state));
  for (let i = 0; i < 50; i++) paced.update((n) => n + 1);
  expect(told).toEqual([1]);
  expect(paced.latest()).toBe(50);
  vi.advanceTimersByTime(100);
  expect(told).toEqual([1, 50]);
});

test('a steady flow is told ten times a second at most', () => {
  const paced = createPacedStore(0, 100);
  let told = 0;
  paced.store.subscribe(() => told++);
  for (let i = 0; i < 1000; i++) {
    paced.update((n) => n + 1);
    vi.advanceTimersByTime(1);
  }
  expect(told).toBeLessThanOrEqual(11);
  expect(told).toBeGreaterThanOrEqual(9);
});

test('after a quiet time the next change is told at once', () => {
  const paced = createPacedStore('a', 100);
  paced.update(() => 'b');
  vi.advanceTimersByTime(150);
  paced.update(() => 'c');
  expect(paced.store.getState()).toBe('c');
});

test('the same state again is no change', () => {
  const state = { n: 1 };
  const paced = createPacedStore(state, 100);
  let told = 0;
  paced.store.subscribe(() => told++);
  paced.update((same) => same);
  paced.flush();
  expect(told).toBe(0);
});
