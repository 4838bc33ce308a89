export { deriveFor } from './derive-for.ts';
export { engineIsBack, isUnreachable } from './engine-patience.ts';
export type { Surroundings } from './find-followers.ts';
export { DEFAULT_SETTLE_SECONDS } from './gate.ts';
export { type JobWriter, type KeptContainer, type ReplaceRecord, replaceRecordSchema } from './job-record.ts';
export { jsonOf } from './json.ts';
export { notKept, type OldContainer } from './not-kept.ts';
export { isOwnContainer, type OwnTraces, readOwnTraces } from './own-container.ts';
export { planServer, type UnbuiltTask } from './plan-server.ts';
export { type Recovered, type Recreate, recoverServer } from './recover-server.ts';
export {
  type Replaced,
  type ReplaceTask,
  replaceServer,
} from './replace-server.ts';
export { restoredWords } from './restored-words.ts';
export type { SavedContainer } from './saved.ts';
export { JOB_LABEL, planSteps, previousName, type Step, stepOf } from './steps.ts';
export { updateOrder } from './update-order.ts';
