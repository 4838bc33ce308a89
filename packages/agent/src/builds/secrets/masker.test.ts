import fc from 'fast-check';
import { expect, test } from 'vitest';
import { createMasker, patternsOf } from './masker.ts';

const base64 = (text: string) => Buffer.from(text).toString('base64');

test.each<[string, string[], string, string]>([
  ['a value', ['hunter2'], 'the password is hunter2, hunter2!', 'the password is ***, ***!'],
  ['nothing', ['hunter2'], 'the password is hunter3', 'the password is hunter3'],
  ['its base64', ['hunter2!pass'], `x ${base64('hunter2!pass')} y`, 'x *** y'],
  ['its URL encoding', ['a/b c+d&é'], 'https://u:a%2Fb%20c%2Bd%26%C3%A9@h/', 'https://u:***@h/'],
  ['in lower case', ['a/b c+d'], 'a%2fb%20c%2bd a%2fb+c%2bd', '*** ***'],
  ['in JSON', ['quote"back\\slash'], '{"p":"quote\\"back\\\\slash"}', '{"p":"***"}'],
  ['in JSON as Go writes it', ['a<b>&c'], '{"p":"a\\u003cb\\u003e\\u0026c"}', '{"p":"***"}'],
  ['as a shell tells what it runs', ["it's so"], "+ login 'it'\\''s so'", "+ login '***'"],
  ['the longest of several', ['abcd', 'abcdef'], 'abcdefg abcdg', '***g ***g'],
  ['several that overlap, as one', ['abcdef', 'defghi'], 'xabcdefghix', 'x***x'],
  ['a value of its own beginning', ['aaaa'], 'baaaaaaab', 'b***b'],
  ['too short a value', ['abc', '', 'a'], 'abc a', 'abc a'],
  ['its newline at the end apart', ['hunter2\n'], 'hunter2', '***'],
])('%s', (_, values, text, masked) => {
  expect(createMasker(values).text(text)).toBe(masked);
});

test('a header with user and password has nothing of the password', () => {
  for (const user of ['a', 'ab', 'abc', 'x-token-auth']) {
    const header = createMasker(['correct-horse-battery']).text(base64(`${user}:correct-horse-battery`));
    // A character where it begins holds bits of its neighbour.
    expect(header).toMatch(/^[\w+/]{0,20}\*\*\*$/);
  }
});

test('its base64 in lines is hidden, as base64(1) and openssl write them', () => {
  for (const size of [98, 99, 100]) {
    const value = Array.from({ length: 100 }, (_, at) => (at * 7919).toString(36))
      .join('')
      .slice(0, size);
    const masker = createMasker([value]);
    for (const whole of [value, `${value}\n`, `${value}, and more`]) {
      for (const length of [76, 64]) {
        const lines = base64(whole).match(new RegExp(`.{1,${length}}`, 'g')) ?? [];
        const shown = masker.text(`${lines.join('\n')}\n`);
        // What is left is of its last few bytes, and of what comes after.
        expect(shown.split('\n').filter((line) => line.replace(/^\*+/, '').length > 24)).toEqual([]);
      }
    }
  }
});

test('one that is coloured in its middle is hidden, and other lines keep their colours', () => {
  const masker = createMasker(['hunter2-hunter2']);
  const red = '\u001b[01;31m\u001b[K';
  const off = '\u001b[m\u001b[K';
  const said = `${red}all is well${off}\na: hunter2-${red}hunt${off}er2 b\n${red}x${off} hunter2-hunter2\nend`;
  const shown = `${red}all is well${off}\na: *** b\n${red}x${off} ***\nend`;
  expect(masker.text(said)).toBe(shown);
  expect(Buffer.from(masker.bytes(Buffer.from(said))).toString()).toBe(shown);
  expect(masker.text('\u001b]8;;http://h/\u0007hunter2-\u001b]8;;\u001b\\hunter2')).toBe('***');
});

