import * as z from 'zod';
import { settingChangeSchema } from './change.ts';
import {
  JOB_STATES,
  jobErrorSchema,
  jobTaskSchema,
  refusalSchema,
  STEP_KINDS,
  STEP_STATES,
} from './event.ts';

export const jobStepSchema = z.object({
  id: z.string(),
  /** The kind and the container, for people: `pull the image of gateway`. */
  name: z.string(),
  kind: z.enum(STEP_KINDS),
  container: z.string(),
  state: z.enum(STEP_STATES),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  progress: z
    .object({ current: z.number(), total: z.number().optional(), detail: z.string().optional() })
    .optional(),
  /** What it waits for, where that is not said by its kind. */
  detail: z.string().optional(),
  message: z.string().optional(),
});
export type JobStep = z.infer<typeof jobStepSchema>;

/** One Execute of one server on its agent, as the screen and `--json` show it: the fold of its events. */
export const jobSchema = z.object({
  id: z.string(),
  key: z.string(),
  service: z.string(),
  map: z.string(),
  server: z.string(),
  operator: z.string(),
  /** Who asked it to end first; absent also where an older agent does not tell. */
  cancelledBy: z.string().optional(),
  state: z.enum(JOB_STATES),
  tasks: z.array(jobTaskSchema),
  steps: z.array(jobStepSchema),
  refusal: refusalSchema.optional(),
  error: jobErrorSchema.optional(),
  /** What is not the same in the new container as in the old one, by container; absent before one was created. */
  changes: z.array(z.object({ container: z.string(), changes: z.array(settingChangeSchema) })).optional(),
  /** The last lines of a container that failed, by container. */
  logs: z.array(z.object({ container: z.string(), lines: z.array(z.string()) })),
  commands: z.array(z.string()),
  queuedAt: z.string(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** The sequence number of the last event folded in. */
  lastSeq: z.int(),
});
export type Job = z.infer<typeof jobSchema>;
