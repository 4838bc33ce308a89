import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Line, lineText, lineWidth } from '../../components/index.ts';
import { type LogLook, logRows } from './log-rows.ts';
import { appendEntries, EMPTY_WINDOW } from './log-window.ts';
import { movePlace, placeInMiddle } from './moves.ts';
import type { LogText, OpenLine } from './pieces.ts';
import { endOfLine, type LogView, type Place, shownRows } from './rows.ts';

const LOOK: LogLook = { pinned: undefined, wanted: '', found: undefined };
const VIEW: LogView = { columns: 23, height: 6, wrap: false };
const WRAP: LogView = { ...VIEW, wrap: true };

function textOf(lines: readonly string[], open?: OpenLine, bytes?: number): LogText {
  const entries = lines.map((text, at) => ({ seq: at + 1, text, ...(open?.seq === at + 1 && { bytes }) }));
  return { window: appendEntries(EMPTY_WINDOW, entries, undefined), open, more: true };
}

const texts = (rows: readonly Line[]) => rows.map((row) => lineText(row));

test('what was painted is painted, no further than its line, and what was searched for in our own colour', () => {
  const text = textOf(['a \u001b[31mred one', 'plain', 'a \u001b[32mgreen\u001b[0m one']);
  const rows = logRows(text, { ...LOOK, wanted: 'NE', found: 3 }, VIEW);
  expect(rows[0]?.spans.slice(1)).toEqual([
    { text: 'a ', tone: 'plain' },
    { text: 'red o', tone: 'plain', look: { foreground: 1 } },
    { text: 'ne', tone: 'armed' },
  ]);
  expect(rows[1]?.spans.slice(1)).toEqual([{ text: 'plain', tone: 'plain' }]);
  // Under the cursor its own colours are none.
  expect(rows[2]?.selected).toBe(true);
  expect(rows[2]?.spans.every(({ look }) => look === undefined)).toBe(true);
});

test('a wrapped line keeps every character, in its colour, and what is searched for across two rows', () => {
  const text = textOf(['    a\u001b[31m line of several rows, and']);
  const rows = logRows(text, { ...LOOK, wanted: 'several', found: 1 }, WRAP);
  expect(texts(rows)).toEqual(['▸     a line of severa', '▸ l rows, and']);
  const across = logRows(text, { ...LOOK, wanted: 'several rows', found: 1 }, WRAP);
  expect(
    across.map(({ spans }) => spans.filter(({ tone }) => tone === 'armed').map((hit) => hit.text)),
  ).toEqual([['severa'], ['l rows']]);
  expect(across.map(({ selected }) => selected)).toEqual([true, true]);
});

test('a line that is not wrapped says how long it is, and is shown where something was found in it', () => {
  const open = {
    seq: 1,
    parts: [{ from: 90_000, to: 90_100, raw: `${'y'.repeat(50)}needle${'y'.repeat(44)}` }],
  };
  const text = textOf(['x'.repeat(65_536), 'short', `${'z'.repeat(60)}needle`], open, 1_000_000);
  const at = logRows(text, { ...LOOK, wanted: 'needle', found: 1 }, { ...VIEW, columns: 53 });
  expect(lineText(at[0] ?? { spans: [], selected: false })).toMatch(/^▸ …y+needley*… 1,000,000 bytes$/);
  const rows = texts(logRows(text, { ...LOOK, wanted: 'needle', found: 3 }, { ...VIEW, columns: 53 }));
  expect(rows[0]).toMatch(/^ {2}x+… 1,000,000 bytes$/);
  expect(rows[2]).toMatch(/^▸ …z+needle$/);
});

test('what is not there of a long line is said, and is not passed', () => {
  const open = { seq: 2, parts: [{ from: 80_000, to: 80_200, raw: 'p'.repeat(200) }] };
  const text = textOf(['one', 'x'.repeat(65_536), 'last'], open, 100_000);
  const beginning = placeInMiddle(text, 2, { seq: 2, byte: 0, character: 65_000 }, WRAP);
  const down = movePlace(text, beginning, 50, WRAP);
  expect(texts(logRows(text, { ...LOOK, pinned: down }, WRAP)).at(-1)).toBe(
    '  ⋯ 14,464 more bytes of this line',
  );
  // It is on its way: then it goes on.
  expect(movePlace(text, down, 1, WRAP)).toEqual(down);
  const up = movePlace(text, endOfLine(3), -50, WRAP);
  expect(texts(logRows(text, { ...LOOK, pinned: up }, WRAP))[0]).toBe('  ⋯ 14,464 more bytes of this line');
});

const line = fc.oneof(
  fc.string({ maxLength: 90 }),
  fc.string({ unit: 'grapheme', maxLength: 60 }),
  fc
    .array(fc.constantFrom('\u001b[31m', '漢字', 'word ', '\t', '\u001b[0;44m'), { maxLength: 30 })
    .map((of) => of.join('')),
);

test('whatever is wrapped where: the rows of the screen are those of the log, and moves go there and back', () => {
  fc.assert(
    fc.property(
      fc.array(line, { minLength: 1, maxLength: 12 }),
      fc.integer({ min: 8, max: 60 }),
      fc.integer({ min: 1, max: 9 }),
      fc.array(fc.integer({ min: -9, max: 9 }), { maxLength: 12 }),
      (lines, columns, height, moves) => {
        const text = textOf(lines);
        const view = { columns, height, wrap: true };
        const all = texts(logRows(text, LOOK, { ...view, height: 10_000 }));
        let pinned: Place | undefined;
        let last = all.length - 1;
        for (const by of moves) {
          pinned = movePlace(text, pinned, by, view);
          last = Math.min(all.length - 1, Math.max(Math.min(height, all.length) - 1, last + by));
          const rows = logRows(text, { ...LOOK, pinned }, view);
          expect(texts(rows)).toEqual(all.slice(Math.max(0, last + 1 - height), last + 1));
          for (const row of rows) expect(lineWidth(row)).toBeLessThanOrEqual(columns);
        }
        expect(shownRows(text, pinned, view).length).toBe(Math.min(height, all.length));
      },
    ),
  );
});
