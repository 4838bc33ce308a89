export { type LogLook, type LogView, leastPin, logRows, pinFor } from './log-rows.ts';
export {
  appendEntries,
  EMPTY_WINDOW,
  endOf,
  findInWindow,
  type LogEntry,
  type LogWindow,
  putPage,
  type WindowLine,
} from './log-window.ts';
export {
  NO_SEARCH,
  openSearch,
  pasteInSearch,
  pressInSearch,
  type SearchState,
  typingLine,
} from './search.ts';
