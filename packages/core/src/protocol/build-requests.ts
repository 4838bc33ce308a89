import * as z from 'zod';
import { BUILD_STEP_KINDS, buildDefinitionSchema, isSecretName } from '../build/index.ts';

/** In `hello`: what an agent that has the verbs below says. */
export const BUILDS_CAPABILITY = 'builds';

/** In `hello`: its jobs wait by themselves for a run of its own that is not over (`built` of a Build & Deploy). */
export const AWAIT_BUILD_CAPABILITY = 'await-build';

const name = z.string().min(1).max(255);
const id = z.string().min(1).max(200);
const operator = z.string().max(200);
const step = z.enum(BUILD_STEP_KINDS);
const note = z.string().max(1_000);
const seq = z.int().positive();
/** A commit, or a build tag, which stands for the commit that its run was of. */
const commitOrTag = z.string().min(1).max(250);

export const runBuildInputSchema = z.object({
  /** The idempotency key: a repeated one answers with the run that it started. */
  key: z.string().min(8).max(200),
  service: name,
  definition: buildDefinitionSchema,
  operator,
  note: note.optional(),
  /** One step alone; `bad-request` where the definition does not have it. */
  only: step.optional(),
});
export type RunBuildInput = z.infer<typeof runBuildInputSchema>;

/** At any step, and in the queue. One that is over is `bad-request`. */
export const cancelBuildInputSchema = z.object({ id, operator: operator.optional() });

/** Newest first. */
export const buildRunsInputSchema = z.object({
  service: name.optional(),
  build: name.optional(),
  limit: z.int().min(1).max(1_000).default(100),
  /** Only those that were queued before this run: to page on. */
  before: id.optional(),
});
export type BuildRunsInput = z.infer<typeof buildRunsInputSchema>;

export const buildRunInputSchema = z.object({ id });
/** Ends with the run. `lastEventId` is the `seq` of the last event seen, as text: tRPC's tracked() resumes by it. */
export const followBuildRunInputSchema = z.object({ id, lastEventId: z.string().max(20).optional() });

/** A longer line comes cut; `buildLogPart` has the rest. In characters. */
export const MAX_LOG_TEXT = 65_536;
/** In one message. */
export const MAX_LOG_ENTRIES = 1_000;

/** What is there and then every new line, until the step's log ends. */
export const followBuildLogInputSchema = z.object({
  run: id,
  step,
  /** The first line to have. Without it and `tail`, the log's first. */
  fromSeq: seq.optional(),
  /** Begin with this many of the last lines; `fromSeq` goes before it. */
  tail: z.int().min(0).max(1_000_000).optional(),
  /** The `seq` of the last line seen, as text; goes before both. */
  lastEventId: z.string().max(20).optional(),
  /**
   * For who watches the log's end: where more lines than so many have not come yet, those before the last ones are left
   * out. Without it, none is.
   */
  latest: z.int().min(1).max(MAX_LOG_ENTRIES).optional(),
});
export type FollowBuildLogInput = z.infer<typeof followBuildLogInputSchema>;

/** A page of a log, for a screen that scrolls: a few lines of millions. */
export const buildLogInputSchema = z.object({
  run: id,
  step,
  /** From a line on, or those just before one, or the last. */
  at: z.union([z.object({ from: seq }), z.object({ before: seq }), z.literal('end')]),
  limit: z.int().min(1).max(MAX_LOG_ENTRIES).default(500),
});
export type BuildLogInput = z.infer<typeof buildLogInputSchema>;

/** A part of a line that came cut, from a byte of it on, and up to another one where that is said. */
export const buildLogPartInputSchema = z.object({
  run: id,
  step,
  seq,
  at: z.int().min(0),
  until: z.int().positive().optional(),
});
export type BuildLogPartInput = z.infer<typeof buildLogPartInputSchema>;

export const searchBuildLogInputSchema = z.object({
  run: id,
  step,
  /** A text, in upper or lower case; or the first line that looks like an error. */
  what: z.union([z.object({ text: z.string().min(1).max(200) }), z.literal('error')]),
  /** The line to begin with, itself included. */
  from: seq,
  direction: z.enum(['forward', 'backward']).default('forward'),
});
export type SearchBuildLogInput = z.infer<typeof searchBuildLogInputSchema>;

/** An empty note takes it away. */
export const setBuildNoteInputSchema = z.object({ id, note, operator });
export type SetBuildNoteInput = z.infer<typeof setBuildNoteInputSchema>;

/** Refused with `build-running` while a run of the build has not ended. */
export const cleanBuildInputSchema = z.object({
  service: name,
  build: name,
  what: z
    .array(z.enum(['source', 'cache']))
    .min(1)
    .max(2),
  operator,
});
export type CleanBuildInput = z.infer<typeof cleanBuildInputSchema>;

const secretName = z.string().refine(isSecretName, { error: 'not the name of a secret' });
/** There is no verb that reads a value back. */
export const putSecretInputSchema = z.object({
  name: secretName,
  value: z.string().min(1).max(65_536),
  operator,
});
export type PutSecretInput = z.infer<typeof putSecretInputSchema>;
export const removeSecretInputSchema = z.object({ name: secretName, operator });
export type RemoveSecretInput = z.infer<typeof removeSecretInputSchema>;

export const commitsBetweenInputSchema = z.object({
  service: name,
  build: name,
  from: commitOrTag,
  to: commitOrTag,
  limit: z.int().min(1).max(1_000).default(100),
});
export type CommitsBetweenInput = z.infer<typeof commitsBetweenInputSchema>;
