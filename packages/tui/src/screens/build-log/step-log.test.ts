import fc from 'fast-check';
import { expect, test } from 'vitest';
import { lineText } from '../../components/index.ts';
import { lineDown, lineUp, logRows, shownRows } from '../log-view/index.ts';
import {
  entriesCame,
  follow,
  jumpTo,
  type Missing,
  missing,
  moveBy,
  moveTo,
  openStepLog,
  PAGE,
  pageCame,
  partCame,
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

const WRAP = { columns: 203, height: 20, wrap: true };
/** Wide characters and others, so that a part is not as many characters as bytes. */
const LONG = Array.from({ length: 14_000 }, (_, at) => (at % 50 === 0 ? `漢${at}` : `ü${at}`)).join('·');
const BYTES = Buffer.from(LONG);
const HEAD = 65_536;

/** Before `at`, so that no character is cut. */
function whole(at: number): number {
  let start = Math.min(at, BYTES.length);
  while (((BYTES[start] ?? 0) & 0xc0) === 0x80) start -= 1;
  return start;
}

/** A log whose second line is long, with its agent: until nothing is missing. */
function settleLong(log: StepLog): StepLog {
  let now = log;
  for (let asked = 0; asked < 10; asked += 1) {
    const at = missing(now, WRAP);
    if (at === undefined) return now;
    if (at.kind === 'page') throw new Error('all lines are there');
    const [from, to] = [whole(at.at), whole(at.until)];
    const text = BYTES.toString('utf8', from, to);
    const output = to < BYTES.length ? { text, from, next: to } : { text, from };
    now = partCame({ ...now, loading: at }, at, output, WRAP);
    expect(now.open?.parts.reduce((sum, part) => sum + part.raw.length, 0) ?? 0).toBeLessThan(4 * 33 * 1024);
  }
  throw new Error('it asks on and on');
}

function openLong(): StepLog {
  const long = { seq: 2, text: BYTES.toString('utf8', 0, whole(HEAD)), bytes: BYTES.length };
  const others = Array.from({ length: 60 }, (_, at) => ({ seq: at + 3, text: `line ${at + 3}` }));
  return settleLong(entriesCame(openStepLog('build'), [{ seq: 1, text: 'first' }, long, ...others], WRAP));
}

const rowsOf = (log: StepLog) =>
  logRows(textOf(log), { pinned: log.pinned, wanted: '', found: undefined }, WRAP).map((row) =>
    lineText(row).slice(2),
  );

/** Where two texts differ first, with what is around; they are too long to be shown. */
function difference(text: string, expected: string): unknown {
  if (text === expected) return undefined;
  let at = 0;
  while (text[at] === expected[at]) at += 1;
  return { at, is: text.slice(at - 20, at + 20), not: expected.slice(at - 20, at + 20) };
}

test('a long line is read from its beginning to its end, and back, with nothing left out and nothing twice', () => {
  let log = settleLong(moveBy(openLong(), Number.NEGATIVE_INFINITY, WRAP));
  let text = rowsOf(log).join('');
  for (let row = 0; row < 10_000 && log.pinned?.seq !== 4; row += 1) {
    log = settleLong(moveBy(log, 1, WRAP));
    text += rowsOf(log).at(-1);
  }
  expect(difference(text, `first${LONG}line 3line 4`)).toBeUndefined();
  let back = rowsOf(log).join('');
  let top: string | undefined;
  for (let row = 0; row < 10_000 && top !== 'first'; row += 1) {
    log = settleLong(moveBy(log, -1, WRAP));
    top = rowsOf(log)[0];
    back = top + back;
  }
  expect(difference(back, `first${LONG}line 3line 4`)).toBeUndefined();
});

test('the end of a long line is one key away from anywhere in it, and its beginning another', () => {
  const top = settleLong(moveBy(openLong(), Number.NEGATIVE_INFINITY, WRAP));
  const end = settleLong(moveTo(top, lineDown(textOf(top), top.pinned, WRAP)));
  expect(LONG.endsWith(rowsOf(end).slice(1).join(''))).toBe(true);
  const start = settleLong(moveTo(end, lineUp(textOf(end), end.pinned, WRAP)));
  expect(LONG.startsWith(rowsOf(start).join(''))).toBe(true);
  const next = settleLong(moveTo(end, lineDown(textOf(end), end.pinned, WRAP)));
  expect(rowsOf(next).at(-1)).toBe('line 3');
});

test('what is searched for in a long line comes into sight, wherever its agent says that it is', () => {
  for (const wanted of ['ü17·', '漢12000', 'ü13999']) {
    const at = Buffer.byteLength(LONG.slice(0, LONG.indexOf(wanted) + wanted.length));
    const target = { seq: 2, text: wanted, at: at <= HEAD ? undefined : at };
    const found = settleLong(jumpTo(openLong(), target, WRAP));
    expect(found.wanted).toBeUndefined();
    expect(rowsOf(found).join('')).toContain(wanted);
  }
});
