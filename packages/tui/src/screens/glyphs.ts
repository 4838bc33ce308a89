import type { BuildRunState, VERTEX_STATES } from '@towline/core/build';
import type { JobState, StepState } from '@towline/core/job';
import type { ServerState } from '@towline/core/rules';
import type { Tone } from '../components/index.ts';

/** A glyph and a tone; the word stands beside it always. All are one column wide. */
export interface Mark {
  glyph: string;
  tone: Tone;
}

export const ARMED: Mark = { glyph: '◆', tone: 'armed' };

export const SERVER_MARKS: Readonly<Record<ServerState, Mark>> = {
  Running: { glyph: '●', tone: 'good' },
  Stopped: { glyph: '○', tone: 'quiet' },
  Degraded: { glyph: '▲', tone: 'bad' },
  Unreachable: { glyph: '✗', tone: 'bad' },
  Connecting: { glyph: '·', tone: 'quiet' },
};

export const JOB_MARKS: Readonly<Record<JobState, Mark>> = {
  QUEUED: { glyph: '·', tone: 'quiet' },
  RUNNING: { glyph: '◐', tone: 'active' },
  DONE: { glyph: '✓', tone: 'good' },
  RESTORED: { glyph: '↺', tone: 'armed' },
  DEGRADED: { glyph: '▲', tone: 'bad' },
  REFUSED: { glyph: '⊘', tone: 'bad' },
  CANCELLED: { glyph: '■', tone: 'quiet' },
};

export const STEP_MARKS: Readonly<Record<StepState, Mark>> = {
  WAIT: { glyph: '·', tone: 'quiet' },
  RUNNING: { glyph: '◐', tone: 'active' },
  DONE: { glyph: '✓', tone: 'good' },
  ERROR: { glyph: '✗', tone: 'bad' },
  CANCELLED: { glyph: '■', tone: 'quiet' },
  SKIPPED: { glyph: '–', tone: 'quiet' },
};

export const RUN_MARKS: Readonly<Record<BuildRunState, Mark>> = {
  QUEUED: { glyph: '·', tone: 'quiet' },
  RUNNING: { glyph: '◐', tone: 'active' },
  DONE: { glyph: '✓', tone: 'good' },
  ERROR: { glyph: '✗', tone: 'bad' },
  CANCELLED: { glyph: '■', tone: 'quiet' },
};

export const VERTEX_MARKS: Readonly<Record<(typeof VERTEX_STATES)[number], Mark>> = {
  RUNNING: { glyph: '◐', tone: 'active' },
  DONE: { glyph: '✓', tone: 'good' },
  CACHED: { glyph: '≡', tone: 'quiet' },
  ERROR: { glyph: '✗', tone: 'bad' },
  CANCELLED: { glyph: '■', tone: 'quiet' },
};
