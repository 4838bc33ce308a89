import * as z from 'zod';
import { buildErrorSchema, commitSchema, vertexSchema } from './event.ts';
import { BUILD_RUN_STATES, BUILD_STEP_KINDS, BUILD_STEP_STATES } from './step.ts';

export const buildStepSchema = z.object({
  kind: z.enum(BUILD_STEP_KINDS),
  state: z.enum(BUILD_STEP_STATES),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  progress: z
    .object({ current: z.number(), total: z.number().optional(), detail: z.string().optional() })
    .optional(),
  error: buildErrorSchema.optional(),
});
export type BuildStep = z.infer<typeof buildStepSchema>;

/** One numbered run of a build, as the screen and `--json` show it: the fold of its events. */
export const buildRunSchema = z.object({
  id: z.string(),
  key: z.string(),
  service: z.string(),
  build: z.string(),
  number: z.int().positive(),
  /** `1.4.0.B000027`. */
  tag: z.string(),
  version: z.string(),
  /** The image's name without a tag. */
  image: z.string(),
  operator: z.string(),
  note: z.string().optional(),
  fingerprint: z.string(),
  only: z.enum(BUILD_STEP_KINDS).optional(),
  state: z.enum(BUILD_RUN_STATES),
  /** All that it has, in their order, those that wait included. */
  steps: z.array(buildStepSchema),
  /** What its ref was. */
  commit: commitSchema.extend({ ref: z.string() }).optional(),
  imageId: z.string().optional(),
  /** The image's bytes on the engine. */
  size: z.number().optional(),
  /** What the registry made of it. */
  pushed: z.object({ digest: z.string(), size: z.number().optional() }).optional(),
  /** Whether its image was pruned from the agent. */
  imageRemoved: z.boolean().optional(),
  /** The Dockerfile's steps, in the order that they began. None in the watch: `buildRun` and `followBuildRun` have them. */
  vertices: z.array(vertexSchema.extend({ step: z.enum(BUILD_STEP_KINDS) })),
  /** How many more there were than are kept. */
  verticesLeftOut: z.int().optional(),
  error: buildErrorSchema.optional(),
  /** Who asked for its end. */
  cancelledBy: z.string().optional(),
  queuedAt: z.string(),
  startedAt: z.string().optional(),
  endedAt: z.string().optional(),
  /** The sequence number of the last event folded in. */
  lastSeq: z.int(),
});
export type BuildRun = z.infer<typeof buildRunSchema>;

/** A run without its Dockerfile's steps, for the watch: they are many, and no table shows them. */
export function withoutVertices(run: BuildRun): BuildRun {
  return run.vertices.length === 0 ? run : { ...run, vertices: [] };
}
