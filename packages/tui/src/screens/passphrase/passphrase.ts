import {
  BLANK,
  type Dialog,
  dialogRoom,
  line,
  maskedField,
  padEnd,
  reduceTextField,
  span,
  type TextField,
  textField,
  visibleField,
  wrapText,
} from '../../components/index.ts';
import type { PassphraseQuestion } from '../../fleet/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { fieldAction } from '../field-keys.ts';
import { type Outcome, settle } from '../request.ts';
import type { Size } from '../world.ts';

/** A passphrase that an agent's link waits for. It goes with its question, whoever took that back. */
export interface PassphraseState {
  question: PassphraseQuestion;
  field: TextField;
}

/** What Enter and Esc come to here. */
export const PASSPHRASE_TEXTS = { accept: 'Unlock', restore: 'Go without this key' } as const;

const WIDTH = 66;

export function openPassphrase(question: PassphraseQuestion): PassphraseState {
  return { question, field: textField('') };
}

export function pressInPassphrase(
  state: PassphraseState,
  command: Command | undefined,
  key: Key,
): Outcome<PassphraseState> {
  const { id } = state.question;
  switch (command) {
    case 'accept':
      // It came over what was done before: an Enter that was meant for that unlocks nothing, and refuses nothing.
      return state.field.value === ''
        ? settle(state)
        : settle(state, { type: 'close' }, { type: 'answer-passphrase', id, passphrase: state.field.value });
    case 'restore':
      return settle(state, { type: 'close' }, { type: 'answer-passphrase', id, passphrase: undefined });
    default: {
      const action = fieldAction(command, key);
      return settle(action === undefined ? state : { ...state, field: reduceTextField(state.field, action) });
    }
  }
}

export function pasteInPassphrase(state: PassphraseState, text: string): PassphraseState {
  return { ...state, field: reduceTextField(state.field, { type: 'insert', text }) };
}

export function viewPassphrase(
  { question, field }: PassphraseState,
  size: Size,
): { dialog: Dialog; caret: { row: number; column: number } } {
  const width = Math.min(WIDTH, dialogRoom(size.columns));
  const asked = wrapText(question.text, width).map((part) => line(span(part)));
  const shown = visibleField(maskedField(field), width);
  const why =
    'It unlocks the key for as long as Towline runs, and is kept nowhere. `ssh-add` unlocks it for all programs.';
  return {
    dialog: {
      title: 'Passphrase',
      body: [
        ...asked,
        line(span(padEnd(shown.text, width), 'field')),
        BLANK,
        ...wrapText(why, width).map((part) => line(span(part, 'quiet'))),
      ],
      width,
    },
    caret: { row: asked.length, column: shown.caret },
  };
}
