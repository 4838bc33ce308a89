import { takeColumns } from './fit-text.ts';
import { sanitizeLine } from './sanitize.ts';
import { graphemes, textWidth } from './text-width.ts';

/** One line of text being typed. `caret` counts graphemes from the front. */
export interface TextField {
  value: string;
  caret: number;
  /** All of it is selected: what is typed takes its place. */
  selected?: true;
}

export type TextFieldAction =
  | { type: 'insert'; text: string }
  | { type: 'delete-before' }
  | { type: 'delete-after' }
  | { type: 'delete-word' }
  | { type: 'delete-to-start' }
  | { type: 'move'; to: 'left' | 'right' | 'start' | 'end' };

export function textField(value: string): TextField {
  return { value, caret: graphemes(value).length };
}

/** What stands there already is replaced by the first character that is typed, and kept by a move. */
export function selectedField(value: string): TextField {
  return value === '' ? textField(value) : { ...textField(value), selected: true };
}

export function reduceTextField(given: TextField, action: TextFieldAction): TextField {
  const field = given.selected === true ? unselect(given, action) : given;
  const all = graphemes(field.value);
  const before = all.slice(0, field.caret);
  const after = all.slice(field.caret);
  switch (action.type) {
    case 'insert': {
      // What is pasted keeps its first line only: a tag or a filter has no second one.
      const first = action.text.replace(/^[\r\n]+/, '').split(/[\r\n]/)[0] ?? '';
      const text = before.join('') + sanitizeLine(first);
      return { value: text + after.join(''), caret: graphemes(text).length };
    }
    case 'delete-before':
      return { value: [...before.slice(0, -1), ...after].join(''), caret: Math.max(0, field.caret - 1) };
    case 'delete-after':
      return { value: [...before, ...after.slice(1)].join(''), caret: field.caret };
    case 'delete-word': {
      const kept = before.join('').replace(/[^\s./:_-]*[\s./:_-]*$/, '');
      return { value: kept + after.join(''), caret: graphemes(kept).length };
    }
    case 'delete-to-start':
      return { value: after.join(''), caret: 0 };
    case 'move':
      switch (action.to) {
        case 'left':
          return { ...field, caret: Math.max(0, field.caret - 1) };
        case 'right':
          return { ...field, caret: Math.min(all.length, field.caret + 1) };
        case 'start':
          return { ...field, caret: 0 };
        case 'end':
          return { ...field, caret: all.length };
      }
  }
}

function unselect({ value, caret }: TextField, action: TextFieldAction): TextField {
  return action.type === 'move' ? { value, caret } : textField('');
}

/** The same without a word of what was typed. */
export function maskedField(field: TextField): TextField {
  return { ...field, value: '•'.repeat(graphemes(field.value).length) };
}

/** What of it shows in `width` columns, and in which of them the caret stands: always inside. */
export function visibleField(field: TextField, width: number): { text: string; caret: number } {
  const all = graphemes(field.value);
  let start = 0;
  while (start < field.caret && textWidth(all.slice(start, field.caret).join('')) >= width) start += 1;
  return {
    text: takeColumns(all.slice(start).join(''), width),
    caret: textWidth(all.slice(start, field.caret).join('')),
  };
}
