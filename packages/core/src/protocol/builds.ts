import * as z from 'zod';
import {
  BUILD_STEP_KINDS,
  buildDefinitionSchema,
  buildRunSchema,
  commitSchema,
  isSecretName,
} from '../build/index.ts';

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

export const runBuildOutputSchema = z.object({
  runId: z.string(),
  number: z.int().positive(),
  tag: z.string(),
  /** True where the key had started this run before. */
  repeated: z.boolean(),
  /** Where it waits: which of those that wait it is, and for what, as a part of a sentence. Absent where it runs. */
  queue: z.object({ position: z.int().positive(), reason: z.string() }).optional(),
});
export type RunBuildOutput = z.infer<typeof runBuildOutputSchema>;

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

export const buildRunsOutputSchema = z.object({
  /** Without their vertices. */
  runs: z.array(buildRunSchema),
  /** Whether there are older ones. */
  more: z.boolean(),
  /** For a `build`: how many runs it ever had, those that the history no longer has included (`lockedFields`). */
  everRun: z.int().min(0).optional(),
});
export type BuildRunsOutput = z.infer<typeof buildRunsOutputSchema>;

export const buildRunInputSchema = z.object({ id });
/** Ends with the run. `lastEventId` is the `seq` of the last event seen, as text: tRPC's tracked() resumes by it. */
export const followBuildRunInputSchema = z.object({ id, lastEventId: z.string().max(20).optional() });

/** A longer line comes cut; `buildLogPart` has the rest. In characters. */
export const MAX_LOG_TEXT = 65_536;
/** In one message. */
export const MAX_LOG_ENTRIES = 1_000;

/** A line of a step's log. */
export const buildLogEntrySchema = z.object({
  /** The line's number in its step, from 1, without gaps. */
  seq,
  /** Without its end of line; it may have colours (SGR) in it, and no other control characters than tabs. */
  text: z.string().max(MAX_LOG_TEXT),
  /** Of a line that is cut, how long all of it is, in bytes. */
  bytes: z.int().optional(),
  /** Where the agent tells them apart. */
  stream: z.enum(['stdout', 'stderr']).optional(),
});
export type BuildLogEntry = z.infer<typeof buildLogEntrySchema>;

const entries = z.array(buildLogEntrySchema).max(MAX_LOG_ENTRIES);

/** What `followBuildLog` yields, tracked by its last entry's `seq`: several lines a message, because there are millions. */
export const buildLogChunkSchema = z.object({ entries });
export type BuildLogChunk = z.infer<typeof buildLogChunkSchema>;

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

export const buildLogOutputSchema = z.object({
  /** In order, without gaps; fewer than `limit` where they are long. */
  entries,
  /** How many lines there are by now. */
  lines: z.int().min(0),
});
export type BuildLogOutput = z.infer<typeof buildLogOutputSchema>;

/** A part of a line that came cut, from a byte of it on, and up to another one where that is said. */
export const buildLogPartInputSchema = z.object({
  run: id,
  step,
  seq,
  at: z.int().min(0),
  until: z.int().positive().optional(),
});
export type BuildLogPartInput = z.infer<typeof buildLogPartInputSchema>;
export const buildLogPartOutputSchema = z.object({
  text: z.string().max(MAX_LOG_TEXT),
  /** The byte that it begins at: a few before `at`, where that is in the middle of a character or of a colour. */
  from: z.int().min(0).optional(),
  /** The byte that the next part begins at; absent at the line's end. */
  next: z.int().positive().optional(),
});
export type BuildLogPartOutput = z.infer<typeof buildLogPartOutputSchema>;

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

/** Found in a line, or in none; or not yet, and to be gone on with from `next`: a search is bounded in time. */
export const searchBuildLogOutputSchema = z.discriminatedUnion('result', [
  /** `at`: where in a line that comes cut it was found, as the byte that is behind it. */
  z.object({ result: z.literal('found'), seq, at: z.int().positive().optional() }),
  z.object({ result: z.literal('continue'), next: seq }),
  z.object({ result: z.literal('nowhere') }),
]);
export type SearchBuildLogOutput = z.infer<typeof searchBuildLogOutputSchema>;

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
/** In bytes. */
export const cleanBuildOutputSchema = z.object({ freed: z.number().min(0) });
export type CleanBuildOutput = z.infer<typeof cleanBuildOutputSchema>;

const secretName = z.string().refine(isSecretName, { error: 'not the name of a secret' });
/** There is no verb that reads a value back. */
export const putSecretInputSchema = z.object({
  name: secretName,
  value: z.string().min(1).max(65_536),
  operator,
});
export type PutSecretInput = z.infer<typeof putSecretInputSchema>;
/** `masked` is false where the value is too short to be hidden in output. */
export const putSecretOutputSchema = z.object({ name: z.string(), masked: z.boolean() });
export type PutSecretOutput = z.infer<typeof putSecretOutputSchema>;
export const removeSecretInputSchema = z.object({ name: secretName, operator });
export type RemoveSecretInput = z.infer<typeof removeSecretInputSchema>;
export const secretNamesSchema = z.array(z.object({ name: z.string(), updatedAt: z.string() }));
export type SecretNames = z.infer<typeof secretNamesSchema>;

export const commitsBetweenInputSchema = z.object({
  service: name,
  build: name,
  from: commitOrTag,
  to: commitOrTag,
  limit: z.int().min(1).max(1_000).default(100),
});
export type CommitsBetweenInput = z.infer<typeof commitsBetweenInputSchema>;

export const commitsBetweenOutputSchema = z.object({
  /** `forward`: `to` came after `from`. `backward`: a rollback, these are taken back. `diverged`: neither is the other's. */
  direction: z.enum(['same', 'forward', 'backward', 'diverged']),
  /** Newest first: what `to` has and `from` has not; of `backward`, what `from` has and `to` has not. */
  commits: z.array(commitSchema).max(1_000),
  /** Whether there are more than `limit`. */
  more: z.boolean(),
});
export type CommitsBetweenOutput = z.infer<typeof commitsBetweenOutputSchema>;
