import { errorOfEntry, type Layer, type LayerEntry, layerEntrySchema, sumLayers } from './layer-progress.ts';

/** One entry of the stream that a pull answers with. */
export const pullEntrySchema = layerEntrySchema;
export type PullEntry = LayerEntry;

/** The bytes of a pull, summed over its layers. */
export class PullProgress {
  readonly #layers = new Map<string, Layer>();

  /** What the entry says went wrong, if it does. */
  static errorOf(entry: PullEntry): string | undefined {
    return errorOfEntry(entry);
  }

  /** Takes one entry in and returns where the pull is now. `total` is undefined while a layer's size is not known. */
  add(entry: PullEntry): { current: number; total: number | undefined; detail: string } {
    if (entry.id !== undefined) this.#addLayer(entry.id, entry);
    return sumLayers(this.#layers, entry);
  }

  #addLayer(id: string, entry: PullEntry): void {
    const layer = this.#layers.get(id);
    switch (entry.status) {
      case 'Pulling fs layer':
      case 'Waiting':
        if (layer === undefined) this.#layers.set(id, { current: 0, total: undefined, done: false });
        return;
      case 'Downloading': {
        const before = layer ?? { current: 0, total: undefined, done: false };
        const current = entry.progressDetail?.current ?? before.current;
        this.#layers.set(id, { ...before, current, total: entry.progressDetail?.total ?? before.total });
        return;
      }
      // Unpacking has counts of its own, of other bytes: the download is over by then.
      case 'Verifying Checksum':
      case 'Download complete':
      case 'Extracting':
      case 'Pull complete':
        if (layer !== undefined) {
          this.#layers.set(id, { ...layer, current: layer.total ?? layer.current, done: true });
        }
        return;
      case 'Already exists':
        this.#layers.delete(id);
        return;
    }
  }
}
