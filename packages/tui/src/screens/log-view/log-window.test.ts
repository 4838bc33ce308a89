import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  appendEntries,
  EMPTY_WINDOW,
  endOf,
  findInWindow,
  LINE_CAPACITY,
  type LogEntry,
  type LogWindow,
  putPage,
} from './log-window.ts';

function entries(from: number, count: number): LogEntry[] {
  return Array.from({ length: count }, (_, at) => ({ seq: from + at, text: `line ${from + at}` }));
}

const small = { lines: 6, size: 1_000 };

test('while it follows it keeps the newest, and their numbers', () => {
  const window = appendEntries(
    appendEntries(EMPTY_WINDOW, entries(1, 4), undefined, small),
    entries(5, 4),
    undefined,
    small,
  );
  expect(window.lines.map(({ raw }) => raw)).toEqual([3, 4, 5, 6, 7, 8].map((seq) => `line ${seq}`));
  expect([window.first, endOf(window), window.total]).toEqual([3, 8, 8]);
});

test('what a pinned view shows is not dropped for what is new', () => {
  const pinned = appendEntries(
    appendEntries(EMPTY_WINDOW, entries(1, 4), undefined, small),
    entries(5, 90),
    2,
    small,
  );
  expect([pinned.first, endOf(pinned), pinned.total]).toEqual([2, 7, 94]);
});

test('after a gap a pinned view goes on by pages, and one that follows has the newest', () => {
  const window = appendEntries(EMPTY_WINDOW, entries(1, 3), undefined, small);
  expect(appendEntries(window, entries(100, 2), 1, small)).toEqual({ ...window, total: 101 });
  expect(appendEntries(window, entries(100, 2), undefined, small).first).toBe(100);
});

test('a line is cut where it is too long, and says how long it is', () => {
  const [long, cut, short] = appendEntries(
    EMPTY_WINDOW,
    [
      { seq: 1, text: 'é'.repeat(1_000_000) },
      { seq: 2, text: 'y', bytes: 1_048_576 },
      { seq: 3, text: 'z', stream: 'stderr' },
    ],
    undefined,
  ).lines;
  expect(long?.raw).toBe('é'.repeat(LINE_CAPACITY));
  expect(long?.cut).toEqual({ at: 2 * LINE_CAPACITY, bytes: 2_000_000 });
  expect(cut?.cut).toEqual({ at: LINE_CAPACITY, bytes: 1_048_576 });
  expect(short).toEqual({ raw: 'z', stderr: true });
});

test('whatever comes, what is kept follows each other, is bounded, and is what was told', () => {
  const step = fc.oneof(
    fc.record({ type: fc.constant('live' as const), count: fc.nat(12), gap: fc.nat(3), pin: fc.boolean() }),
    fc.record({
      type: fc.constant('page' as const),
      from: fc.integer({ min: 1, max: 60 }),
      count: fc.nat(12),
    }),
  );
  fc.assert(
    fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 15 }), (steps, lines) => {
      let window: LogWindow = EMPTY_WINDOW;
      let told = 0;
      for (const each of steps) {
        if (each.type === 'live') {
          const from = told + 1 + (each.gap === 3 ? 5 : 0);
          if (each.count > 0) told = from + each.count - 1;
          const shown = each.pin && window.lines.length > 0 ? window.first : undefined;
          window = appendEntries(window, entries(from, each.count), shown, { lines, size: 200 });
        } else {
          told = Math.max(told, each.from + each.count - 1);
          window = putPage(window, entries(each.from, each.count), told, { lines, size: 200 });
        }
        expect(window.lines.length).toBeLessThanOrEqual(lines);
        expect(window.lines.map(({ raw }) => raw)).toEqual(
          window.lines.map((_, at) => `line ${window.first + at}`),
        );
        expect(window.size).toBe(window.lines.reduce((sum, { raw }) => sum + raw.length, 0));
        expect(window.total).toBeGreaterThanOrEqual(endOf(window));
      }
    }),
  );
});

test('a text is found from a line on, or back from it', () => {
  const window = putPage(EMPTY_WINDOW, entries(10, 20), 100);
  expect(findInWindow(window, 'LINE 1', 11, 'forward')).toBe(11);
  expect(findInWindow(window, 'line 12', 13, 'forward')).toBeUndefined();
  expect(findInWindow(window, 'line 12', 29, 'backward')).toBe(12);
  expect(findInWindow(window, 'line', 9, 'backward')).toBeUndefined();
  expect(findInWindow(window, 'line', 30, 'forward')).toBeUndefined();
});
