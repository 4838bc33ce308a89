import fc from 'fast-check';
import { expect, test } from 'vitest';
import {
  reduceTextField,
  selectedField,
  type TextField,
  type TextFieldAction,
  textField,
  visibleField,
} from './text-field.ts';
import { graphemes, textWidth } from './text-width.ts';

function typed(start: string, ...actions: TextFieldAction[]): TextField {
  return actions.reduce(reduceTextField, textField(start));
}

test.each<[string, TextFieldAction[], TextField]>([
  ['', [{ type: 'insert', text: '1.0' }], { value: '1.0', caret: 3 }],
  [
    '1.0',
    [
      { type: 'move', to: 'start' },
      { type: 'insert', text: 'v' },
    ],
    { value: 'v1.0', caret: 1 },
  ],
  ['漢字', [{ type: 'delete-before' }], { value: '漢', caret: 1 }],
  ['👩‍👩‍👧‍👦', [{ type: 'delete-before' }], { value: '', caret: 0 }],
  ['1.2.3', [{ type: 'delete-word' }], { value: '1.2.', caret: 4 }],
  ['1.2.3', [{ type: 'delete-to-start' }], { value: '', caret: 0 }],
  ['ab', [{ type: 'move', to: 'left' }, { type: 'delete-after' }], { value: 'a', caret: 1 }],
  // A pasted newline is neither Enter nor a part of a tag, and no escape sequence gets in.
  ['', [{ type: 'insert', text: '\n1.1.0\nrm -rf\n' }], { value: '1.1.0', caret: 5 }],
  ['', [{ type: 'insert', text: '\u001b[31m1.1.0\u0007' }], { value: '1.1.0', caret: 5 }],
])('%j after %j', (start, actions, expected) => {
  expect(typed(start, ...actions)).toEqual(expected);
});

const action: fc.Arbitrary<TextFieldAction> = fc.oneof(
  fc.string({ unit: 'grapheme', maxLength: 5 }).map((text) => ({ type: 'insert', text }) as const),
  fc
    .constantFrom('delete-before', 'delete-after', 'delete-word', 'delete-to-start')
    .map((type) => ({ type }) as const),
  fc.constantFrom('left', 'right', 'start', 'end').map((to) => ({ type: 'move', to }) as const),
);

test('the caret is inside after anything, and in what is shown', () => {
  fc.assert(
    fc.property(fc.array(action, { maxLength: 30 }), fc.integer({ min: 3, max: 20 }), (actions, width) => {
      const field = typed('', ...actions);
      expect(field.caret).toBeGreaterThanOrEqual(0);
      expect(field.caret).toBeLessThanOrEqual(graphemes(field.value).length);
      const shown = visibleField(field, width);
      expect(textWidth(shown.text)).toBeLessThanOrEqual(width);
      expect(shown.caret).toBeLessThan(width);
    }),
  );
});

test('what is selected is replaced by what is typed, taken away by a deletion, and kept by a move', () => {
  const field = selectedField('1.0.0');
  expect(reduceTextField(field, { type: 'insert', text: '2' })).toEqual({ value: '2', caret: 1 });
  expect(reduceTextField(field, { type: 'delete-before' })).toEqual({ value: '', caret: 0 });
  expect(reduceTextField(field, { type: 'move', to: 'left' })).toEqual({ value: '1.0.0', caret: 4 });
  expect(selectedField('')).toEqual({ value: '', caret: 0 });
});
