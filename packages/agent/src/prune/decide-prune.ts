import { compareTags, parseReference, repositoryOf } from '@towline/core/image';
import type { PruneList, PruneRules } from '@towline/core/protocol';
import type { DiskUsage } from '../engine/index.ts';

/** An old container that is kept, stopped, for a rollback. */
export interface PreviousContainer {
  id: string;
  name: string;
  stoppedAt?: string;
}

export interface PruneView {
  usage: DiskUsage;
  /** Those that this agent's journals say it keeps, and that are there and stopped, under the names that they are kept by. */
  previous: readonly PreviousContainer[];
  /** Names of images, with a tag or a digest, that a rollback would want; and ids of such as a restore would. */
  needed: readonly string[];
  now: Date;
}

/** With those of its names that are of one of the map's images. */
interface NamedImage {
  image: DiskUsage['images'][number];
  names: readonly string[];
}

const DAY_MS = 86_400_000;

/**
 * What may be removed. A container only where a journal says that it is a previous one; an image only by names that the map's
 * own images have, where nothing uses it, a registry has it as well, and it is neither one of the newest nor the one
 * that a rollback would want. Pure.
 */
export function decidePrune(rules: PruneRules, { usage, previous, needed, now }: PruneView): PruneList {
  const isOld = (at: string | undefined) =>
    at === undefined || now.getTime() - Date.parse(at) >= rules.olderThanDays * DAY_MS;
  const bytesOf = new Map(usage.containers.map(({ id, ownBytes }) => [id, ownBytes]));
  const containers = rules.previous
    ? previous
        .filter(({ stoppedAt }) => isOld(stoppedAt))
        .map((each) => ({ ...each, bytes: bytesOf.get(each.id) ?? 0 }))
    : [];
  const gone = new Set(containers.map(({ id }) => id));
  const used = new Set(usage.containers.filter(({ id }) => !gone.has(id)).map(({ imageId }) => imageId));
  const wanted = new Set(needed.flatMap((name) => canonical(name) ?? []));
  const images = new Map<string, PruneList['images'][number]>();
  const staying = new Set<string>();
  for (const repository of new Set(rules.containers.flatMap(({ image }) => repositoryIn(image) ?? []))) {
    const own = usage.images
      .map((image) => ({ image, names: image.names.filter((name) => repositoryIn(name) === repository) }))
      .filter(({ names }) => names.length > 0)
      .toSorted(newestFirst);
    let kept = 0;
    for (const { image, names } of own) {
      const { id, createdAt, ownBytes } = image;
      const isWanted = needed.includes(id) || names.some((name) => wanted.has(canonical(name) ?? name));
      // One that has no digest was never in a registry, as far as this engine knows: it could not be had again.
      const inRegistry = names.some((name) => name.includes('@'));
      if (used.has(id) || isWanted || !inRegistry) {
        staying.add(id);
        continue;
      }
      kept += 1;
      if (kept <= rules.keep || !isOld(createdAt)) staying.add(id);
      else {
        const before = images.get(id);
        images.set(id, { id, createdAt, bytes: ownBytes, names: [...(before?.names ?? []), ...names] });
      }
    }
  }
  // It may have names of two of the map's images, and be needed under one of them.
  return { containers, images: [...images.values()].filter(({ id }) => !staying.has(id)) };
}

/** An engine tells the second that an image was made in: of two of the same one, the tags decide. */
function newestFirst(a: NamedImage, b: NamedImage): number {
  return b.image.createdAt.localeCompare(a.image.createdAt) || compareTags(tagIn(b.names), tagIn(a.names));
}

function tagIn(names: readonly string[]): string {
  const tags = names.flatMap((name) => {
    const reference = parseReference(name);
    return reference.ok && reference.value.tag !== undefined ? [reference.value.tag] : [];
  });
  return tags.toSorted((a, b) => compareTags(b, a))[0] ?? '';
}

function repositoryIn(name: string): string | undefined {
  const reference = parseReference(name);
  return reference.ok ? repositoryOf(reference.value) : undefined;
}

/** Two spellings of one name are one: `app:1` and `docker.io/library/app:1`. */
function canonical(name: string): string | undefined {
  const reference = parseReference(name);
  if (!reference.ok) return undefined;
  const { tag, digest } = reference.value;
  return `${repositoryOf(reference.value)}${digest === undefined ? `:${tag}` : `@${digest}`}`;
}
