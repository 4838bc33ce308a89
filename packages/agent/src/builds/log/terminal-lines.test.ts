import fc from 'fast-check';
import { expect, test } from 'vitest';
import { plainText } from './plain-text.ts';
import { MAX_LINE_BYTES, TerminalLines } from './terminal-lines.ts';

function linesOf(chunks: readonly (string | Uint8Array)[]): string[] {
  const parts: Buffer[] = [];
  const lines = new TerminalLines((bytes) => parts.push(Buffer.from(bytes)));
  for (const chunk of chunks) lines.write(typeof chunk === 'string' ? Buffer.from(chunk) : chunk);
  lines.end();
  const text = Buffer.concat(parts).toString('utf8');
  expect(text === '' || text.endsWith('\n')).toBe(true);
  return text.split('\n').slice(0, -1);
}

test.each<[string, string, string[]]>([
  ['lines', 'a\nb\n\nc', ['a', 'b', '', 'c']],
  ['a carriage return before the newline', 'a\r\nb\r\n', ['a', 'b']],
  ['a progress bar', ' 10%\r 50%\r100%\ndone\n', ['100%', 'done']],
  ['a shorter last state', 'Receiving objects: 100%\rdone\n', ['done']],
  ['a bar that is erased by the next', '[==  ]\r\u001b[Kok\n', ['ok']],
  ['a whole line erased', 'waiting\u001b[2K\u001b[1Gok\n', ['ok']],
  ['a bar that ends with a return', '100%\r\nnext\n', ['100%', 'next']],
  ['a spinner of backspaces', 'wait |\b/\b-\bdone\n', ['wait done']],
  ['a character of many bytes taken back', 'aé\bb\n', ['ab']],
  [
    'colours',
    '\u001b[31mred\u001b[0m \u001b[1;38;5;9mx\u001b[m\n',
    ['\u001b[31mred\u001b[0m \u001b[1;38;5;9mx\u001b[m'],
  ],
  [
    'colours that go with the redrawn text',
    '\u001b[33m1%\r\u001b[32m2%\u001b[0m\n',
    ['\u001b[32m2%\u001b[0m'],
  ],
  ['a colour reset after the return', '\u001b[32mok\r\u001b[0m\n', ['\u001b[32mok\u001b[0m']],
  ['the cursor and the screen', '\u001b[2J\u001b[H\u001b[?25la\u001b[10;3Hb\u001b[3A\n', ['ab']],
  ['a window title', '\u001b]0;title\u0007a\u001b]8;;https://x.example\u001b\\link\n', ['alink']],
  ['a title that never ends', '\u001b]0;title\nnext\n', ['', 'next']],
  ['a character set', '\u001b(Ba\n', ['a']],
  ['a broken sequence', '\u001b[31\nx\u001b', ['', 'x']],
  ['control characters', 'a\u0000b\u0007c\u000b\u007fd\te\n', ['abcd\te']],
  ['eight-bit control characters, and none', 'a\u009b31m\u0085b © \u00a0é\n', ['a31mb © \u00a0é']],
])('%s', (_, output, lines) => {
  expect(linesOf([output])).toEqual(lines);
});

test('bytes that are not UTF-8 stay', () => {
  const parts: Buffer[] = [];
  const lines = new TerminalLines((bytes) => parts.push(Buffer.from(bytes)));
  const bytes = Buffer.from([0x66, 0xfc, 0x72, 0xc2, 0x41, 0xff, 0xfe, 0xc2, 0x0a]);
  lines.write(bytes);
  expect(Buffer.concat(parts)).toEqual(bytes);
});

test('a line longer than its bound is broken, and nothing of it is lost', () => {
  const long = 'x'.repeat(MAX_LINE_BYTES + 300_000);
  const lines = linesOf([long, '\nnext\n']);
  expect(lines).toHaveLength(3);
  expect(lines.slice(0, 2).join('')).toBe(long);
  expect(lines[2]).toBe('next');
});

test('what is unfinished is told as it stands; a bar goes on, and is not told twice', () => {
  const given: string[] = [];
  const lines = new TerminalLines((bytes) => given.push(Buffer.from(bytes).toString()));
  const write = (text: string) => lines.write(Buffer.from(text));
  write('1%\r2%');
  expect(lines.untold).toBe(true);
  lines.tell();
  lines.tell();
  write('\r100%');
  lines.tell();
  write('\nName? ');
  lines.tell();
  write('\nWait');
  lines.tell();
  write('ed\n');
  expect(given).toEqual(['2%\n', '100%\n', 'Name? \n', 'Wait\n', 'ed\n']);
});

test('a long line that is taken back one by one takes no time, and one behind many colours stays', () => {
  const size = 1024 * 1024;
  expect(linesOf(['x'.repeat(size), '\b'.repeat(size - 2), 'y\n'])).toEqual(['xxy']);
  // Bytes in the middle of a character, without its beginning.
  expect(linesOf([Buffer.alloc(size, 0x80), '\b'.repeat(size), 'y\n'])).toEqual(['y']);
  for (const many of [60, 230, 240, 250, 100_000]) {
    for (const colour of ['\u001b[31m', '\u001b[1;31m', '\u001b[38;5;101m']) {
      const [line = ''] = linesOf([`abc${colour.repeat(many)}`, '\b'.repeat(20_000), 'd\n']);
      expect(plainText(line)).toMatch(/^(?:abc)?d$/);
    }
  }
});

test('how the output is cut into chunks makes no difference', () => {
  const piece = fc.constantFrom(
    ...['a', 'é', '✓', '\n', '\r', '\r\n', '\b', '\t', '\u009b', '\u001b[31m', '\u001b[0m', '\u001b[K'],
    ...[
      '\u001b[2K',
      '\u001b[1G',
      '\u001b[5A',
      '\u001b]0;t\u0007',
      '\u001b]0;t\u001b\\',
      '\u001b',
      '\u0000',
      '[',
    ],
  );
  fc.assert(
    fc.property(
      fc.array(piece, { maxLength: 40 }),
      fc.array(fc.nat(60), { maxLength: 12 }),
      (pieces, cuts) => {
        const whole = Buffer.from(pieces.join(''));
        const places = [...new Set(cuts.map((cut) => Math.min(cut, whole.length)))].sort((a, b) => a - b);
        const chunks = [0, ...places].map((from, at) => whole.subarray(from, places[at] ?? whole.length));
        const expected = linesOf([whole]);
        expect(linesOf(chunks)).toEqual(expected);
        const plain = plainText(expected.join('')).replaceAll('\t', '');
        expect(plain).not.toMatch(/\p{Cc}/u);
      },
    ),
    { numRuns: 500, examples: [[['\u001b[0m', '\u001b', '\u009b', '\b'], []]] },
  );
});
