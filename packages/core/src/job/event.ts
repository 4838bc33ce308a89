import * as z from 'zod';
import { IMAGE_MODES, REFUSAL_CODES } from '../rules/index.ts';
import { settingChangeSchema } from './change.ts';

export const JOB_STATES = [
  'QUEUED',
  'RUNNING',
  'DONE',
  'RESTORED',
  'DEGRADED',
  'REFUSED',
  'CANCELLED',
] as const;
export type JobState = (typeof JOB_STATES)[number];

export const STEP_STATES = ['WAIT', 'RUNNING', 'DONE', 'ERROR', 'CANCELLED', 'SKIPPED'] as const;
export type StepState = (typeof STEP_STATES)[number];

/**
 * The steps of a job: `await-build` where its image is being built still, then those of a replacement in the order of the
 * sequence; `restore` and `cleanup` where they apply.
 */
export const STEP_KINDS = [
  'await-build',
  'resolve',
  'pull',
  'inspect',
  'create',
  'hold-restart',
  'stop-old',
  'start-new',
  'gate',
  'take-over',
  'rename',
  'drain',
  'commit',
  'restore',
  'cleanup',
] as const;
export type StepKind = (typeof STEP_KINDS)[number];

const version = z.object({ tag: z.string(), digest: z.string().optional() });

export const refusalSchema = z.object({
  /** One of a newer peer is read as what this side can't do: its sentence says what it is. */
  code: z.enum(REFUSAL_CODES).catch('not-supported'),
  message: z.string(),
  container: z.string().optional(),
});

export const jobErrorSchema = z.object({ code: z.string(), message: z.string() });

export const jobTaskSchema = z.object({
  container: z.string(),
  mode: z.enum(IMAGE_MODES),
  from: version.optional(),
  to: version,
});
export type JobTask = z.infer<typeof jobTaskSchema>;

/** Times are ISO 8601 in UTC, from the agent's clock. `seq` counts up from 1 within a job; after a fault numbers may be left out. */
const base = { seq: z.int().positive(), at: z.string() };

/** What happened in a job. State is the fold of these (`reduceJob`); they are what is journaled and streamed. */
export const jobEventSchema = z.discriminatedUnion('type', [
  z.object({
    ...base,
    type: z.literal('queued'),
    id: z.string(),
    key: z.string(),
    service: z.string(),
    map: z.string(),
    server: z.string(),
    operator: z.string(),
    tasks: z.array(jobTaskSchema),
  }),
  z.object({ ...base, type: z.literal('started') }),
  /** The plan: every step that is expected, in order, so that a screen can show those that wait. */
  z.object({
    ...base,
    type: z.literal('planned'),
    steps: z.array(z.object({ id: z.string(), kind: z.enum(STEP_KINDS), container: z.string() })),
  }),
  z.object({
    ...base,
    type: z.literal('step-started'),
    step: z.string(),
    kind: z.enum(STEP_KINDS),
    container: z.string(),
    /** What it waits for, where that is not said by its kind: the rule of a check. */
    detail: z.string().optional(),
  }),
  /**
   * Of a pull: bytes so far and of how many; `total` is absent while it is not known. Of a build: at which of its steps it is,
   * and in `detail` what it does there. Of a check: how many tries, and in `detail` what the last one saw. At most 5 a second.
   */
  z.object({
    ...base,
    type: z.literal('step-progress'),
    step: z.string(),
    current: z.number(),
    total: z.number().optional(),
    detail: z.string().optional(),
  }),
  z.object({
    ...base,
    type: z.literal('step-ended'),
    step: z.string(),
    state: z.enum(STEP_STATES),
    message: z.string().optional(),
  }),
  /** The tag was looked up: from what to what, with digests. */
  z.object({
    ...base,
    type: z.literal('resolved'),
    container: z.string(),
    from: version.optional(),
    to: version,
  }),
  /** The new container was created, and the old one not touched yet: what is not the same in the two. */
  z.object({
    ...base,
    type: z.literal('compared'),
    container: z.string(),
    changes: z.array(settingChangeSchema),
  }),
  /** Lines of a container that failed, newest last; at most 200. */
  z.object({ ...base, type: z.literal('container-log'), container: z.string(), lines: z.array(z.string()) }),
  z.object({ ...base, type: z.literal('refused'), refusal: refusalSchema }),
  z.object({ ...base, type: z.literal('failed'), error: jobErrorSchema }),
  /** Somebody asked it to end. */
  z.object({ ...base, type: z.literal('cancel-requested'), operator: z.string() }),
  /** What a person types to bring the server back by hand. */
  z.object({ ...base, type: z.literal('degraded'), commands: z.array(z.string()) }),
  z.object({ ...base, type: z.literal('ended'), state: z.enum(JOB_STATES) }),
]);
export type JobEvent = z.infer<typeof jobEventSchema>;
/** An event before the journal numbers and dates it. */
export type JobEventBody = JobEvent extends infer E
  ? E extends JobEvent
    ? Omit<E, 'seq' | 'at'>
    : never
  : never;
