export { type BatchState, openBatch, pressInBatch, viewBatch } from './batch.ts';
export {
  advance,
  beginExecution,
  buildAnswered,
  buildEventsCame,
  buildLost,
  deployAnswered,
  type Execution,
  isOver,
  newEndings,
  type SentServer,
  sentServers,
  syncExecution,
  tagOf,
  waitingServers,
  watchedRuns,
} from './execution.ts';
