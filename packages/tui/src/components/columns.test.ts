import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Column, fitColumns } from './columns.ts';

const column = fc.record(
  { ideal: fc.nat(40), min: fc.nat(12), leaves: fc.nat(3) },
  { requiredKeys: ['ideal', 'min'] },
);

test('all are as wide as they like where there is room', () => {
  expect(
    fitColumns(
      [
        { ideal: 5, min: 2 },
        { ideal: 0, min: 2 },
        { ideal: 7, min: 2 },
      ],
      20,
      2,
    ),
  ).toEqual([5, 0, 7]);
});

test('the widest gives way first, and none below its least', () => {
  expect(
    fitColumns(
      [
        { ideal: 20, min: 4 },
        { ideal: 6, min: 6 },
      ],
      18,
      2,
    ),
  ).toEqual([10, 6]);
});

test('where even the least widths do not fit, columns leave in their order', () => {
  const columns: Column[] = [
    { ideal: 10, min: 10 },
    { ideal: 10, min: 10, leaves: 1 },
    { ideal: 10, min: 10, leaves: 0 },
  ];
  expect(fitColumns(columns, 22, 2)).toEqual([10, 10, 0]);
  expect(fitColumns(columns, 12, 2)).toEqual([10, 0, 0]);
});

test('they fit, unless those that may not leave are too wide at their least', () => {
  fc.assert(
    fc.property(fc.array(column, { maxLength: 8 }), fc.nat(120), (columns, available) => {
      const widths = fitColumns(columns, available, 2);
      const sum = (of: readonly number[]) =>
        of.reduce((total, width) => total + (width > 0 ? width + 2 : 0), 0) - 2;
      const least = columns.map(({ ideal, min, leaves }) =>
        leaves === undefined ? Math.min(ideal, min) : 0,
      );
      expect(sum(widths)).toBeLessThanOrEqual(Math.max(available, sum(least)));
      for (const [at, width] of widths.entries()) expect(width).toBeLessThanOrEqual(columns[at]?.ideal ?? 0);
    }),
  );
});
