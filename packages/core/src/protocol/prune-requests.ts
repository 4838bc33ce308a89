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

/** Only what was shown is removed, and of it what the rules say still. */
export const pruneInputSchema = pruneRulesSchema.extend({
  shown: z.object({ containers: z.array(z.string()), images: z.array(z.string()) }),
});
export type PruneInput = z.infer<typeof pruneInputSchema>;
