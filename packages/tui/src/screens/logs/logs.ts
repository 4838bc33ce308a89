import type { LogLine } from '@towline/core/protocol';
import { BLANK, type Line, line, sanitizeLine, span } from '../../components/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { type LinkLoss, linkLoss } from '../link-loss.ts';
import { movement } from '../list-moves.ts';
import {
  appendEntries,
  EMPTY_WINDOW,
  endOf,
  endOfLine,
  findInWindow,
  type LogText,
  type LogView,
  type LogWindow,
  lineDown,
  lineUp,
  logRows,
  movePlace,
  NO_SEARCH,
  openSearch,
  type Place,
  placeInMiddle,
  pressInSearch,
  type SearchState,
  shownRows,
  typingLine,
  type WindowLine,
} from '../log-view/index.ts';
import { type Outcome, settle } from '../request.ts';
import { statusRows } from '../status-rows.ts';
import { titleLine } from '../title.ts';
import type { Size, World } from '../world.ts';

/** A container's own log: its tail, then what comes. */
export interface LogsState {
  agent: string;
  container: string;
  window: LogWindow;
  /** Where the view is pinned; undefined while it follows. */
  pinned: Place | undefined;
  wrap: boolean;
  search: SearchState;
  /** `ended` is the log of a container that has stopped. */
  stream:
    | { state: 'opening' }
    | { state: 'open' }
    | { state: 'ended' }
    | { state: 'failed'; message: string };
  /** Counts the tries: another number is another stream. */
  attempt: number;
  /** How many of the last lines it begins with. */
  tail: number;
  /** The line that the view was pinned to when older ones were asked for: it is found again among what comes. */
  anchor: WindowLine | undefined;
}

/** What is asked for at first, and of who scrolls up to the first of them: as many as are kept. */
const TAIL = 1_000;
const LONG_TAIL = 10_000;

export function openLogs(agent: string, container: string): LogsState {
  return {
    agent,
    container,
    window: EMPTY_WINDOW,
    pinned: undefined,
    wrap: false,
    search: NO_SEARCH,
    stream: { state: 'opening' },
    attempt: 1,
    tail: TAIL,
    anchor: undefined,
  };
}

/** What came for one try of one container's log; what is left of an older one is dropped. */
export interface LogArrival {
  agent: string;
  container: string;
  attempt: number;
}

export function logLinesArrived(state: LogsState, from: LogArrival, lines: readonly LogLine[]): LogsState {
  if (!isOurs(state, from)) return state;
  const next = state.window.total + 1;
  const entries = lines.map(({ line: text, stream, at }, index) => ({ seq: next + index, text, stream, at }));
  // What scrolls out of what is kept is shown as long as it is there.
  const window = appendEntries(state.window, entries, undefined);
  const arrived: LogsState = { ...state, window, stream: { state: 'open' } };
  const { anchor } = state;
  if (anchor === undefined) return arrived;
  const found = window.lines.findIndex(({ raw, at }) => raw === anchor.raw && at === anchor.at);
  return found < 0 ? arrived : { ...arrived, anchor: undefined, pinned: endOfLine(window.first + found) };
}

/** The agent reads it: a container that has written nothing yet sends no line for which one could wait. */
export function logStreamStarted(state: LogsState, from: LogArrival): LogsState {
  return isOurs(state, from) && state.stream.state === 'opening'
    ? { ...state, stream: { state: 'open' } }
    : state;
}

export function logStreamEnded(state: LogsState, from: LogArrival, failure: string | undefined): LogsState {
  if (!isOurs(state, from)) return state;
  return {
    ...state,
    stream: failure === undefined ? { state: 'ended' } : { state: 'failed', message: failure },
  };
}

function isOurs(state: LogsState, { agent, container, attempt }: LogArrival): boolean {
  return state.agent === agent && state.container === container && state.attempt === attempt;
}

const HEAD_ROWS = 2;
const FOOT_ROWS = 2;
const TROUBLE_ROWS = 3;

function viewOf({ wrap }: LogsState, { columns, rows }: Size): LogView {
  return { columns, height: Math.max(1, rows - HEAD_ROWS - FOOT_ROWS), wrap };
}

/** A container's log has no numbers to ask for more by. */
function textOf({ window }: LogsState): LogText {
  return { window, open: undefined, more: false };
}

