import * as z from 'zod';

/** An agent says so in `hello` that prunes. */
export const PRUNE_CAPABILITY = 'prune';

const name = z.string().min(1).max(1000);

/** What is left over may be removed beyond these. */
export const pruneRulesSchema = z.object({
  service: name,
  map: name,
  /** The containers of the map that are on this agent, and their images without a tag: of no other image is anything removed. */
  containers: z.array(z.object({ container: name, image: name })).max(1000),
  /** How many of the newest versions that nothing uses stay, of each image. */
  keep: z.int().min(0).max(1_000_000),
  /** Nothing that is younger is removed, in days. */
  olderThanDays: z.number().min(0).max(1_000_000),
  /** Whether the previous containers go as well, which a rollback would start again. */
  previous: z.boolean(),
});
export type PruneRules = z.infer<typeof pruneRulesSchema>;

export const pruneListSchema = z.object({
  /** Previous containers, stopped. `bytes` are those that it wrote. */
  containers: z.array(
    z.object({ id: z.string(), name: z.string(), bytes: z.number(), stoppedAt: z.string().optional() }),
  ),
  /** Images, each with the names that it is removed by. `bytes` are those that no other image has. */
  images: z.array(
    z.object({ id: z.string(), names: z.array(z.string()), bytes: z.number(), createdAt: z.string() }),
  ),
  /** What the rules would remove, and why it stays all the same. An older agent doesn't say so. */
  stays: z.array(z.object({ name: z.string(), message: z.string() })).optional(),
});
export type PruneList = z.infer<typeof pruneListSchema>;

/** Only what was shown is removed, and of it what the rules say still. */
export const pruneInputSchema = pruneRulesSchema.extend({
  shown: z.object({ containers: z.array(z.string()), images: z.array(z.string()) }),
});
export type PruneInput = z.infer<typeof pruneInputSchema>;

export const prunedSchema = z.object({
  removed: pruneListSchema.omit({ stays: true }),
  /** What is there still, and why. */
  left: z.array(z.object({ name: z.string(), message: z.string() })),
});
export type Pruned = z.infer<typeof prunedSchema>;
