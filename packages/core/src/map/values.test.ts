import { expect, test } from 'vitest';
import { nearest } from './nearest.ts';
import { parseBytes, parseDuration } from './quantity.ts';
import { shellWords } from './shell-words.ts';

test.each([
  ['1024', 1024],
  ['1b', 1],
  ['300k', 307_200],
  ['512m', 536_870_912],
  ['1gb', 1_073_741_824],
  ['1.5G', 1_610_612_736],
  ['1 MB', 1_048_576],
  ['', undefined],
  ['m', undefined],
  ['-1m', undefined],
  ['1x', undefined],
  ['9999999t', undefined],
])('parseBytes(%j)', (text, bytes) => {
  expect(parseBytes(text)).toBe(bytes);
});

test.each([
  ['10s', 10e9],
  ['1m30s', 90e9],
  ['1h5m', 3900e9],
  ['250ms', 250e6],
  ['2.5s', 2.5e9],
  ['10us', 10e3],
  ['10', undefined],
  ['', undefined],
  ['s', undefined],
  ['1s ', undefined],
  ['-1s', undefined],
  ['99999999h', undefined],
])('parseDuration(%j)', (text, nanoseconds) => {
  expect(parseDuration(text)).toBe(nanoseconds);
});

test.each<[string, string[] | undefined]>([
  ['', []],
  ['a  b\tc', ['a', 'b', 'c']],
  [`a "b c" 'd "e"'`, ['a', 'b c', 'd "e"']],
  ['a"b"c', ['abc']],
  ['a\\ b', ['a b']],
  [`"a\\"b" "c\\d"`, ['a"b', 'c\\d']],
  [`''`, ['']],
  [`'a\\'`, ['a\\']],
  ['"a', undefined],
  ["a'", undefined],
])('shellWords(%j)', (text, words) => {
  expect(shellWords(text)).toEqual(words);
});

test.each([
  ['imagee', 'image'],
  ['iamge', 'image'],
  ['Image', 'image'],
  ['run', 'run'],
  ['ru', 'run'],
  ['environmnet', 'environment'],
  ['x', undefined],
  ['zzzzz', undefined],
  ['i'.repeat(10_000), undefined],
])('nearest(%j)', (word, name) => {
  expect(nearest(word, ['name', 'image', 'run', 'environment'])).toBe(name);
});
