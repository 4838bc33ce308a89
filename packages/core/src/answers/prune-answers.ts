import * as z from 'zod';

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

export const prunedSchema = z.object({
  removed: pruneListSchema.omit({ stays: true }),
  /** What is there still, and why. */
  left: z.array(z.object({ name: z.string(), message: z.string() })),
});
export type Pruned = z.infer<typeof prunedSchema>;
