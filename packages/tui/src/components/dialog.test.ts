import { expect, test } from 'vitest';
import { buttons, drawDialog } from './dialog.ts';
import { line, lineText, lineWidth } from './line.ts';

test('beside a dialog nothing of the screen under it is left', () => {
  const under = Array.from({ length: 9 }, () => line('table '.repeat(14).slice(0, 80)));
  const { lines } = drawDialog(under, { title: 'Execute web', body: [line('gateway')] }, 80);
  const over = lines.map(lineText).filter((text) => /[╭│╰]/.test(text));
  expect(over.length).toBe(3);
  for (const text of over) expect(text).not.toContain('table');
  expect(lines.map(lineWidth)).toEqual(under.map(() => 80));
  expect(lineText(lines[0] ?? line())).toContain('table');
});

test('the marked button has a pointer and brackets, the other neither', () => {
  expect(lineText(buttons(['Cancel', 'Execute'], 0))).toBe('▸ [ Cancel ]      Execute  ');
  expect(lineText(buttons(['Cancel', 'Execute'], 1))).toBe('    Cancel    ▸ [ Execute ]');
});
