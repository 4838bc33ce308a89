import {
  type Line,
  line,
  reduceTextField,
  span,
  type TextField,
  textField,
  visibleField,
} from '../../components/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { fieldAction } from '../field-keys.ts';

/** What is searched for in a log, and where it was found last. */
export interface SearchState {
  /** While it is being typed. */
  typing: TextField | undefined;
  text: string;
  found: number | undefined;
}

export const NO_SEARCH: SearchState = { typing: undefined, text: '', found: undefined };

/** A key while the text is being typed: `begin` where the search begins with it. */
export function pressInSearch(
  search: SearchState,
  command: Command | undefined,
  key: Key,
): { search: SearchState; begin: boolean } {
  const { typing } = search;
  if (typing === undefined) return { search, begin: false };
  if (command === 'accept') {
    return {
      search: { typing: undefined, text: typing.value, found: undefined },
      begin: typing.value !== '',
    };
  }
  if (command === 'restore') return { search: { ...search, typing: undefined }, begin: false };
  const action = fieldAction(command, key);
  return {
    search: action === undefined ? search : { ...search, typing: reduceTextField(typing, action) },
    begin: false,
  };
}

export function openSearch(search: SearchState): SearchState {
  return { ...search, typing: textField('') };
}

export function pasteInSearch(search: SearchState, text: string): SearchState {
  return search.typing === undefined
    ? search
    : { ...search, typing: reduceTextField(search.typing, { type: 'insert', text }) };
}

/** The row in which something is typed, at the foot of a log. */
export function typingLine(label: string, field: TextField, columns: number): { line: Line; caret: number } {
  const shown = visibleField(field, Math.max(1, columns - label.length - 4));
  return {
    line: line(span(`  ${label}`, 'quiet'), span(shown.text === '' ? ' ' : shown.text, 'field')),
    caret: 2 + label.length + shown.caret,
  };
}
