export { endingSentences } from './job-lines.ts';
export {
  type JobState,
  jobEventsArrived,
  jobStreamFailed,
  openJob,
  pressInJob,
  viewJob,
} from './job-screen.ts';
export { STEP_SHORT, STEP_WORDS } from './step-words.ts';
