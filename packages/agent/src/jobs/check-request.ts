import type { JobTask } from '@towline/core/job';
import { allNeeds, createFromRun, inDependencyOrder } from '@towline/core/map';
import { deployedVersion, observeServer } from '@towline/core/plan';
import type { ContainerSpec, ObservedContainer, PlanInput } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { arm, type Choice, type Refusal } from '@towline/core/rules';
import {
  type ContainerInspect,
  type Engine,
  type EngineInfo,
  type ImageInspect,
  observeContainer,
} from '../engine/index.ts';
import {
  DEFAULT_SETTLE_SECONDS,
  deriveFor,
  isOwnContainer,
  JOB_LABEL,
  jsonOf,
  type OwnTraces,
  type ReplaceTask,
  type UnbuiltTask,
  updateOrder,
} from '../replace/index.ts';

import { builtFacts, localImageOf, type OwnBuilds } from './built-images.ts';

/** A chosen container, as the map and the engine have it. */
export interface CheckedTask {
  spec: ContainerSpec;
  choice: Choice;
  observed: ObservedContainer | undefined;
  inspect: ContainerInspect | undefined;
  image: ImageInspect | undefined;
}

export interface Observation {
  observed: Record<string, ObservedContainer>;
  tasks: CheckedTask[];
}

/**
 * What the engine has of a request's containers, at this moment; the tasks in the order in which they are exchanged. A
 * container that is not chosen orders those that are: what needs it comes after what it needs. Rejects with `EngineError`.
 */
export async function observeRequest(engine: Engine, input: PlanInput): Promise<Observation> {
  const chosen = new Map(input.choices.map(({ container, choice }) => [container, choice]));
  const observed: [string, ObservedContainer][] = [];
  const tasks = await Promise.all(
    inDependencyOrder(input.containers).map(async (spec): Promise<CheckedTask | undefined> => {
      const choice = chosen.get(spec.name);
      const found = await engine.inspectContainer(spec.name);
      // An engine takes the beginning of an id for a name as well: `cafe` may be another container.
      const inspect = found?.Name === `/${spec.name}` ? found : undefined;
      const image = inspect === undefined ? undefined : await engine.inspectImage(inspect.Image);
      const container = inspect === undefined ? undefined : observeContainer(inspect, image);
      if (container !== undefined) observed.push([spec.name, container]);
      if (choice === undefined) return undefined;
      return { spec, choice, observed: container, inspect, image };
    }),
  );
  return { observed: Object.fromEntries(observed), tasks: tasks.filter((task) => task !== undefined) };
}

/** The tasks as the job's first event has them. What Latest resolves to is not known yet. */
export function jobTasks({ tasks }: Observation): JobTask[] {
  return tasks.map(({ spec, choice, observed }) => {
    const from = observed && deployedVersion(observed, spec.image);
    return {
      container: spec.name,
      mode: choice.mode,
      ...(from !== undefined && { from }),
      to: { tag: chosenTag(choice) },
    };
  });
}

function chosenTag(choice: Choice): string {
  switch (choice.mode) {
    case 'image-tag':
    case 'designated':
      return choice.tag;
    case 'build-deploy':
      return choice.built ?? '';
    case 'latest':
      return '';
  }
}

export interface CheckOptions {
  engine: Engine;
  info: EngineInfo;
  input: PlanInput;
  observation: Observation;
  degraded: boolean;
  jobId: string;
  own: OwnTraces;
  builds: OwnBuilds;
  /** The ids of the containers that are kept of this one, the newest first. */
  kept: (container: string) => readonly string[];
}

/**
 * Asks the rules again, on what the agent itself observes, and then everything that would stand in the way later and can
 * be known now: before a gigabyte is pulled. Errors: the refusal.
 */
