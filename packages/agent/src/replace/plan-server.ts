import type { ContainerPlan, ExecutePlan } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import type { ContainerInspect, ImageInspect } from '../engine/index.ts';
import type { ImageDefaults } from '../registry/index.ts';
import { compareContainers } from './compare-containers.ts';
import { deriveFor } from './derive-for.ts';
import { type Follower, findFollowers, type Surroundings } from './find-followers.ts';
import { exchangeOrder } from './followers.ts';
import { jsonOf } from './json.ts';
import { refuseProbe } from './refuse-probe.ts';
import type { ReplaceTask } from './replace-server.ts';
import { type ImageSources, pulledBefore, resolveImage, wrongPlatform } from './resolve-image.ts';
import { refuseRoom } from './room-for.ts';
import { planSteps, type StepUnit, startsFirst } from './steps.ts';
import { type Tie, tieWords } from './ties.ts';

/** A chosen container whose image is still to be built. */
export interface UnbuiltTask {
  container: string;
  exists: boolean;
  after: readonly string[];
  build: string;
}

export interface PlanOptions extends ImageSources {
  server: string;
  /** In the order in which they are exchanged. */
  tasks: readonly (ReplaceTask | UnbuiltTask)[];
  surroundings: Surroundings;
  allowAutoRemove?: boolean | undefined;
}

/** No container has it: a plan creates none. */
const NO_JOB = 'plan';

interface PlannedUnit extends StepUnit {
  ties: readonly Tie[];
  after: readonly string[];
  task?: ReplaceTask | UnbuiltTask;
  follower?: Follower;
}

/**
 * What `replaceServer` would do, and what would not be the same afterwards; nothing is touched, and nothing is pulled. Of an
 * image that the engine does not have, its registry is asked for its defaults. Errors: what refuses it before its first
 * step. Rejects with `EngineError`.
 */
export async function planServer(options: PlanOptions): Promise<Result<ExecutePlan, Refusal>> {
  const units = await unitsOf(options);
  if (!units.ok) return units;
  // The registry is asked for all of them at once.
  const looked = await Promise.all(units.value.map((unit) => planUnit(options, unit)));
  const containers: ContainerPlan[] = [];
  for (const planned of looked) {
    if (!planned.ok) return planned;
    containers.push(planned.value);
  }
  return ok({ containers, steps: planSteps(options.server, units.value) });
}

async function unitsOf(options: PlanOptions): Promise<Result<PlannedUnit[], Refusal>> {
  const { engine, info, tasks, surroundings, allowAutoRemove } = options;
  const found = await findFollowers({
    engine,
    info,
    jobId: NO_JOB,
    chosen: tasks.map((task) => ({
      container: task.container,
      body: task.exists ? undefined : 'build' in task ? {} : (task.definition?.body ?? {}),
    })),
    surroundings,
    allowAutoRemove,
  });
  if (!found.ok) return found;
  const chosen = tasks.map((task): PlannedUnit => {
    const { container, exists, after } = task;
    const order = 'build' in task ? undefined : task.order;
    return { container, exists, order, chosen: true, ties: found.value.tiesOf(container), after, task };
  });
  const followers = found.value.followers.map((follower): PlannedUnit => {
    const { container, ties, becomes } = follower;
    const { after } = surroundings.wishesOf(container);
    return { container, exists: true, chosen: false, ties, becomes, after, follower };
  });
  return ok(exchangeOrder(chosen, followers));
}

async function planUnit(options: PlanOptions, unit: PlannedUnit): Promise<Result<ContainerPlan, Refusal>> {
  const { container, exists, order, ties, task, follower } = unit;
  if (follower !== undefined) return await planFollower(options, follower);
  if (task === undefined) throw new Error(`${container} is planned for no reason`);
  if ('build' in task) {
    return ok({ container, unknown: `the build ${task.build} has not made its image yet` });
  }
  const { tag, from } = task;
  const resolved = await resolveImage(options, task);
  if (!resolved.ok) return resolved;
  const { digest, present, manifest } = resolved.value;
  const image = present ?? (await pulledBefore(options.engine, task, digest));
  const noRoom = image === undefined && manifest && (await refuseRoom(options, task, manifest));
  if (noRoom) return err(noRoom);
  const compared = await compare(
    options,
    task,
    image === undefined ? await askDefaults(options, task, digest) : defaultsOf(image),
  );
  if (!compared.ok) return compared;
  return ok({
    container,
    ...(from !== undefined && { from }),
    to: { tag, ...(digest !== undefined && { digest }) },
    ...(exists && { order: startsFirst({ order, ties }) ? 'start-first' : 'stop-first' }),
    ...compared.value,
  });
}

/** It stays of its own image. */
async function planFollower(
  options: PlanOptions,
  { container, ties, becomes, derived, image, old }: Follower,
): Promise<Result<ContainerPlan, Refusal>> {
  const { probe } = options.surroundings.wishesOf(container);
  const refused =
    becomes === 'checked' &&
    (await refuseProbe(options, { container, probe }, derived, jsonOf(image.Config)));
  if (refused) return err(refused);
  return ok({ container, because: tieWords(ties), order: 'stop-first', ...autoRemoved(old), changes: [] });
}

function defaultsOf({ Os, Architecture, Config }: ImageInspect): ImageDefaults {
  return { os: Os, arch: Architecture, config: Config };
}

async function askDefaults(
  { registry, info }: PlanOptions,
  { image }: ReplaceTask,
  digest: string | undefined,
): Promise<ImageDefaults | undefined> {
  return digest === undefined ? undefined : await registry.imageDefaults(image, digest, info);
}

async function compare(
  options: PlanOptions,
  task: ReplaceTask,
  defaults: ImageDefaults | undefined,
): Promise<Result<Pick<ContainerPlan, 'autoRemove' | 'changes' | 'unknown'>, Refusal>> {
  const { engine, info, allowAutoRemove } = options;
  const { container, ref, exists, definition } = task;
  const old = exists ? await engine.inspectContainer(container) : undefined;
  const oldImage = old && (await engine.inspectImage(old.Image));
  const made = old && (await deriveFor({ engine, info, jobId: NO_JOB, old, oldImage, ref, allowAutoRemove }));
  if (made?.ok === false) return made;
  const deleted = autoRemoved(old);
  if (defaults === undefined)
    return ok({ ...deleted, unknown: 'the registry does not tell what its image is like' });
  const { os, arch } = defaults;
  const config = jsonOf(defaults.config);
  const derived = made?.value ?? definition;
  const refused =
    wrongPlatform({ Os: os, Architecture: arch }, oldImage, info, task) ??
    (await refuseProbe(options, task, derived, config));
  if (refused !== undefined) return err(refused);
  if (old === undefined || oldImage === undefined || derived === undefined) return ok({});
  const changes = compareContainers({
    old: jsonOf(old),
    oldImage: jsonOf(oldImage),
    newImage: { Config: config },
    body: derived.body,
  });
  return ok({ ...deleted, changes });
}

/** Whether the stop of the old one deletes it. */
function autoRemoved(old: ContainerInspect | undefined): Pick<ContainerPlan, 'autoRemove'> {
  return old?.HostConfig.AutoRemove === true ? { autoRemove: true } : {};
}
