import fc from 'fast-check';
import { expect, test } from 'vitest';
import { paintLine } from './painted.ts';
import { sanitizeLine } from './sanitize.ts';

const esc = '\u001b';

/** Each part of a text with its look, for reading. */
function parts(raw: string): unknown[] {
  const { text, paints } = paintLine(raw);
  return paints.map(({ from, to, look }) => [text.slice(from, to), look]);
}

test.each<[string, string, unknown[]]>([
  ['nothing', 'plain', []],
  ['a colour of the sixteen', `a ${esc}[31mred${esc}[0m b`, [['red', { foreground: 1 }]]],
  ['a bright one', `${esc}[92mgo${esc}[m`, [['go', { foreground: 10 }]]],
  ['one that is never reset', `${esc}[41mon red`, [['on red', { background: 1 }]]],
  ['one of 256', `${esc}[38;5;208mx`, [['x', { foreground: 208 }]]],
  ['a true colour', `${esc}[48;2;1;2;3mx`, [['x', { background: [1, 2, 3] }]]],
  ['a true colour with colons', `${esc}[38:2::1:2:3mx`, [['x', { foreground: [1, 2, 3] }]]],
  ['one of 256 with colons', `${esc}[38:5:9mx`, [['x', { foreground: 9 }]]],
  ['weights', `${esc}[1;3;4mx${esc}[22;23;24my`, [['x', { bold: true, italic: true, underline: true }]]],
  [
    'a colour over another',
    `${esc}[31mx${esc}[1;32my`,
    [
      ['x', { foreground: 1 }],
      ['y', { foreground: 2, bold: true }],
    ],
  ],
  [
    'the default again',
    `${esc}[31;42mx${esc}[39my`,
    [
      ['x', { foreground: 1, background: 2 }],
      ['y', { background: 2 }],
    ],
  ],
  ['a curly underline, and none', `${esc}[4:3mx${esc}[4:0my`, [['x', { underline: true }]]],
  ['text that would be hidden', `${esc}[8mx${esc}[5my`, []],
  ['a colour that is none', `${esc}[38;5;999mx${esc}[38;2;1mx${esc}[38;9;1mx`, []],
  ['the same again', `${esc}[31ma${esc}[31mb`, [['ab', { foreground: 1 }]]],
])('%s', (_, raw, expected) => {
  expect(parts(raw)).toEqual(expected);
});

test.each([
  [`${esc}[32m10 %\r${esc}[31m50 %`, '50 %'],
  [`${esc}[32m100 %\r${esc}[0m`, '100 %'],
  [`${esc}[2J${esc}[H${esc}[31mred${esc}]0;title\u0007 on`, 'red on'],
  [`${esc}[?25l${esc}[1A${esc}[31mx`, 'x'],
])('%j is %j', (raw, text) => {
  expect(paintLine(raw).text).toBe(text);
});

const piece = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.constantFrom(
    '\t',
    '\r',
    '漢',
    esc,
    `${esc}[31m`,
    `${esc}[0m`,
    `${esc}[2J`,
    `${esc}[`,
    `${esc}]0;x`,
    'm',
    '7',
  ),
  fc.array(fc.integer({ min: 0, max: 120 }), { maxLength: 6 }).map((codes) => `${esc}[${codes.join(';')}m`),
);

test('whatever comes, nothing that could move the cursor is left, and each part of the text is painted once', () => {
  fc.assert(
    fc.property(fc.array(piece, { maxLength: 20 }), (pieces) => {
      const { text, paints } = paintLine(pieces.join(''));
      expect(/\p{Cc}/u.test(text)).toBe(false);
      let end = 0;
      for (const { from, to } of paints) {
        expect(from).toBeGreaterThanOrEqual(end);
        expect(to).toBeGreaterThan(from);
        end = to;
      }
      expect(end).toBeLessThanOrEqual(text.length);
    }),
  );
});

test('of text with nothing but colours in it, it is the text without them', () => {
  const colours = fc.constantFrom(`${esc}[31m`, `${esc}[1;38;5;3m`, `${esc}[0m`, `${esc}[m`);
  fc.assert(
    fc.property(fc.array(fc.oneof(fc.string({ unit: 'grapheme' }), colours)), (pieces) => {
      const raw = pieces.join('');
      expect(paintLine(raw).text).toBe(sanitizeLine(raw));
    }),
  );
});