export async function checkRequest(options: CheckOptions): Promise<Result<ReplaceTask[], Refusal>> {
  const { input, observation, degraded, builds } = options;
  const server = observeServer({
    name: input.server,
    agent: 'this agent',
    containers: input.containers,
    observed: observation.observed,
    degraded,
    readOnly: false,
    ...builtFacts(input.service, input.containers, builds),
  });
  const tasks: ReplaceTask[] = [];
  for (const task of observation.tasks) {
    const facts = server.tasks.find(({ container }) => container === task.spec.name);
    if (facts === undefined) throw new Error(`${task.spec.name} was not observed`);
    const arming = arm(task.choice, facts);
    if (!arming.armed) return err(arming.refusal);
    if (arming.tag === undefined) {
      return err({
        code: 'no-successful-image',
        message: `Build & Deploy of ${task.spec.name} has no image yet. Run its build first, and deploy what it made.`,
        container: task.spec.name,
      });
    }
    const checked = await checkTask(options, task, arming.tag);
    if (!checked.ok) return checked;
    tasks.push(checked.value);
  }
  return ok(tasks);
}

/** What the map says of a container's check and of what comes before it, also of one that nobody chose. */
export function wishesOf({ containers }: Pick<PlanInput, 'containers'>, container: string) {
  const spec = containers.find(({ name }) => name === container);
  return {
    settleSeconds: spec?.settle ?? DEFAULT_SETTLE_SECONDS,
    probe: spec?.probe,
    after: allNeeds(containers, container),
  };
}

/** One of Build & Deploy that nothing was built for yet; undefined for any other. */
export function unbuiltTask(
  input: PlanInput,
  { spec, choice, inspect }: CheckedTask,
): UnbuiltTask | undefined {
  if (choice.mode !== 'build-deploy' || choice.built !== undefined || spec.build === undefined)
    return undefined;
  const { after } = wishesOf(input, spec.name);
  return { container: spec.name, exists: inspect !== undefined, after, build: spec.build.name };
}

async function checkTask(
  { engine, info, input, jobId, own, builds, kept }: CheckOptions,
  { spec, choice, observed, inspect, image }: CheckedTask,
  tag: string,
): Promise<Result<ReplaceTask, Refusal>> {
  const from = observed && deployedVersion(observed, spec.image);
  const back = input.rollback === true ? await keptImage(engine, spec, tag, kept(spec.name)) : undefined;
  // What a kept container ran is here, whatever became of its build.
  const local =
    back === undefined
      ? localImageOf(input.service, spec, { mode: choice.mode, tag }, builds)
      : ok(undefined);
  if (!local.ok) return local;
  const task: ReplaceTask = {
    container: spec.name,
    image: spec.image,
    tag,
    ref: `${spec.image}:${tag}`,
    from,
    ...wishesOf(input, spec.name),
    exists: inspect !== undefined,
    ...(local.value !== undefined && { local: local.value }),
    ...(back !== undefined && { kept: back }),
  };
  if (inspect === undefined) {
    const made = createFromRun({
      container: spec.name,
      image: task.ref,
      run: spec.run,
      labels: { [JOB_LABEL]: jobId },
    });
    if (!made.ok) return made;
    const { body, connect, networks } = made.value;
    const later = connect.map(({ network, endpoint }) => ({ network, endpoint: jsonOf(endpoint) }));
    return ok({ ...task, definition: { body: jsonOf(body), connect: later, networks } });
  }
  if (isOwnContainer(inspect.Id, own)) {
    return err({
      code: 'own-container',
      message: `This agent runs in ${spec.name} itself: replacing it would end the agent half-way. Replace it with docker, or from an agent outside.`,
      container: spec.name,
    });
  }
  const derived = await deriveFor({
    engine,
    info,
    jobId,
    old: inspect,
    oldImage: image,
    ref: task.ref,
    allowAutoRemove: input.allowAutoRemove,
  });
  if (!derived.ok) return derived;
  const order = updateOrder(spec.update, jsonOf(inspect), derived.value);
  return order.ok ? ok({ ...task, order: order.value }) : order;
}

/** The image that a kept container ran under this tag, and that the engine has still. */
async function keptImage(
  engine: Engine,
  { image }: ContainerSpec,
  tag: string,
  kept: readonly string[],
): Promise<{ imageId: string } | undefined> {
  for (const id of kept) {
    const container = await engine.inspectContainer(id);
    if (container === undefined) continue;
    const found = await engine.inspectImage(container.Image);
    if (found === undefined) continue;
    if (deployedVersion(observeContainer(container, found), image)?.tag === tag) return { imageId: found.Id };
  }
  return undefined;
}
