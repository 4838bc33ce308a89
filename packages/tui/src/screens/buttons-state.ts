import type { Command } from '../keys/index.ts';

/** A question with two answers: which button is marked. The first is the default. */
export interface ButtonsState {
  marked: 0 | 1;
}

/** `marked` when another button is marked, `answer` when one is pressed; undefined where the key means nothing here. */
export type ButtonsOutcome = { marked: 0 | 1 } | { answer: 'yes' | 'no' } | undefined;

/** The labels of a question's two buttons, in their order, and which of them does what is asked. */
export interface Buttons {
  labels: readonly [string, string];
  yes: 0 | 1;
}

/** What the footer says of its keys: Enter presses the marked button, y the one that does it. */
export function answerTexts(
  { labels, yes }: Buttons,
  { marked }: ButtonsState,
): { press: string; yes: string } {
  return { press: labels[marked], yes: labels[yes] };
}

/** `yes` is the button that does what is asked. */
export function pressButtons(state: ButtonsState, command: Command | undefined, yes: 0 | 1): ButtonsOutcome {
  switch (command) {
    case 'next-button':
      return { marked: state.marked === 0 ? 1 : 0 };
    case 'press':
      return { answer: state.marked === yes ? 'yes' : 'no' };
    case 'yes':
      return { answer: 'yes' };
    case 'back':
      return { answer: 'no' };
    default:
      return undefined;
  }
}
