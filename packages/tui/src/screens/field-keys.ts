import type { TextFieldAction } from '../components/index.ts';
import { type Command, type Key, typedText } from '../keys/index.ts';

/** What a key does in a text field; undefined where it does nothing there. */
export function fieldAction(command: Command | undefined, key: Key): TextFieldAction | undefined {
  switch (command) {
    case undefined: {
      const text = typedText(key);
      return text === undefined ? undefined : { type: 'insert', text };
    }
    case 'caret-left':
      return { type: 'move', to: 'left' };
    case 'caret-right':
      return { type: 'move', to: 'right' };
    case 'caret-start':
      return { type: 'move', to: 'start' };
    case 'caret-end':
      return { type: 'move', to: 'end' };
    case 'delete-before':
    case 'delete-after':
    case 'delete-word':
    case 'delete-to-start':
      return { type: command };
    default:
      return undefined;
  }
}
