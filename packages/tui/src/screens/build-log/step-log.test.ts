import fc from 'fast-check';
import { expect, test } from 'vitest';
import { shownRows } from '../log-view/index.ts';
import {
  entriesCame,
  follow,
  jumpTo,
  type Missing,
  missing,
  moveBy,
  openStepLog,
  PAGE,
  pageCame,
  type StepLog,
  textOf,
} from './step-log.ts';

const VIEW = { columns: 80, height: 20, wrap: false };

/** A log of so many lines on its agent. */
function agentOf(total: number, perPage = PAGE) {
  const lines = (from: number, to: number) =>
    Array.from({ length: Math.max(0, to - from + 1) }, (_, at) => ({
      seq: from + at,
      text: `line ${from + at}`,
    }));
  return {
    tail: (count: number) => lines(Math.max(1, total - count + 1), total),
    page(asked: Missing) {
      if (asked.kind === 'part') throw new Error('no line is long');
      const { at } = asked;
      if (at === 'end') return { entries: lines(Math.max(1, total - perPage + 1), total), lines: total };
      const [from, to] =
        'from' in at
          ? [at.from, Math.min(total, at.from + perPage - 1)]
          : [Math.max(1, at.before - perPage), at.before - 1];
      return { entries: lines(from, to), lines: total };
    },
  };
}

/** Asks for pages until none is missing. */
function settle(log: StepLog, agent: ReturnType<typeof agentOf>): StepLog {
  let now = log;
  for (let asked = 0; asked < 50; asked += 1) {
    const at = missing(now, VIEW);
    if (at === undefined) return now;
    now = pageCame({ ...now, loading: at }, agent.page(at), VIEW);
  }
  throw new Error('it asks forever');
}

function inSight(log: StepLog): string[] {
  return shownRows(textOf(log), log.pinned, VIEW).map(
    ({ seq }) => log.window.lines[seq - log.window.first]?.raw ?? '',
  );
}

test('of a million lines the first is one key away, and the last one another', () => {
  const agent = agentOf(1_000_000);
  const opened = entriesCame(openStepLog('build'), agent.tail(1_000), VIEW);
  expect(inSight(opened).at(-1)).toBe('line 1000000');
  const first = settle(moveBy(opened, Number.NEGATIVE_INFINITY, VIEW), agent);
  expect(inSight(first)[0]).toBe('line 1');
  const last = moveBy(first, Number.POSITIVE_INFINITY, VIEW);
  expect([last.attempt, last.pinned]).toEqual([2, undefined]);
});

test('older lines come before one gets to them, and newer ones as well', () => {
  const agent = agentOf(50_000);
  let log = entriesCame(openStepLog('build'), agent.tail(1_000), VIEW);
  for (let page = 0; page < 200; page += 1) log = settle(moveBy(log, -19, VIEW), agent);
  expect(inSight(log).at(-1)).toBe('line 46200');
  for (let page = 0; page < 100; page += 1) log = settle(moveBy(log, 19, VIEW), agent);
  expect(inSight(log).at(-1)).toBe('line 48100');
});

test('what is pinned stays where it is, whatever comes', () => {
  const agent = agentOf(1_000);
  const pinned = moveBy(entriesCame(openStepLog('build'), agent.tail(1_000), VIEW), -50, VIEW);
  const before = inSight(pinned);
  const after = entriesCame(
    pinned,
    Array.from({ length: 30_000 }, (_, at) => ({ seq: 1_001 + at, text: `new ${at}` })),
    VIEW,
  );
  expect(inSight(after)).toEqual(before);
  expect(after.window.total).toBe(31_000);
});

test('a line is found where pages have one line each, because lines are long', () => {
  const agent = agentOf(10_000, 1);
  const log = entriesCame(openStepLog('build'), agent.tail(30), VIEW);
  const found = jumpTo(log, { seq: 5_000, text: '' }, VIEW);
  const at = missing(found, VIEW);
  if (at === undefined) throw new Error('no page is asked for');
  const near = pageCame({ ...found, loading: at }, agent.page(at), VIEW);
  const exact = missing(near, VIEW);
  expect(exact).toEqual({ kind: 'page', at: { from: 5_000 } });
  const there = pageCame(
    { ...near, loading: exact },
    agent.page({ kind: 'page', at: { from: 5_000 } }),
    VIEW,
  );
  expect(there.wanted).toBeUndefined();
  expect(there.window.first).toBe(5_000);
});

test('an agent that has less than it said is not asked forever', () => {
  const log = { ...openStepLog('build'), window: { lines: [], first: 1, total: 100, size: 0 } };
  expect(settle(jumpTo(log, { seq: 70, text: '' }, VIEW), agentOf(0)).wanted).toBeUndefined();
});

test('wherever one goes, lines follow each other and pages end', () => {
  const move = fc.oneof(
    fc.integer({ min: -3_000, max: 3_000 }).map((by) => ({ by })),
    fc.constantFrom({ by: Number.NEGATIVE_INFINITY }, { by: Number.POSITIVE_INFINITY }),
    fc.integer({ min: 1, max: 5_000 }).map((to) => ({ to })),
  );
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5_000 }), fc.array(move, { maxLength: 12 }), (total, moves) => {
      const agent = agentOf(total);
      let log = entriesCame(openStepLog('build'), agent.tail(1_000), VIEW);
      for (const each of moves) {
        log =
          'by' in each
            ? moveBy(log, each.by, VIEW)
            : jumpTo(log, { seq: Math.min(each.to, total), text: '' }, VIEW);
        if (log.stream.state === 'opening') log = entriesCame(log, agent.tail(1_000), VIEW);
        log = settle(log, agent);
        const seen = inSight(log);
        expect(seen.length).toBe(Math.min(VIEW.height, total));
        const start = Number(seen[0]?.slice(5));
        expect(seen).toEqual(seen.map((_, at) => `line ${start + at}`));
        if ('to' in each) expect(seen).toContain(`line ${Math.min(each.to, total)}`);
      }
      expect(follow(log).pinned).toBeUndefined();
    }),
    { numRuns: 60 },
  );
});
