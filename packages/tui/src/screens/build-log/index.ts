export {
  type BuildLogState,
  buildLogContext,
  logEnded,
  logEntriesCame,
  logPageCame,
  logPartCame,
  noteSet,
  openBuildLog,
  pasteInBuildLog,
  pressInBuildLog,
  runEventsCame,
  runStreamFailed,
  type Seeking,
  type StepLogArrival,
  searchCame,
  subscribed,
  syncBuildLog,
} from './build-log.ts';
export type { Missing } from './step-log.ts';
export { viewBuildLog, viewSteps } from './view.ts';
