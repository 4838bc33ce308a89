import type { JobEventBody } from '@towline/core/job';
import * as z from 'zod';
import { savedContainerSchema } from './saved.ts';

/** What a replacement writes into its job's journal beside the events: what a recovery needs, and nobody else. */
export const replaceRecordSchema = z.discriminatedUnion('record', [
  /** Before the first container is created. */
  z.object({ record: z.literal('saved'), containers: z.array(savedContainerSchema) }),
  /** Before an old container is asked to stop: an engine goes on with that when nobody waits for it any more. */
  z.object({ record: z.literal('stopping'), container: z.string() }),
  /** The new containers have their names: from here on it only goes forward. `kept` are the old ones, stopped. */
  z.object({
    record: z.literal('committed'),
    kept: z.array(z.object({ container: z.string(), id: z.string() })),
  }),
  /** A container that an earlier job had kept is removed. */
  z.object({ record: z.literal('removed'), container: z.string(), id: z.string() }),
]);
export type ReplaceRecord = z.infer<typeof replaceRecordSchema>;
export type KeptContainer = Extract<ReplaceRecord, { record: 'committed' }>['kept'][number];

/** Where a replacement writes what it does. */
export interface JobWriter {
  /** Numbers, dates and journals an event, in the order of the calls. */
  emit(event: JobEventBody): void;
  /** Returns once the record, and everything before it, is on the disk. Rejects with `NotRecorded` where it can't be. */
  record(record: ReplaceRecord): Promise<void>;
}
