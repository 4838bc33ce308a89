import type { StepKind } from '@towline/core/job';

export { STEP_WORDS } from '@towline/core/job';

/** A step in one short word, for the table. */
export const STEP_SHORT: Readonly<Record<StepKind, string>> = {
  'await-build': 'build',
  resolve: 'look up',
  pull: 'pull',
  inspect: 'inspect',
  create: 'create',
  'hold-restart': 'hold',
  'stop-old': 'stop',
  'start-new': 'start',
  gate: 'check',
  'take-over': 'take over',
  rename: 'rename',
  drain: 'drain',
  commit: 'commit',
  restore: 'restore',
  cleanup: 'clean up',
};
