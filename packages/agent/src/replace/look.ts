import type { ContainerInspect, Engine } from '../engine/index.ts';
import type { SavedAndSeen, SeenContainer } from './recovery.ts';
import type { SavedContainer } from './saved.ts';
import { JOB_LABEL } from './steps.ts';

/** What the engine has now of one container of a job. Ids and the job's label decide, a name alone never does. */
export async function look(engine: Engine, saved: SavedContainer, jobId: string): Promise<SavedAndSeen> {
  const [old, byNextName, byName] = await Promise.all([
    saved.old === undefined ? undefined : engine.inspectContainer(saved.old.id),
    engine.inspectContainer(saved.nextName),
    engine.inspectContainer(saved.container),
  ]);
  // An engine takes the beginning of an id for a name as well.
  const holder = byName?.Name === `/${saved.container}` ? byName : undefined;
  const next = [byNextName, holder].find((found) => found?.Config.Labels?.[JOB_LABEL] === jobId);
  return {
    saved,
    seen: {
      old: old && seenOf(old),
      next: next && seenOf(next),
      holder: holder?.Id,
    },
  };
}

function seenOf(container: ContainerInspect): SeenContainer {
  const policy = container.HostConfig.RestartPolicy;
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    running: container.State.Running && !container.State.Restarting,
    ...(container.State.Restarting && { restarting: true }),
    restartPolicy: {
      Name: policy?.Name || 'no',
      ...(policy?.MaximumRetryCount !== undefined && { MaximumRetryCount: policy.MaximumRetryCount }),
    },
    networks: Object.keys(container.NetworkSettings.Networks),
    aliases: Object.fromEntries(
      Object.entries(container.NetworkSettings.Networks).map(([network, { Aliases }]) => [
        network,
        Aliases ?? [],
      ]),
    ),
  };
}
