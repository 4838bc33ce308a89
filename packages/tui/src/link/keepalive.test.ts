import { PassThrough } from 'node:stream';
import * as fc from 'fast-check';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { KEEPALIVE_MS, watchHalfOpen } from './keepalive.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

test('a connection that is gone is found out within ten seconds, whenever it was last heard of, and asked before', () => {
  const moments = fc.array(fc.integer({ min: 1, max: 2 * KEEPALIVE_MS }), { minLength: 1, maxLength: 5 });
  fc.assert(
    fc.property(moments, (pauses) => {
      const stream = new PassThrough();
      const socket = { isPaused: false, ping: vi.fn() };
      let deadAt: number | undefined;
      const watch = watchHalfOpen(
        socket,
        stream,
        () => {
          deadAt = Date.now();
        },
        KEEPALIVE_MS,
      );
      for (const pause of pauses) {
        vi.advanceTimersByTime(pause);
        expect(deadAt).toBeUndefined();
        stream.emit('data', Buffer.from('.'));
      }
      const heardAt = Date.now();
      socket.ping.mockClear();
      vi.advanceTimersByTime(60_000);
      expect(socket.ping).toHaveBeenCalledOnce();
      expect((deadAt ?? Number.POSITIVE_INFINITY) - heardAt).toBeLessThanOrEqual(10_000);
      watch.end();
    }),
  );
});

test('one that is held back here, or answers, is not gone', () => {
  const stream = new PassThrough();
  const onDead = vi.fn();
  const socket = { isPaused: true, ping: () => void stream.emit('data', Buffer.from('.')) };
  const watch = watchHalfOpen(socket, stream, onDead, KEEPALIVE_MS);
  vi.advanceTimersByTime(60_000);
  socket.isPaused = false;
  vi.advanceTimersByTime(60_000);
  expect(onDead).not.toHaveBeenCalled();
  watch.end();
});
