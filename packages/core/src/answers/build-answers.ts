import * as z from 'zod';
import { buildRunSchema, commitSchema } from '../build/index.ts';
import { MAX_LOG_ENTRIES, MAX_LOG_TEXT } from '../protocol/index.ts';

const seq = z.int().positive();

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

export const buildRunsOutputSchema = z.object({
  /** Without their vertices. */
  runs: z.array(buildRunSchema),
  /** Whether there are older ones. */
  more: z.boolean(),
  /** For a `build`: how many runs it ever had, those that the history no longer has included (`lockedFields`). */
  everRun: z.int().min(0).optional(),
});
export type BuildRunsOutput = z.infer<typeof buildRunsOutputSchema>;

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

export const buildLogOutputSchema = z.object({
  /** In order, without gaps; fewer than `limit` where they are long. */
  entries,
  /** How many lines there are by now. */
  lines: z.int().min(0),
});
export type BuildLogOutput = z.infer<typeof buildLogOutputSchema>;
export const buildLogPartOutputSchema = z.object({
  text: z.string().max(MAX_LOG_TEXT),
  /** The byte that it begins at: a few before `at`, where that is in the middle of a character or of a colour. */
  from: z.int().min(0).optional(),
  /** The byte that the next part begins at; absent at the line's end. */
  next: z.int().positive().optional(),
});
export type BuildLogPartOutput = z.infer<typeof buildLogPartOutputSchema>;

/** Found in a line, or in none; or not yet, and to be gone on with from `next`: a search is bounded in time. */
export const searchBuildLogOutputSchema = z.discriminatedUnion('result', [
  /** `at`: where in a line that comes cut it was found, as the byte that is behind it. */
  z.object({ result: z.literal('found'), seq, at: z.int().positive().optional() }),
  z.object({ result: z.literal('continue'), next: seq }),
  z.object({ result: z.literal('nowhere') }),
]);
export type SearchBuildLogOutput = z.infer<typeof searchBuildLogOutputSchema>;
/** In bytes. */
export const cleanBuildOutputSchema = z.object({ freed: z.number().min(0) });
export type CleanBuildOutput = z.infer<typeof cleanBuildOutputSchema>;
/** `masked` is false where the value is too short to be hidden in output. */
export const putSecretOutputSchema = z.object({ name: z.string(), masked: z.boolean() });
export type PutSecretOutput = z.infer<typeof putSecretOutputSchema>;
export const secretNamesSchema = z.array(z.object({ name: z.string(), updatedAt: z.string() }));
export type SecretNames = z.infer<typeof secretNamesSchema>;

export const commitsBetweenOutputSchema = z.object({
  /** `forward`: `to` came after `from`. `backward`: a rollback, these are taken back. `diverged`: neither is the other's. */
  direction: z.enum(['same', 'forward', 'backward', 'diverged']),
  /** Newest first: what `to` has and `from` has not; of `backward`, what `from` has and `to` has not. */
  commits: z.array(commitSchema).max(1_000),
  /** Whether there are more than `limit`. */
  more: z.boolean(),
});
export type CommitsBetweenOutput = z.infer<typeof commitsBetweenOutputSchema>;
