import { expect, test } from 'vitest';
import { bindingsIn, CONTEXTS, commandFor, KEY_TABLE, keyName, NAMED_KEYS } from './index.ts';

test.each(CONTEXTS)('no key means two things in %s', (context) => {
  const keys = bindingsIn(context).flatMap((binding) => binding.keys);
  expect(keys).toEqual([...new Set(keys)]);
});

test('every key is one that a terminal can send', () => {
  const named: readonly string[] = NAMED_KEYS;
  for (const key of KEY_TABLE.flatMap((binding) => binding.keys)) {
    expect(named.includes(key) || /^ctrl-[a-z]$/.test(key) || [...key].length === 1).toBe(true);
    expect(keyName(key)).not.toBe('');
  }
});

test('every context can be left, and the program from anywhere', () => {
  for (const context of CONTEXTS) {
    expect(commandFor(context, 'ctrl-c')).toBe('abort');
    expect(commandFor(context, 'esc')).toBe(context === 'field' || context === 'text' ? 'restore' : 'back');
  }
});

test.each(['field', 'text'] as const)(
  'in a %s a printable key types, whatever it does elsewhere',
  (context) => {
    for (const key of ['j', 'q', '?', '/', 'x', 'space']) expect(commandFor(context, key)).toBeUndefined();
  },
);
