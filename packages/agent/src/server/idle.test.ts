import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchIdle } from './idle.ts';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('idle is what nobody was busy in for long enough, from the last that was', () => {
  let busy = true;
  const onIdle = vi.fn();
  const watch = watchIdle(10, () => busy, onIdle);
  vi.advanceTimersByTime(100_000);
  busy = false;
  watch.look();
  vi.advanceTimersByTime(9_000);
  // Somebody who came and went starts it anew.
  watch.look();
  vi.advanceTimersByTime(9_000);
  expect(onIdle).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1_000);
  expect(onIdle).toHaveBeenCalledTimes(1);
});

test('an agent that nobody ever came to is idle from its start', () => {
  const onIdle = vi.fn();
  watchIdle(10, () => false, onIdle);
  vi.advanceTimersByTime(10_000);
  expect(onIdle).toHaveBeenCalledTimes(1);
});

test('who is busy in the last moment, without a word, is not put out', () => {
  let busy = false;
  const onIdle = vi.fn();
  const watch = watchIdle(10, () => busy, onIdle);
  busy = true;
  vi.advanceTimersByTime(50_000);
  expect(onIdle).not.toHaveBeenCalled();
  watch.stop();
});

test('stopped is stopped', () => {
  const onIdle = vi.fn();
  watchIdle(10, () => false, onIdle).stop();
  vi.advanceTimersByTime(50_000);
  expect(onIdle).not.toHaveBeenCalled();
});
