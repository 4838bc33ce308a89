import { type JobEvent, jobEventSchema } from '@towline/core/job';
import { executeInputSchema } from '@towline/core/protocol';
import * as z from 'zod';
import { type ReplaceRecord, replaceRecordSchema } from '../replace/index.ts';

/** What was asked for, as it came. */
const requestSchema = z.object({ record: z.literal('request'), input: executeInputSchema });

/** That it restores again what another job could not. */
const restoresSchema = z.object({ record: z.literal('restores'), job: z.string(), committed: z.boolean() });

/** One line of a job's journal: an event, as it is streamed, or a record that only the agent reads. */
export const jobLineSchema = z.union([jobEventSchema, replaceRecordSchema, requestSchema, restoresSchema]);
export type JobLine =
  | JobEvent
  | ReplaceRecord
  | z.infer<typeof requestSchema>
  | z.infer<typeof restoresSchema>;

const EVENT_TYPES = new Set<string>(jobEventSchema.options.map(({ shape }) => shape.type.value));

/**
 * An event of a newer agent, which this one took the place of: undefined. It is read over, as a client does, for without what
 * comes after it a job that has ended would be taken up as one that was interrupted.
 */
export const newerEventSchema = z
  .looseObject({ seq: z.int().positive(), type: z.string().refine((type) => !EVENT_TYPES.has(type)) })
  .transform(() => undefined);

export function isEvent(line: JobLine): line is JobEvent {
  return 'type' in line;
}
