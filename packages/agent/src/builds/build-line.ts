import { type BuildEvent, buildDefinitionSchema, buildEventSchema } from '@towline/core/build';
import * as z from 'zod';
import { orNewerEvent } from '../store/index.ts';

/** What the run is of, as it came: names of secrets, and no values. */
const requestSchema = z.object({ record: z.literal('request'), definition: buildDefinitionSchema });

/** One line of a run's journal: an event, as it is streamed, or a record that only the agent reads. */
export type BuildLine = BuildEvent | z.infer<typeof requestSchema>;

export const buildLineSchema = orNewerEvent<BuildLine>(
  z.union([buildEventSchema, requestSchema]),
  buildEventSchema,
);

export function isEvent(line: BuildLine): line is BuildEvent {
  return 'type' in line;
}
