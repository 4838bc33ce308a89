export { type BatchState, openBatch, pressInBatch, viewBatch } from './batch.ts';
export {
  beginExecution,
  type Execution,
  isOver,
  newEndings,
  type SentServer,
  sentServers,
  tagOf,
  waitingServers,
} from './execution.ts';
