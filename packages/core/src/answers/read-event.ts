import type * as z from 'zod';
import { type BuildEvent, buildEventSchema } from '../build/index.ts';
import { type JobEvent, jobEventSchema } from '../job/index.ts';
import { type WatchEvent, watchEventSchema } from './answers.ts';

/** What a peer sent, looked at before it is believed. */
export type Received<T> =
  | { kind: 'event'; event: T }
  /** Of a type that this side does not know, from a newer peer: ignored, and counted. */
  | { kind: 'unknown'; type: string }
  /** Of a known type and a wrong shape, or no event at all: the connection is closed with this reason. */
  | { kind: 'bad'; reason: string };

/** An event of the watch subscription. Fields that are not known are dropped. */
export function readWatchEvent(value: unknown): Received<WatchEvent> {
  return read(watchEventSchema, WATCH_TYPES, value);
}

/** An event of a followed job, or a line of a journal. Fields that are not known are dropped. */
export function readJobEvent(value: unknown): Received<JobEvent> {
  return read(jobEventSchema, JOB_TYPES, value);
}

/** An event of a followed build run, or a line of its journal. Fields that are not known are dropped. */
export function readBuildEvent(value: unknown): Received<BuildEvent> {
  return read(buildEventSchema, BUILD_TYPES, value);
}

const WATCH_TYPES = new Set<string>(watchEventSchema.options.map((option) => option.shape.type.value));
const JOB_TYPES = new Set<string>(jobEventSchema.options.map((option) => option.shape.type.value));
const BUILD_TYPES = new Set<string>(buildEventSchema.options.map((option) => option.shape.type.value));

function read<T>(schema: z.ZodType<T>, types: ReadonlySet<string>, value: unknown): Received<T> {
  const type = typeof value === 'object' && value !== null && 'type' in value ? value.type : undefined;
  if (typeof type !== 'string') return { kind: 'bad', reason: 'it is no event: it has no type' };
  if (!types.has(type)) return { kind: 'unknown', type: type.slice(0, 100) };
  const parsed = schema.safeParse(value);
  if (parsed.success) return { kind: 'event', event: parsed.data };
  const issue = parsed.error.issues[0];
  const where = issue === undefined || issue.path.length === 0 ? '' : ` at ${issue.path.join('.')}`;
  return { kind: 'bad', reason: `${type}${where}: ${issue?.message ?? 'wrong shape'}` };
}
