import {
  clampCursor,
  reduceTextField,
  scrollTo,
  type TextField,
  type TextFieldAction,
  textField,
} from '../components/index.ts';
import type { Command, Key } from '../keys/index.ts';
import { fieldAction } from './field-keys.ts';
import { movement } from './list-moves.ts';

/** A list with a cursor and a filter, whatever its rows are. */
export interface ListState {
  cursor: number;
  top: number;
  filter: string;
  /** While the filter is being typed; `before` comes back with Esc. */
  typing: { field: TextField; before: string } | undefined;
}

export const INITIAL_LIST: ListState = { cursor: 0, top: 0, filter: '', typing: undefined };

export type ListAction =
  | { type: 'move'; by: number }
  | { type: 'begin-filter' }
  | { type: 'type'; action: TextFieldAction }
  | { type: 'accept' }
  | { type: 'restore' };

/** `count` rows as filtered before the action, of which `height` are shown. */
function reduceList(state: ListState, action: ListAction, count: number, height: number): ListState {
  switch (action.type) {
    case 'move': {
      const cursor = clampCursor(clampCursor(state.cursor, count) + action.by, count);
      return { ...state, cursor, top: scrollTo(state.top, cursor, count, height) };
    }
    case 'begin-filter':
      return { ...state, typing: { field: textField(state.filter), before: state.filter } };
    case 'type': {
      if (state.typing === undefined) return state;
      const field = reduceTextField(state.typing.field, action.action);
      return { ...state, cursor: 0, top: 0, filter: field.value, typing: { ...state.typing, field } };
    }
    case 'accept':
      return { ...state, typing: undefined };
    case 'restore':
      return { ...state, filter: state.typing?.before ?? state.filter, typing: undefined };
  }
}

/** What a key does to the list itself: movement and the filter. Undefined where the screen has to look at it. */
export function pressInList(
  state: ListState,
  command: Command | undefined,
  key: Key,
  count: number,
  height: number,
): ListState | undefined {
  if (state.typing !== undefined) {
    if (command === 'accept' || command === 'restore') {
      return reduceList(state, { type: command }, count, height);
    }
    const action = fieldAction(command, key);
    return action === undefined ? state : reduceList(state, { type: 'type', action }, count, height);
  }
  if (command === undefined) return state;
  const by = movement(command, height);
  if (by !== undefined) return reduceList(state, { type: 'move', by }, count, height);
  if (command === 'filter') return reduceList(state, { type: 'begin-filter' }, count, height);
  if (command === 'back' && state.filter !== '') return { ...state, filter: '', cursor: 0, top: 0 };
  return undefined;
}

export function matches(filter: string, ...texts: readonly string[]): boolean {
  const wanted = filter.trim().toLowerCase();
  return wanted === '' || texts.some((text) => text.toLowerCase().includes(wanted));
}

/** The row under the cursor, and the first that is shown: always inside, however the list has changed meanwhile. */
export function placeInList(state: ListState, count: number, height: number): { at: number; top: number } {
  const at = clampCursor(state.cursor, count);
  return { at, top: scrollTo(state.top, at, count, height) };
}

/** Text pasted while the filter is being typed. */
export function pasteInList(state: ListState, text: string): ListState {
  return reduceList(state, { type: 'type', action: { type: 'insert', text } }, 0, 1);
}
