import { err, type Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import type { ContainerInspect, Engine, EngineInfo, ImageInspect } from '../engine/index.ts';
import { type DerivedCreate, deriveCreate } from './derive-create.ts';
import { jsonOf } from './json.ts';
import { JOB_LABEL } from './steps.ts';
import { sharedContainers } from './ties.ts';

/** What `deriveCreate` needs looked up, and its answer. Errors: those of `deriveCreate`, and `old-image-gone`. */
export async function deriveFor(given: {
  engine: Engine;
  info: EngineInfo;
  jobId: string;
  old: ContainerInspect;
  oldImage: ImageInspect | undefined;
  ref: string;
  allowAutoRemove?: boolean | undefined;
}): Promise<Result<DerivedCreate, Refusal>> {
  const { engine, info, jobId, old, oldImage, ref, allowAutoRemove } = given;
  const name = old.Name.replace(/^\//, '');
  if (oldImage === undefined) {
    return err({
      code: 'old-image-gone',
      message: `The image that ${name} was made of is not on the agent's machine any more, so what was chosen for it can't be told from its defaults. Pull ${old.Config.Image} again, or recreate ${name} by hand.`,
      container: name,
    });
  }
  const container = jsonOf(old);
  const shared = new Map<string, ContainerInspect>();
  await Promise.all(
    sharedContainers(container).map(async (id) => {
      const found = await engine.inspectContainer(id);
      if (found !== undefined) shared.set(id, found);
    }),
  );
  return deriveCreate({
    container,
    oldImage: jsonOf(oldImage),
    image: ref,
    labels: { [JOB_LABEL]: jobId },
    apiVersion: info.apiVersion,
    allowAutoRemove,
    nameOf: (idOrName) => shared.get(idOrName)?.Name.replace(/^\//, ''),
    mountsOf: (idOrName) => shared.get(idOrName)?.Mounts.map(jsonOf) ?? [],
  });
}
