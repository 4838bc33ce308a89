import type { ProtocolError, Pruned, PruneInput, PruneList, PruneRules } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { type BuildEngine, type Engine, EngineError, toProtocolError } from '../engine/index.ts';
import type { JobService } from '../jobs/index.ts';
import type { Registry } from '../registry/index.ts';
import { decidePrune, type PreviousContainer } from './decide-prune.ts';

/** Removes what deployments left over, after it was shown. */
export interface PruneService {
  /** What `prune` would remove now. Errors: `engine-unreachable`, `internal`. */
  list(rules: PruneRules): Promise<Result<PruneList, ProtocolError>>;
  /**
   * Removes what was shown, as far as the rules say so still. A job may need what it just pulled: what is not removed when one
   * begins is left. Errors: as `list`, and `refused` (`job-running`) where one runs already.
   */
  prune(input: PruneInput): Promise<Result<Pruned, ProtocolError>>;
}

export interface PruneServiceParts {
  engine: Engine;
  buildEngine: Pick<BuildEngine, 'removeImage'>;
  registry: Pick<Registry, 'manifest'>;
  jobs: Pick<JobService, 'activeCount' | 'forget' | 'kept' | 'neededImages'>;
  now?: () => Date;
}

export function createPruneService(parts: PruneServiceParts): PruneService {
  const { engine, buildEngine, registry, jobs, now = () => new Date() } = parts;

  const look = async (rules: PruneRules): Promise<PruneList> => {
    const [usage, previous, needed] = await Promise.all([
      engine.diskUsage(),
      previousContainers(engine, jobs.kept(rules)),
      jobs.neededImages(rules.containers),
    ]);
    const { containers, images } = decidePrune(rules, { usage, previous, needed, now: now() });
    const had = await Promise.all(images.map(({ names }) => isInRegistry(registry, names)));
    const stays = images
      .filter((_, at) => !had[at])
      .map(({ id, names }) => ({
        name: names.find((name) => !name.includes('@')) ?? id,
        message: IN_NO_REGISTRY,
      }));
    return { containers, images: images.filter((_, at) => had[at]), stays };
  };

  const prune = async (input: PruneInput): Promise<Result<Pruned, ProtocolError>> => {
    const { containers, images } = await look(input);
    const removed: Pruned['removed'] = { containers: [], images: [] };
    const left: Pruned['left'] = [];
    for (const container of containers.filter(({ id }) => input.shown.containers.includes(id))) {
      if (jobs.activeCount() > 0) {
        left.push({ name: container.name, message: JOB_BEGAN });
        continue;
      }
      try {
        await engine.removeContainer(container.id);
        await jobs.forget(container.id);
        removed.containers.push(container);
      } catch (error) {
        if (!(error instanceof EngineError) || error.code === 'unreachable') throw error;
        left.push({ name: container.name, message: error.message });
      }
    }
    for (const image of images.filter(({ id }) => input.shown.images.includes(id))) {
      const names: string[] = [];
      for (const name of image.names) {
        if (jobs.activeCount() > 0) {
          left.push({ name, message: JOB_BEGAN });
          continue;
        }
        try {
          if (await buildEngine.removeImage(name)) names.push(name);
          else left.push({ name, message: 'It is in use, or has names that are not the map’s.' });
        } catch (error) {
          if (!(error instanceof EngineError) || error.code === 'unreachable') throw error;
          left.push({ name, message: error.message });
        }
      }
      if (names.length > 0) removed.images.push({ ...image, names });
    }
    return ok({ removed, left });
  };

  return {
    list: (rules) => answered(async () => ok(await look(rules))),
    prune: (input) =>
      answered(() => (jobs.activeCount() > 0 ? Promise.resolve(err(jobRunning())) : prune(input))),
  };
}

async function answered<T>(work: () => Promise<Result<T, ProtocolError>>): Promise<Result<T, ProtocolError>> {
  try {
    return await work();
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    return err(toProtocolError(error));
  }
}

/** Podman, and engines that keep images in containerd, have a digest also of what was built there and pushed nowhere. */
async function isInRegistry(
  registry: Pick<Registry, 'manifest'>,
  names: readonly string[],
): Promise<boolean> {
  const digests = names.map((name) => name.split('@')).filter(([, digest]) => digest !== undefined);
  const found = await Promise.all(
    digests.map(([image = '', digest = '']) => registry.manifest(image, digest)),
  );
  return found.some(({ ok }) => ok);
}

/** Those that are there still, stopped, under the names that they were kept by: a person may have taken one. */
async function previousContainers(
  engine: Engine,
  kept: readonly { id: string; name: string }[],
): Promise<PreviousContainer[]> {
  const found: PreviousContainer[] = [];
  for (const { id, name } of kept) {
    const container = await engine.inspectContainer(id);
    if (container?.Name !== `/${name}` || container.State.Running) continue;
    found.push({ id, name, stoppedAt: container.State.FinishedAt });
  }
  return found;
}

const IN_NO_REGISTRY =
  'no registry is known to have it, so it could not be pulled again; remove it by hand if you are sure';
const JOB_BEGAN = 'a job began meanwhile, and may need it; prune again when it has ended';

function jobRunning(): ProtocolError {
  const message = 'A job runs on this agent, and may need what is there. Prune when it has ended.';
  return { code: 'refused', message, refusal: { code: 'job-running', message } };
}
