import { expect, test } from 'vitest';
import { formatTable } from './table.ts';

test('columns are aligned where characters are wide, and foreign text can not drive the terminal', () => {
  const rows = [
    ['網関', 'Running', '1.0'],
    ['cache', 'Stopped\u001b[31m', '2\u0007'],
  ];
  expect(formatTable(['SERVER', 'STATE', 'TAG'], rows)).toEqual([
    'SERVER  STATE    TAG',
    '網関    Running  1.0',
    'cache   Stopped  2',
  ]);
});

test('a table without rows is its header', () => {
  expect(formatTable(['A', 'B'], [])).toEqual(['A  B']);
});
