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
import type { Command } from '../../keys/index.ts';
import { movement } from '../list-moves.ts';
import type { Detail } from '../pipeline/index.ts';
import { type Outcome, settle } from '../request.ts';
import { retryRequests } from '../retry-agents.ts';
import type { Size, World } from '../world.ts';

/** A row of the table with all that it has to say, nothing of it cut. */
export interface DetailsState {
  /** Its key: what is shown follows it. */
  row: string;
  top: number;
}

const FOOT_ROWS = 1;
const LABELS = 12;

export function pressInDetails(
  state: DetailsState,
  details: readonly Detail[] | undefined,
  command: Command | undefined,
  world: World,
): Outcome<DetailsState> {
  const { size } = world;
  if (command === 'back' || command === 'open') return settle(state, { type: 'close' });
  if (command === 'retry') return settle(state, ...retryRequests(world));
  const height = dialogRows(size.rows, FOOT_ROWS);
  const by = command === undefined ? undefined : movement(command, height);
  if (by === undefined) return settle(state);
  const last = Math.max(0, detailLines(details, size).length - height);
  return settle({ ...state, top: Math.min(Math.max(0, state.top + by), last) });
}

export function viewDetails(state: DetailsState, details: readonly Detail[] | undefined, size: Size): Dialog {
  const lines = detailLines(details, size);
  const height = dialogRows(size.rows, FOOT_ROWS);
  const top = Math.min(state.top, Math.max(0, lines.length - height));
  return {
    title: state.row.replace(/\/$/, ''),
    width: 44,
    body: lines.slice(top, top + height),
    foot: [line(span(lines.length > height ? 'j and k scroll, Esc closes' : 'Esc closes', 'quiet'))],
  };
}

function detailLines(details: readonly Detail[] | undefined, size: Size): Line[] {
  if (details === undefined) return [line(span('It is not in the map any more.', 'quiet'))];
  return details.flatMap(({ label, text, tone }) =>
    wrapText(text, dialogRoom(size.columns) - LABELS).map((part, at) =>
      line(span(padEnd(at === 0 ? label : '', LABELS), 'quiet'), span(part, tone)),
    ),
  );
}
