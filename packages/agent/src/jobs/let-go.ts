import type { Engine } from '../engine/index.ts';
import { jsonOf, type KeptContainer, notKept, type OldContainer, previousName } from '../replace/index.ts';
import type { ActiveJob } from './active-job.ts';
import type { KeptContainers } from './kept-containers.ts';

export interface LetGoOptions {
  engine: Engine;
  /** The job that succeeded. */
  active: ActiveJob;
  kept: KeptContainers;
  log: { warn(fields: object, message: string): void };
}

/**
 * One old container is kept per name, stopped, until the next success. Only what a journal says was kept is removed, by its id,
 * and only while it still has the name that it was kept under: a person may have taken it.
 */
export async function letGo(
  { engine, active, kept, log }: LetGoOptions,
  id: string,
  keeps: readonly KeptContainer[],
): Promise<void> {
  const remove = async (container: string, old: { id: string; name: string }) => {
    try {
      const found = await engine.inspectContainer(old.id);
      const ours = found?.Name === `/${old.name}` && !found.State.Running;
      if (ours) await engine.removeContainer(old.id);
      await active.record({ record: 'removed', container, id: old.id });
      kept.forget(container, old.id);
    } catch (error) {
      log.warn({ err: error, container: old.name }, 'an old container could not be removed');
    }
  };
  // Those that hang on others first: an engine may refuse to remove what something hangs on.
  for (const { container, previous } of kept.replace(id, keeps).toReversed()) {
    for (const old of previous) await remove(container, old);
  }
  for (const { container, id: old } of notKept(await inspected(engine, keeps))) {
    await remove(container, { id: old, name: previousName(container, id) });
  }
}

/** Where an engine does not answer nothing is known of them, and they stay. */
async function inspected(engine: Engine, keeps: readonly KeptContainer[]): Promise<OldContainer[]> {
  return await Promise.all(
    keeps.map(async (each) => {
      const found = await engine.inspectContainer(each.id).catch(() => undefined);
      return { ...each, inspect: found && jsonOf(found) };
    }),
  );
}
