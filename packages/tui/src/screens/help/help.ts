import {
  BLANK,
  type Dialog,
  dialogRoom,
  dialogRows,
  type Line,
  line,
  lineWidth,
  padEnd,
  span,
  textWidth,
  wrapText,
} from '../../components/index.ts';
import { bindingsIn, type Command, type Context, keyName } from '../../keys/index.ts';
import { movement } from '../list-moves.ts';
import { type Outcome, settle } from '../request.ts';
import type { Size } from '../world.ts';
import { signsIn } from './signs.ts';

/** The keys of the screen that it was opened on, as the key table has them, and below them what its signs mean. */
export interface HelpState {
  context: Context;
  top: number;
}

export function pressInHelp(state: HelpState, command: Command | undefined, size: Size): Outcome<HelpState> {
  if (command === 'back' || command === 'help') return settle(state, { type: 'close' });
  const by = command === undefined ? undefined : movement(command, dialogRows(size.rows, 1));
  if (by === undefined) return settle(state);
  const last = Math.max(0, helpLines(state.context, size).length - dialogRows(size.rows, 1));
  return settle({ ...state, top: Math.min(Math.max(0, state.top + by), last) });
}

export function viewHelp(state: HelpState, size: Size): Dialog {
  const lines = helpLines(state.context, size);
  const height = dialogRows(size.rows, 1);
  const last = Math.max(0, lines.length - height);
  const top = Math.min(state.top, last);
  const signs = signsIn(state.context).length > 0;
  const more = signs ? 'j and k scroll, G shows the signs, Esc closes' : 'j and k scroll, Esc closes';
  return {
    title: signs ? 'Keys and signs' : 'Keys',
    // Of all lines, not of those in sight: it stays as wide as it is while one scrolls.
    width: Math.max(...lines.map(lineWidth)),
    body: lines.slice(top, top + height),
    foot: [line(span(last === 0 ? 'Esc closes' : top < last ? more : 'the end, Esc closes', 'quiet'))],
  };
}

function helpLines(context: Context, { columns }: Size): Line[] {
  const keys = bindingsIn(context).map(({ keys: bound, words }) => ({
    name: bound.map(keyName).join(' '),
    words,
  }));
  const signs = signsIn(context).map(({ sign, words }) => ({ name: sign, words }));
  const left = Math.max(...[...keys, ...signs].map(({ name }) => textWidth(name))) + 3;
  const explained = ({ name, words }: { name: string; words: string }) =>
    wrapText(words, dialogRoom(columns) - left).map((part, row) =>
      line(span(padEnd(row === 0 ? name : '', left), 'key'), span(part)),
    );
  return [...keys.flatMap(explained), ...(signs.length > 0 ? [BLANK] : []), ...signs.flatMap(explained)];
}
