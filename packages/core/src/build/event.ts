import * as z from 'zod';
import { BUILD_RUN_STATES, BUILD_STEP_KINDS, BUILD_STEP_STATES } from './step.ts';

/** A commit as it was when a run resolved its ref. */
export const commitSchema = z.object({
  /** All 40 or 64 digits. */
  commit: z.string().max(64),
  /** The first line of its message. */
  subject: z.string().max(1_000),
  author: z.string().max(500),
  /** When it was committed, ISO 8601. */
  date: z.string().max(50),
});
export type Commit = z.infer<typeof commitSchema>;

/** Why a step or a run ended as it did. */
export const buildErrorSchema = z.object({
  /** Of the part that failed, such as `git-auth` or `interrupted`; for programs. */
  code: z.string().max(100),
  /** What happened and what to do. Nothing secret. */
  message: z.string().max(10_000),
  /** The line that did it, where there is one: of the Dockerfile, or of the output. */
  line: z
    .object({
      text: z.string().max(2_000),
      /** The Dockerfile's, from 1. */
      number: z.int().positive().optional(),
      /** Where it is in the step's log: what "jump to the first error" jumps to. */
      seq: z.int().positive().optional(),
    })
    .optional(),
});
export type BuildError = z.infer<typeof buildErrorSchema>;

export const VERTEX_STATES = ['RUNNING', 'DONE', 'CACHED', 'ERROR', 'CANCELLED'] as const;

/** One step of a Dockerfile as its builder runs it. */
export const vertexSchema = z.object({
  /** Within its run. */
  id: z.string().max(200),
  /** As the builder calls it: `[2/3] COPY . /srv`. */
  name: z.string().max(2_000),
  state: z.enum(VERTEX_STATES),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  error: z.string().max(2_000).optional(),
});
export type Vertex = z.infer<typeof vertexSchema>;

const step = z.enum(BUILD_STEP_KINDS);
const note = z.string().max(1_000);

/** Times are ISO 8601 in UTC, from the agent's clock. `seq` counts up from 1 within a run; after a fault numbers may be left out. */
const base = { seq: z.int().positive(), at: z.string() };

/** What happened in a build run. State is the fold of these (`reduceBuildRun`); they are journaled and streamed. */
export const buildEventSchema = z.discriminatedUnion('type', [
  /** The first one. Written before anybody hears of the number: that is what claims it. */
  z.object({
    ...base,
    type: z.literal('queued'),
    id: z.string(),
    key: z.string(),
    service: z.string(),
    build: z.string(),
    number: z.int().positive(),
    /** `runTag(version, number)`. */
    tag: z.string(),
    version: z.string(),
    /** The image's name without a tag. */
    image: z.string(),
    operator: z.string(),
    note: note.optional(),
    /** The hash of the definition's `canonical` text. */
    fingerprint: z.string(),
    /** All that this run has, in their order. */
    steps: z.array(step).min(1),
    /** Where it runs one step alone. */
    only: step.optional(),
  }),
  z.object({ ...base, type: z.literal('started') }),
  z.object({ ...base, type: z.literal('step-started'), step }),
  /** Bytes so far and of how many; `total` is absent while it is not known. At most 5 a second. */
  z.object({
    ...base,
    type: z.literal('step-progress'),
    step,
    current: z.number(),
    total: z.number().optional(),
    detail: z.string().optional(),
  }),
  z.object({
    ...base,
    type: z.literal('step-ended'),
    step,
    state: z.enum(BUILD_STEP_STATES),
    error: buildErrorSchema.optional(),
  }),
  /** What the ref was when the source was read. */
  z.object({ ...base, ...commitSchema.shape, type: z.literal('resolved-commit'), ref: z.string() }),
  /** A step of the Dockerfile began, or ended: the newest of an id counts. */
  z.object({ ...base, ...vertexSchema.shape, type: z.literal('vertex'), step }),
  z.object({ ...base, type: z.literal('image'), imageId: z.string(), size: z.number().optional() }),
  z.object({ ...base, type: z.literal('pushed'), digest: z.string(), size: z.number().optional() }),
  /** Somebody asked for its end; it goes on until `ended`. */
  z.object({ ...base, type: z.literal('cancel-requested'), operator: z.string() }),
  z.object({
    ...base,
    type: z.literal('ended'),
    state: z.enum(BUILD_RUN_STATES),
    error: buildErrorSchema.optional(),
  }),
  /** The note was written or changed; also after the end. */
  z.object({ ...base, type: z.literal('noted'), note, operator: z.string() }),
  /** The image was pruned from the agent, after the end. It is in the registry still where it was pushed. */
  z.object({ ...base, type: z.literal('image-removed') }),
]);
export type BuildEvent = z.infer<typeof buildEventSchema>;
/** An event before the journal numbers and dates it. */
export type BuildEventBody = BuildEvent extends infer E
  ? E extends BuildEvent
    ? Omit<E, 'seq' | 'at'>
    : never
  : never;
