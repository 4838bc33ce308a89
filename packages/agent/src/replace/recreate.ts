import { type DerivedCreate, deriveCreate } from './derive-create.ts';
import { text } from './json.ts';
import type { SavedContainer } from './saved.ts';

/**
 * The request that creates the old container again as it was, of the same image, for where somebody removed it.
 * `all` are the containers of its job. Undefined where there was none.
 */
export function recreateRequest(
  saved: SavedContainer,
  all: readonly SavedContainer[],
): DerivedCreate | undefined {
  if (saved.old === undefined) return undefined;
  const { inspect } = saved.old;
  const derived = deriveCreate({
    container: inspect,
    // Nothing is taken away: the image is the same, so its defaults are what was chosen.
    oldImage: {},
    image: text(inspect.Image),
    labels: {},
    // One network at the create and the others after it: that every version takes.
    apiVersion: '1.41',
    allowAutoRemove: true,
    // Another one of the job that is created again has another id, and its name.
    nameOf: (idOrName) => all.find(({ old }) => old?.id === idOrName)?.container ?? idOrName,
    mountsOf: () => [],
  });
  return derived.ok ? derived.value : undefined;
}