test('each line of a key is hidden, not what is around it', () => {
  const key = `-----BEGIN KEY-----\n${'abcdefgh'.repeat(8)}\n${'ijklmnop'.repeat(8)}\n}\n-----END KEY-----\n`;
  const shown = createMasker([key]).text(`${key}\n  ${'ijklmnop'.repeat(8)}\r\n} ${base64(key)}`);
  expect(shown).toBe('-----BEGIN KEY-----\n***\n***\n}\n-----END KEY-----\n\n  ***\r\n} ***');
});

test('a long value is hidden to its last byte', () => {
  const value = Array.from({ length: 3_000 }, (_, at) => (at * 7919).toString(36)).join('');
  expect(createMasker([value]).text(`<${value}>`)).toBe('<***>');
  expect(Math.max(...patternsOf(value).map((pattern) => pattern.length))).toBe(1_024);
});

test('how the output is cut into chunks makes no difference, and nothing of a value is left', () => {
  const text = fc.string({ unit: fc.constantFrom('a', 'b', 'c', '\n'), maxLength: 60 });
  const value = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 4, maxLength: 7 });
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 4 }),
      fc.array(fc.oneof(text, value), { maxLength: 8 }),
      fc.array(fc.nat(100), { maxLength: 20 }),
      (values, parts, cuts) => {
        const masker = createMasker(values);
        const whole = Buffer.from(parts.join(''));
        const places = [...new Set(cuts.map((cut) => Math.min(cut, whole.length)))].sort((a, b) => a - b);
        const stream = masker.stream();
        const given = [0, ...places].map((from, at) =>
          Buffer.from(stream.write(whole.subarray(from, places[at] ?? whole.length))),
        );
        given.push(Buffer.from(stream.end()));
        const streamed = Buffer.concat(given).toString();
        expect(streamed).toBe(masker.text(whole.toString()));
        for (const each of values) expect(streamed).not.toContain(each);
        // What is not covered by a value is all there.
        const covered = new Uint8Array(whole.length);
        for (const pattern of values.flatMap(patternsOf)) {
          for (let at = whole.indexOf(pattern); at !== -1; at = whole.indexOf(pattern, at + 1))
            covered.fill(1, at, at + pattern.length);
        }
        const left = Buffer.from(whole.filter((_, at) => covered[at] === 0)).toString();
        expect(streamed.replaceAll('***', '')).toBe(left);
      },
    ),
    { numRuns: 1_000 },
  );
});

test('no more is held back than may be a value’s beginning', () => {
  const stream = createMasker(['abcdefgh']).stream();
  expect(String(Buffer.from(stream.write(Buffer.from('xyzabc'))))).toBe('xyz');
  expect(String(Buffer.from(stream.write(Buffer.from('q'))))).toBe('abcq');
  expect(String(Buffer.from(stream.write(Buffer.from('abcdefghab'))))).toBe('***');
  expect(String(Buffer.from(stream.end()))).toBe('ab');
});

test('a text and its bytes are masked alike, whatever characters are in them', () => {
  const unit = fc.constantFrom('a', 'b', 'é', '😀', '$', '(', '\n');
  const text = fc.string({ unit, maxLength: 60 });
  const value = fc.oneof(
    fc.string({ unit, minLength: 2, maxLength: 40 }),
    fc.string({ unit, minLength: 900, maxLength: 1_500 }),
  );
  fc.assert(
    fc.property(
      fc.array(value, { minLength: 1, maxLength: 3 }),
      fc.array(fc.oneof(text, value), { maxLength: 4 }),
      (values, parts) => {
        const masker = createMasker(values);
        for (const whole of [parts.join(''), [...parts, ...values].join('')]) {
          expect(masker.text(whole)).toBe(Buffer.from(masker.bytes(Buffer.from(whole))).toString());
        }
      },
    ),
    { numRuns: 300 },
  );
});
