import type { ContainerInspect, Engine } from '../engine/index.ts';
import type { TiedContainer } from './followers.ts';
import { jsonOf } from './json.ts';
import { tiesOf } from './ties.ts';

export interface SeenTied extends TiedContainer {
  inspect: ContainerInspect;
}

/** Every container of the engine with what it hangs on, by id. Rejects with `EngineError`. */
export async function lookAtTies(engine: Engine): Promise<SeenTied[]> {
  const all = await engine.inspectContainers();
  const ids = new Map(
    all.flatMap(({ Id, Name }) => [[Id, Id] as const, [Name.replace(/^\//, ''), Id] as const]),
  );
  const idOf = async (nameOrId: string) => {
    const known = ids.get(nameOrId);
    if (known !== undefined) return known;
    // The beginning of an id, which the engine alone can tell; or one that is gone.
    const found = await engine.inspectContainer(nameOrId);
    return found?.Id ?? nameOrId;
  };
  return await Promise.all(
    all.map(async (inspect) => ({
      id: inspect.Id,
      name: inspect.Name.replace(/^\//, ''),
      ties: await Promise.all(
        tiesOf(jsonOf(inspect)).map(async ({ kind, to }) => ({ kind, to: await idOf(to) })),
      ),
      inspect,
    })),
  );
}
