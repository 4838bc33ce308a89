import fc from 'fast-check';
import { expect, test } from 'vitest';
import { colouredLine } from './coloured.ts';
import { paintLine } from './painted.ts';

const esc = '\u001b';

test.each([
  ['plain', 'plain'],
  [`a ${esc}[31mred`, `a ${esc}[31mred${esc}[0m`],
  [`${esc}[1;38;5;208;44mx${esc}[0m y`, `${esc}[1;38;5;208;44mx${esc}[0m y`],
  [`${esc}[92;105mx`, `${esc}[92;105mx${esc}[0m`],
  [`${esc}[48;2;1;2;3mx${esc}[2J`, `${esc}[48;2;1;2;3mx${esc}[0m`],
])('%j is written as %j', (raw, written) => {
  expect(colouredLine(raw)).toBe(written);
});

test('what is written looks as what was painted', () => {
  const code = fc.oneof(
    fc.constantFrom(0, 1, 2, 3, 4, 7, 9, 22, 24, 27, 39, 49),
    fc.integer({ min: 30, max: 37 }),
    fc.integer({ min: 100, max: 107 }),
  );
  const sgr = fc.array(code, { maxLength: 3 }).map((codes) => `${esc}[${codes.join(';')}m`);
  const piece = fc.oneof(sgr, fc.string({ unit: 'grapheme' }), fc.constant(`${esc}[38;5;99m`));
  fc.assert(
    fc.property(fc.array(piece), (pieces) => {
      const raw = pieces.join('');
      expect(paintLine(colouredLine(raw))).toEqual(paintLine(raw));
    }),
  );
});
