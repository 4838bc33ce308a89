import { buttons, type Dialog, dialogRoom, line, span, wrapText } from '../../components/index.ts';
import type { Command } from '../../keys/index.ts';
import { type Buttons, type ButtonsState, pressButtons } from '../buttons-state.ts';
import { type Outcome, type Question, settle } from '../request.ts';
import type { Size } from '../world.ts';

/** A question before something that can't be taken back. The safe answer is the default. */
export interface ConfirmState extends ButtonsState {
  question: Question;
}

const WIDTH = 66;

export function pressInConfirm(state: ConfirmState, command: Command | undefined): Outcome<ConfirmState> {
  const outcome = pressButtons(state, command, confirmButtons(state).yes);
  if (outcome === undefined) return settle(state);
  if ('marked' in outcome) return settle({ ...state, marked: outcome.marked });
  return outcome.answer === 'yes'
    ? settle(state, { type: 'close' }, ...state.question.requests)
    : settle(state, { type: 'close' });
}

export function confirmButtons({ question }: ConfirmState): Buttons {
  return { labels: [question.keep, question.act], yes: 1 };
}

export function viewConfirm(state: ConfirmState, size: Size): Dialog {
  const { question, marked } = state;
  const width = Math.min(WIDTH, dialogRoom(size.columns));
  return {
    title: question.title,
    body: question.sentences.flatMap((sentence, at) =>
      wrapText(sentence, width).map((part) => line(span(part, at === 0 ? 'plain' : 'quiet'))),
    ),
    foot: [buttons(confirmButtons(state).labels, marked)],
  };
}
