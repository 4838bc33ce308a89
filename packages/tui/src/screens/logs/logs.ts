import type { LogLine } from '@towline/core/protocol';
import { BLANK, type Line, line, span } from '../../components/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { movement } from '../list-moves.ts';
import {
  appendEntries,
  EMPTY_WINDOW,
  endOf,
  findInWindow,
  type LogWindow,
  leastPin,
  logRows,
  NO_SEARCH,
  openSearch,
  pinFor,
  pressInSearch,
  type SearchState,
  typingLine,
  type WindowLine,
} from '../log-view/index.ts';
import { type Outcome, settle } from '../request.ts';
import { titleLine } from '../title.ts';
import type { Size, World } from '../world.ts';

/** A container's own log: its tail, then what comes. */
export interface LogsState {
  agent: string;
  container: string;
  window: LogWindow;
  /** The number of the last line shown while the view is pinned; undefined while it follows. */
  pinned: number | undefined;
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
  const found = window.lines.findIndex(({ text, at }) => text === anchor.text && at === anchor.at);
  return found < 0 ? arrived : { ...arrived, anchor: undefined, pinned: window.first + found };
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

function logHeight(size: Size): number {
  return Math.max(1, size.rows - HEAD_ROWS - FOOT_ROWS);
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
  const height = logHeight(world.size);
  const by = command === undefined ? undefined : movement(command, height);
  if (by !== undefined) {
    const end = endOf(state.window);
    const last = (state.pinned ?? end) + by;
    // Scrolled to the end, it follows again.
    if (last >= end) return settle({ ...state, pinned: undefined });
    const least = state.window.first - 1 + leastPin({ height, wrap: state.wrap }, state.window.lines.length);
    const pinned = Math.max(last, least);
    return settle(last < least ? withOlder({ ...state, pinned }) : { ...state, pinned });
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

/** At the first line that there is: the log may have older ones, which are asked for with all others once more. */
function withOlder(state: LogsState): LogsState {
  const { window, tail, pinned } = state;
  if (window.first > 1 || window.lines.length < tail || tail >= LONG_TAIL) return state;
  return {
    ...state,
    window: EMPTY_WINDOW,
    pinned: undefined,
    search: { ...state.search, found: undefined },
    stream: { state: 'opening' },
    attempt: state.attempt + 1,
    tail: LONG_TAIL,
    anchor: window.lines[(pinned ?? endOf(window)) - window.first],
  };
}

/** The first line in sight. */
function topOf(state: LogsState, world: World): number {
  const bottom = state.pinned ?? endOf(state.window);
  return Math.max(state.window.first, bottom - logHeight(world.size) + 1);
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
  const view = { height: logHeight(world.size), wrap: state.wrap };
  const pinned = pinFor(found, view, endOf(state.window));
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
  const height = logHeight(size);
  const look = { pinned: state.pinned, wrap: state.wrap, wanted: text, found };
  const rows = logRows(state.window, look, size.columns, height);
  if (typing !== undefined) {
    const field = typingLine('Search: ', typing, size.columns);
    const foot = [field.line, footer('field', size.columns)];
    return {
      lines: composeFrame(size, [title, BLANK], rows, foot),
      cursor: { x: field.caret, y: size.rows - 2 },
    };
  }
  return {
    lines: composeFrame(size, [title, BLANK], rows, [
      notice ?? streamLine(state),
      footer('logs', size.columns),
    ]),
  };
}

function streamLine(state: LogsState): Line {
  const count = state.window.lines.length;
  const gone = state.window.first > 1 ? ', older ones left out' : '';
  const kept = `${count} line${count === 1 ? '' : 's'}${gone}`;
  if (state.stream.state === 'failed') return line(span(`  ${state.stream.message} r tries again.`, 'bad'));
  if (state.stream.state === 'opening') return line(span(`  Asking ${state.agent} for the log…`, 'active'));
  if (state.pinned !== undefined) {
    const below = endOf(state.window) - state.pinned;
    return line(
      span('  ■ pinned', 'armed'),
      span(`   ${below} line${below === 1 ? '' : 's'} below, f follows again`, 'quiet'),
    );
  }
  if (state.stream.state === 'ended') return line(span(`  ■ ended   ${kept}`, 'quiet'));
  return line(span('  ● following', 'good'), span(`   ${kept}`, 'quiet'));
}
