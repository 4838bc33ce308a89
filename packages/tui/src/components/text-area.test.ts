import fc from 'fast-check';
import { expect, test } from 'vitest';
import { areaText, reduceTextArea, type TextAreaAction, textArea, visibleArea } from './text-area.ts';
import { graphemes, textWidth } from './text-width.ts';

const play = (value: string, ...actions: TextAreaAction[]) => actions.reduce(reduceTextArea, textArea(value));

test('lines are broken and joined where the caret is', () => {
  const broken = play('FROM a\nRUN b', { type: 'up' }, { type: 'move', to: 'end' }, { type: 'new-line' });
  expect(broken).toEqual({ lines: ['FROM a', '', 'RUN b'], row: 1, column: 0 });
  expect(areaText(reduceTextArea(broken, { type: 'delete-before' }))).toBe('FROM a\nRUN b');
  expect(areaText(reduceTextArea(broken, { type: 'delete-after' }))).toBe('FROM a\nRUN b');
});

test('what is pasted comes in with all its lines and its tabs, and nothing that controls a terminal', () => {
  const pasted = play('ab', { type: 'move', to: 'left' }, { type: 'insert', text: '1\r\n\t2\u001b[31m\n3' });
  expect(pasted).toEqual({ lines: ['a1', '\t2', '3b'], row: 2, column: 1 });
});

test('the caret goes on over the ends of lines', () => {
  const start = { lines: ['ab', 'c'], row: 1, column: 0 };
  expect(reduceTextArea(start, { type: 'move', to: 'left' })).toMatchObject({ row: 0, column: 2 });
  expect(reduceTextArea({ ...start, row: 0, column: 2 }, { type: 'move', to: 'right' })).toMatchObject({
    row: 1,
    column: 0,
  });
});

test('what a file has of control characters is a mark on the screen, and what it is in the text', () => {
  const area = textArea('a\u001b[2Jb');
  expect(visibleArea(area, 20, 1).rows).toEqual(['a\ufffd[2Jb']);
  expect(areaText(area)).toBe('a\u001b[2Jb');
});

const action: fc.Arbitrary<TextAreaAction> = fc.oneof(
  fc.string({ unit: 'grapheme' }).map((text): TextAreaAction => ({ type: 'insert', text })),
  fc.constantFrom<TextAreaAction>(
    { type: 'new-line' },
    { type: 'up' },
    { type: 'down' },
    { type: 'delete-before' },
    { type: 'delete-after' },
    { type: 'delete-word' },
    { type: 'delete-to-start' },
    { type: 'move', to: 'left' },
    { type: 'move', to: 'right' },
    { type: 'move', to: 'start' },
    { type: 'move', to: 'end' },
    { type: 'insert', text: '漢字\n\tx\n' },
  ),
);

test('whatever is typed, the caret is in the text, and in what is seen of it', () => {
  fc.assert(
    fc.property(
      fc.array(action, { maxLength: 40 }),
      fc.integer({ min: 2, max: 30 }),
      fc.integer({ min: 1, max: 8 }),
      (actions, width, height) => {
        let area = textArea('one\ntwo');
        for (const each of actions) {
          area = reduceTextArea(area, each);
          expect(area.row).toBeLessThan(area.lines.length);
          expect(area.column).toBeLessThanOrEqual(graphemes(area.lines[area.row] ?? '').length);
          const seen = visibleArea(area, width, height);
          expect(seen.rows.length).toBeLessThanOrEqual(height);
          expect(seen.y).toBeLessThan(height);
          expect(seen.x).toBeLessThan(width);
          for (const row of seen.rows) expect(textWidth(row)).toBeLessThanOrEqual(width);
        }
      },
    ),
  );
});
