import {
  type Dialog,
  dialogRoom,
  dialogRows,
  type Line,
  line,
  padEnd,
  span,
  wrapText,
} from '../../components/index.ts';
import { bindingsIn, type Command, type Context, keyName } from '../../keys/index.ts';
import { movement } from '../list-moves.ts';
import { type Outcome, settle } from '../request.ts';
import type { Size } from '../world.ts';

/** The keys of the screen that it was opened on, as the key table has them. */
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
  return {
    title: 'Keys',
    body: lines.slice(top, top + height),
    foot: [
      line(
        span(
          last === 0 ? 'Esc closes' : top < last ? 'j and k scroll, Esc closes' : 'the end, Esc closes',
          'quiet',
        ),
      ),
    ],
  };
}

function helpLines(context: Context, { columns }: Size): Line[] {
  const bindings = bindingsIn(context);
  const keys = (at: number) => (bindings[at]?.keys ?? []).map(keyName).join(' ');
  const left = Math.max(...bindings.map((_, at) => keys(at).length)) + 3;
  return bindings.flatMap(({ words }, at) =>
    wrapText(words, dialogRoom(columns) - left).map((part, row) =>
      line(span(padEnd(row === 0 ? keys(at) : '', left), 'key'), span(part)),
    ),
  );
}