export function pressInLogs(
  state: LogsState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<LogsState> {
  if (state.search.typing !== undefined) {
    const { search, begin } = pressInSearch(state.search, command, key);
    const typed = { ...state, search };
    return begin ? find(typed, 'forward', topOf(typed, world), world) : settle(typed);
  }
  const view = viewOf(state, world.size);
  const by = command === undefined ? undefined : movement(command, view.height);
  if (by !== undefined) {
    const moved = { ...state, pinned: movePlace(textOf(state), state.pinned, by, view) };
    // At the first line that there is, nobody has come further up.
    return settle(by < 0 && isOnTop(moved, view) ? withOlder(moved, view) : moved);
  }
  switch (command) {
    case 'follow':
      return settle({ ...state, pinned: undefined });
    case 'search':
      return settle({ ...state, search: openSearch(state.search) });
    case 'search-next':
    case 'search-previous': {
      const { text, found } = state.search;
      if (text === '') return settle({ ...state, search: openSearch(state.search) });
      const direction = command === 'search-next' ? 'forward' : 'backward';
      const next = found === undefined ? topOf(state, world) : found + (direction === 'forward' ? 1 : -1);
      return find(state, direction, next, world);
    }
    case 'line-end':
    case 'line-start': {
      const move = command === 'line-end' ? lineDown : lineUp;
      return settle({ ...state, pinned: move(textOf(state), state.pinned, view) });
    }
    case 'wrap':
      return settle({ ...state, wrap: !state.wrap });
    case 'retry':
      return settle({
        ...openLogs(state.agent, state.container),
        wrap: state.wrap,
        attempt: state.attempt + 1,
      });
    case 'back':
      return settle(state, { type: 'close' });
    default:
      return settle(state);
  }
}

function isOnTop(state: LogsState, view: LogView): boolean {
  const top = shownRows(textOf(state), state.pinned, view)[0];
  return top?.seq === state.window.first && top.from === 0;
}

/** At the first line that there is: the log may have older ones, which are asked for with all others once more. */
function withOlder(state: LogsState, view: LogView): LogsState {
  const { window, tail, pinned } = state;
  if (window.first > 1 || window.lines.length < tail || tail >= LONG_TAIL) return state;
  const bottom = shownRows(textOf(state), pinned, view).at(-1)?.seq ?? endOf(window);
  return {
    ...state,
    window: EMPTY_WINDOW,
    pinned: undefined,
    search: { ...state.search, found: undefined },
    stream: { state: 'opening' },
    attempt: state.attempt + 1,
    tail: LONG_TAIL,
    anchor: window.lines[bottom - window.first],
  };
}

/** The first line in sight. */
function topOf(state: LogsState, world: World): number {
  const shown = shownRows(textOf(state), state.pinned, viewOf(state, world.size));
  return shown[0]?.seq ?? state.window.first;
}

/** In what is kept: the log of a container has no numbers to ask for more by. */
function find(
  state: LogsState,
  direction: 'forward' | 'backward',
  from: number,
  world: World,
): Outcome<LogsState> {
  const { text } = state.search;
  const found = findInWindow(state.window, text, from, direction);
  if (found === undefined) {
    const where = direction === 'forward' ? 'below. N searches upwards.' : 'above. n searches downwards.';
    return settle(state, { type: 'notice', tone: 'plain', text: `No line has “${text}” in it ${where}` });
  }
  const pinned = placeInMiddle(textOf(state), found, undefined, viewOf(state, world.size));
  return settle({ ...state, pinned, search: { ...state.search, found } });
}

export function viewLogs(state: LogsState, world: World, notice: Line | undefined): Frame {
  const { size } = world;
  const title = titleLine(world, [
    span('Log of ', 'quiet'),
    span(state.container, 'strong'),
    span(` on ${state.agent}`, 'quiet'),
  ]);
  const { typing, text, found } = state.search;
  const look = { pinned: state.pinned, wanted: text, found };
  const rows = logRows(textOf(state), look, viewOf(state, size));
  if (typing !== undefined) {
    const field = typingLine('Search: ', typing, size.columns);
    const foot = [field.line, footer('field', size.columns)];
    return {
      lines: composeFrame(size, [title, BLANK], rows, foot),
      cursor: { x: field.caret, y: size.rows - 2 },
    };
  }
  const said = notice === undefined ? troubleOf(state, linkLoss(state.agent, world)) : undefined;
  const keys = footer('logs', size.columns);
  if (said === undefined) {
    return { lines: composeFrame(size, [title, BLANK], rows, [notice ?? streamLine(state), keys]) };
  }
  // What is wrong, and what to do, is longer than a row of a small terminal: it has the head's blank one, and one of the log's.
  const foot = [...statusRows(line(span(sanitizeLine(said), 'bad')), size.columns, TROUBLE_ROWS), keys];
  const room = Math.max(1, size.rows - 1 - foot.length);
  return { lines: composeFrame(size, [title], rows.slice(-room), foot) };
}

/** Why there is nothing new. `loss` is of the link to its agent: the log goes on where it was once that is back. */
function troubleOf({ stream }: LogsState, loss: LinkLoss | undefined): string | undefined {
  if (stream.state === 'failed') return `${stream.message} r tries again.`;
  if (loss === undefined || stream.state === 'ended') return undefined;
  return `✗ ${loss.sentence} ${loss.message}`;
}

function streamLine(state: LogsState): Line {
  const count = state.window.lines.length;
  const gone = state.window.first > 1 ? ', older ones left out' : '';
  const kept = count === 0 ? 'it has written nothing' : `${count} line${count === 1 ? '' : 's'}${gone}`;
  if (state.stream.state === 'opening') return line(span(`  Asking ${state.agent} for the log…`, 'active'));
  if (state.pinned !== undefined) {
    const below = endOf(state.window) - state.pinned.seq;
    return line(
      span('  ■ pinned', 'armed'),
      span(`   ${below} line${below === 1 ? '' : 's'} below, f follows again`, 'quiet'),
    );
  }
  if (state.stream.state === 'ended') return line(span(`  ■ ended   ${kept}`, 'quiet'));
  return line(span('  ● following', 'good'), span(`   ${kept}`, 'quiet'));
}
