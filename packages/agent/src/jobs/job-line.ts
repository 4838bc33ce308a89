import { type JobEvent, jobEventSchema } from '@towline/core/job';
import { executeInputSchema } from '@towline/core/protocol';
import * as z from 'zod';
import { type ReplaceRecord, replaceRecordSchema } from '../replace/index.ts';
import { orNewerEvent } from '../store/index.ts';

/** What was asked for, as it came. */
const requestSchema = z.object({ record: z.literal('request'), input: executeInputSchema });

/** That it restores again what another job could not. */
const restoresSchema = z.object({ record: z.literal('restores'), job: z.string(), committed: z.boolean() });

/** One line of a job's journal: an event, as it is streamed, or a record that only the agent reads. */
export type JobLine =
  | JobEvent
  | ReplaceRecord
  | z.infer<typeof requestSchema>
  | z.infer<typeof restoresSchema>;

export const jobLineSchema = orNewerEvent<JobLine>(
  z.union([jobEventSchema, replaceRecordSchema, requestSchema, restoresSchema]),
  jobEventSchema,
);

export function isEvent(line: JobLine): line is JobEvent {
  return 'type' in line;
}
