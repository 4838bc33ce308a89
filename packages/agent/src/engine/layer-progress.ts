import * as z from 'zod';

const UNSAID = 'the engine reported an error without saying which';

/**
 * One entry of the stream that a pull or a push answers with; what it has beyond this is ignored. What is not of the form
 * that is expected counts for nothing, except an error: that is one in whatever form.
 */
export const layerEntrySchema = z.object({
  id: z.string().optional().catch(undefined),
  status: z.string().optional().catch(undefined),
  progressDetail: z
    .object({ current: z.number().nonnegative().optional(), total: z.number().nonnegative().optional() })
    .optional()
    .catch(undefined),
  error: z.string().optional().catch(UNSAID),
  errorDetail: z
    .object({ message: z.string().optional().catch(undefined) })
    .optional()
    .catch({}),
});
export type LayerEntry = z.infer<typeof layerEntrySchema>;

export interface Layer {
  current: number;
  total: number | undefined;
  done: boolean;
}

/** What the entry says went wrong, if it does. */
export function errorOfEntry(entry: LayerEntry): string | undefined {
  if (entry.error === undefined && entry.errorDetail === undefined) return undefined;
  return entry.errorDetail?.message || entry.error || UNSAID;
}

/** Where a transfer is after an entry, over all its layers. `total` is undefined while a layer's size is not known. */
export function sumLayers(
  layers: ReadonlyMap<string, Layer>,
  entry: LayerEntry,
): { current: number; total: number | undefined; detail: string } {
  let current = 0;
  let total: number | undefined = 0;
  for (const layer of layers.values()) {
    current += layer.current;
    if (layer.total === undefined && !layer.done) total = undefined;
    else if (total !== undefined) total += layer.total ?? layer.current;
  }
  const detail = [entry.id, entry.status].filter((part) => part !== undefined).join(': ');
  return { current, total: layers.size === 0 ? undefined : total, detail };
}
