import * as z from 'zod';
import { errorOfEntry, type Layer, layerEntrySchema, sumLayers } from './layer-progress.ts';

/** One entry of the stream that a push answers with; at its end with what the registry has now. */
export const pushEntrySchema = layerEntrySchema.extend({
  aux: z
    .object({ Tag: z.string().optional(), Digest: z.string(), Size: z.number().optional() })
    .optional()
    .catch(undefined),
});
export type PushEntry = z.infer<typeof pushEntrySchema>;

/** What the registry has now, as the engine says. */
export interface PushReceipt {
  /** Of the manifest, `sha256:…`. */
  digest: string;
  /** Of the manifest, in bytes. */
  size: number | undefined;
}

/** The bytes of a push, summed over the layers that are sent; those that the registry has already count for nothing. */
export class PushProgress {
  readonly #layers = new Map<string, Layer>();
  #receipt: PushReceipt | undefined;

  /** What the entry says went wrong, if it does. */
  static errorOf(entry: PushEntry): string | undefined {
    return errorOfEntry(entry)?.trim();
  }

  get receipt(): PushReceipt | undefined {
    return this.#receipt;
  }

  /** Takes one entry in and returns where the push is now. `total` is undefined while a layer's size is not known. */
  add(entry: PushEntry): { current: number; total: number | undefined; detail: string } {
    if (entry.aux !== undefined) this.#receipt = { digest: entry.aux.Digest, size: entry.aux.Size };
    if (entry.id !== undefined) this.#addLayer(entry.id, entry);
    return sumLayers(this.#layers, entry);
  }

  #addLayer(id: string, entry: PushEntry): void {
    const layer = this.#layers.get(id) ?? { current: 0, total: undefined, done: false };
    const status = entry.status ?? '';
    if (status === 'Preparing' || status === 'Waiting') {
      this.#layers.set(id, layer);
    } else if (status === 'Pushing') {
      const total = entry.progressDetail?.total ?? layer.total;
      const sent = entry.progressDetail?.current ?? layer.current;
      // The engine counts the headers of the tar as well, which the size that it tells does not have.
      const current = total === undefined ? sent : Math.min(sent, total);
      this.#layers.set(id, { current, total, done: false });
    } else if (status === 'Pushed') {
      this.#layers.set(id, { ...layer, current: layer.total ?? layer.current, done: true });
    } else if (status.startsWith('Layer already exists') || status.startsWith('Mounted from')) {
      this.#layers.delete(id);
    }
  }
}
