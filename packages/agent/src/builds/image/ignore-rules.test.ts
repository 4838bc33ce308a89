import fc from 'fast-check';
import { expect, test } from 'vitest';
import { forOldEngines, IgnoreRules } from './ignore-rules.ts';

function rules(text: string): IgnoreRules {
  const read = IgnoreRules.read(text);
  if (!read.ok) throw new Error(read.error.message);
  return read.value;
}

test.each<[string, string[], string[]]>([
  ['secret', ['secret', 'secret/a/b'], ['a/secret', 'secrets']],
  ['/secret/', ['secret', 'secret/a'], ['a/secret']],
  ['./a/../secret', ['secret'], ['a']],
  ['*.tmp', ['a.tmp', '.tmp', 'a.tmp/b'], ['a/b.tmp', 'atmp']],
  ['*/*.tmp', ['a/b.tmp'], ['b.tmp', 'a/b/c.tmp']],
  ['**/*.tmp', ['a.tmp', 'a/b.tmp', 'a/b/c.tmp', 'a/b.tmp/c'], ['a/btmp']],
  ['a/**/z', ['a/z', 'a/b/z', 'a/b/c/z/y'], ['z', 'b/a/z', 'a/b/y']],
  ['a/**', ['a/b', 'a/b/c'], ['b']],
  ['**', ['a', 'a/b', '.c'], []],
  ['**secret', ['secret', 'topsecret', 'a/b/secret'], ['a/topsecret']],
  ['a?c', ['abc', 'aéc', 'a😀c'], ['ac', 'a/c']],
  ['[a-c]x[^0-9]', ['axb', 'cxé'], ['dxb', 'ax1']],
  ['\\*', ['*'], ['a']],
  ['c++ (old){1}|$.txt', ['c++ (old){1}|$.txt'], ['c', 'c++ (old){1}|$Xtxt']],
  ['  a  \r\n# b\n\n#c', ['a'], ['# b', '#c', 'b']],
  ['*\n!keep', ['a', 'b/keep'], ['keep', 'keep/a']],
  ['a\n!a/b\na/b/c', ['a', 'a/x', 'a/b/c'], ['a/b', 'a/b/d']],
  ['', [], ['a']],
])('%j', (text, left, kept) => {
  const read = rules(text);
  expect(left.filter((path) => !read.ignores(path))).toEqual([]);
  expect(kept.filter((path) => read.ignores(path))).toEqual([]);
});

test.each(['[', '[a', '[]', '[a-]', '[z-a]', 'a\\', '!', '! '])('%j is no pattern', (line) => {
  expect(IgnoreRules.read(`ok\n${line}\n`)).toEqual({
    ok: false,
    error: { code: 'ignore-file', message: expect.stringContaining(`Line 2 of the ignore file`) },
  });
});

test('what an old engine can’t read is escaped, once', () => {
  const text = '# a+b\nc++\n\\+\n*.{a,b}\n!x';
  expect(forOldEngines(text)).toBe('# a+b\nc\\+\\+\n\\+\n*.\\{a,b\\}\n!x');
  expect(rules(forOldEngines('c++')).ignores('c++')).toBe(true);
});

test('no pattern takes the agent’s time', () => {
  const name = 'a'.repeat(255);
  const path = Array.from({ length: 15 }, () => name).join('/');
  for (const pattern of [`${'*a'.repeat(40)}*b`, `${'**/*a'.repeat(40)}b`, `**/${'*a*/'.repeat(40)}**/b`])
    expect(rules(pattern).ignores(path)).toBe(false);
});

test('it is what the regular expression of each pattern says', () => {
  const piece = fc.constantFrom('a', 'b', '/', '*', '**/', '**', '?', '[ab]', '[^a]');
  const path = fc
    .array(fc.array(fc.constantFrom('a', 'b', 'ab'), { minLength: 1, maxLength: 2 }), {
      minLength: 1,
      maxLength: 4,
    })
    .map((folders) => folders.map((words) => words.join('')).join('/'));
  fc.assert(
    fc.property(fc.array(piece, { minLength: 1, maxLength: 6 }), path, (pieces, file) => {
      // No more than what is one pattern also without being cleaned.
      const pattern = pieces.join('');
      fc.pre(!/\/\/|^\/|\/$|\*{3}/.test(pattern));
      const expression = new RegExp(
        `^${pattern.replace(/\*\*\/?$|\*\*\/?|\*|\?/g, (word, at: number) => {
          if (word === '?') return '[^/]';
          if (word === '*') return '[^/]*';
          return at + word.length === pattern.length ? '.*' : '(?:.*/|[^/]*)';
        })}$`,
      );
      const above = file.split('/').map((_, at, all) => all.slice(0, at + 1).join('/'));
      expect(rules(pattern).ignores(file)).toBe(above.some((one) => expression.test(one)));
    }),
  );
});
