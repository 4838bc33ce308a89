import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fitLine, line, lineText, lineWidth, sameLine, select, span, spread } from './line.ts';

const spans = fc.array(fc.string({ unit: 'grapheme' }).map((text) => span(text.replaceAll(/[\n\r]/g, ''))));

test('a fitted line is exactly as wide as it was asked to be', () => {
  fc.assert(
    fc.property(spans, fc.integer({ min: 1, max: 60 }), fc.boolean(), (given, columns, selected) => {
      expect(lineWidth(fitLine({ spans: given, selected }, columns))).toBe(columns);
    }),
  );
});

test('what stands left and right of a line fills it, and the left one gives way', () => {
  const drawn = spread([span('a long name on the left')], [span('right')], 20);
  expect(lineText(drawn)).toBe('a long name o… right');
  fc.assert(
    fc.property(spans, spans, fc.integer({ min: 1, max: 60 }), (left, right, columns) => {
      expect(lineWidth(spread(left, right, columns))).toBe(columns);
    }),
  );
});

test('lines are the same by what they show', () => {
  expect(sameLine(line(span('a', 'good')), line(span('a', 'good')))).toBe(true);
  expect(sameLine(line(span('a', 'good')), line(span('a', 'bad')))).toBe(false);
  expect(sameLine(line('a'), select(line('a')))).toBe(false);
});
