import { type JobEvent, jobEventSchema } from '@towline/core/job';
import { executeInputSchema } from '@towline/core/protocol';
import { z } from 'zod';
import { type ReplaceRecord, replaceRecordSchema } from '../replace/index.ts';

/** What was asked for, as it came. */
const requestSchema = z.object({ record: z.literal('request'), input: executeInputSchema });

/** One line of a job's journal: an event, as it is streamed, or a record that only the agent reads. */
export const jobLineSchema = z.union([jobEventSchema, replaceRecordSchema, requestSchema]);
export type JobLine = JobEvent | ReplaceRecord | z.infer<typeof requestSchema>;

export function isEvent(line: JobLine): line is JobEvent {
  return 'type' in line;
}
