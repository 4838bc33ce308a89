export { type LogLook, logRows } from './log-rows.ts';
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
export { lineDown, lineUp, movePlace, placeInMiddle, placeOnTop } from './moves.ts';
export { type LinePart, type LogText, type OpenLine, type Piece, piecesAt } from './pieces.ts';
export {
  endOfLine,
  isEndOfLine,
  type LogView,
  type Place,
  placeOf,
  type Row,
  shownRows,
} from './rows.ts';
export {
  NO_SEARCH,
  openSearch,
  pasteInSearch,
  pressInSearch,
  type SearchState,
  typingLine,
} from './search.ts';
