export { lineAsSeen, textAsSeen } from './line-as-seen.ts';
export type {
  LogEntry,
  LogPage,
  LogPart,
  LogReader,
  PageRequest,
  SearchAnswer,
  SearchRequest,
} from './log-reader.ts';
export { MAX_PAGE_BYTES, MAX_PAGE_LINES, MAX_TEXT_BYTES } from './log-reader.ts';
export { looksLikeError } from './looks-like-error.ts';
export { type LogMask, type LogSink, openStepLog, readStepLog, type StepLog } from './open-step-log.ts';
export type { LogLimits } from './prune.ts';
export { LOG_SUFFIX, pruneLogs } from './prune-logs.ts';
export { MAX_LINE_BYTES } from './terminal-lines.ts';
