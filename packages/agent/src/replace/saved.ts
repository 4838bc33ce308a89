import { probeSchema } from '@towline/core/protocol';
import * as z from 'zod';
import { jsonObjectSchema } from './json.ts';

/** What is kept of one container of a job before anything is done to it: all that a recovery needs. */
export const savedContainerSchema = z.object({
  /** Its name, by which it is known before and after. */
  container: z.string(),
  /** The new one's name until it takes over. */
  nextName: z.string(),
  /** The old one's name once it gave way. */
  previousName: z.string(),
  settleSeconds: z.number(),
  probe: probeSchema.optional(),
  /** The containers of the same job, by name, that it hangs on: it goes back after them. */
  follows: z.array(z.string()).default([]),
  /** What becomes of the new one: it has to pass the check, is started as it is, or stays stopped. */
  becomes: z.enum(['checked', 'started', 'stopped']).default('checked'),
  image: z.object({ ref: z.string(), id: z.string() }),
  /** The old container's whole inspect; absent where there was none. */
  old: z.object({ id: z.string(), inspect: jsonObjectSchema }).optional(),
});
export type SavedContainer = z.infer<typeof savedContainerSchema>;
