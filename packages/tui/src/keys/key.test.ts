import { expect, test } from 'vitest';
import { type InkKey, keyName, keysOf, typedText } from './key.ts';

const none: InkKey = {
  upArrow: false,
  downArrow: false,
  leftArrow: false,
  rightArrow: false,
  pageUp: false,
  pageDown: false,
  home: false,
  end: false,
  return: false,
  escape: false,
  ctrl: false,
  shift: false,
  tab: false,
  backspace: false,
  delete: false,
  meta: false,
};

test.each<[string, Partial<InkKey>, string[]]>([
  ['j', {}, ['j']],
  ['jjjk', {}, ['j', 'j', 'j', 'k']],
  ['t1.0\r', {}, ['t', '1', '.', '0', 'enter']],
  ['漢👩‍👩‍👧‍👦e\u0301', {}, ['漢', '👩‍👩‍👧‍👦', 'e\u0301']],
  ['\r\n', {}, ['enter']],
  [' ', {}, ['space']],
  ['a\tb', {}, ['a', 'tab', 'b']],
  ['', { upArrow: true }, ['up']],
  ['', { return: true }, ['enter']],
  ['', { tab: true, shift: true }, ['shift-tab']],
  ['d', { ctrl: true }, ['ctrl-d']],
  ['', { escape: true }, ['esc']],
  // Esc and a key that follows at once come as one event: both were pressed.
  ['j', { meta: true }, ['esc', 'j']],
  ['', { escape: true, meta: true }, ['esc', 'esc']],
])('%j with %j is %j', (input, key, expected) => {
  expect(keysOf(input, { ...none, ...key })).toEqual(expected);
});

test('keys are named as people write them', () => {
  expect(['enter', 'ctrl-d', 'pgdn', 'j', '?'].map(keyName)).toEqual(['Enter', 'Ctrl-D', 'PgDn', 'j', '?']);
});

test('only what is printable types something', () => {
  expect(['a', '漢', 'space', 'enter', 'ctrl-a', 'pgup'].map(typedText)).toEqual([
    'a',
    '漢',
    ' ',
    undefined,
    undefined,
    undefined,
  ]);
});
