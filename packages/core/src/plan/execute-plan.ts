import { inDependencyOrder, type ServerDefinition } from '../map/index.ts';
import type { ContainerSpec, ExecuteInput, PlanInput, RestoreInput } from '../protocol/index.ts';
import { err, type Failure, ok, type Result } from '../result/index.ts';
import { arm, type Choice, initialChoice, type Refusal, type Stage, type Version } from '../rules/index.ts';
import { type PipelineBuild, versionOf } from './observe-build.ts';
import type { Pipeline, PipelineServer, PipelineTask } from './pipeline.ts';

/** What the operator chose, by `taskKey`. A task that is not in it has its initial choice, which is never armed. */
export type Choices = ReadonlyMap<string, Choice>;

/** A task's name in a map, as TARGET on the command line: `server/container`. */
export function taskKey(server: string, container: string): string {
  return `${server}/${container}`;
}

/** The choice of a task: the operator's, else what it starts with. */
export function choiceOf(task: PipelineTask, choices: Choices): Choice {
  const { server, container, facts } = task;
  return choices.get(taskKey(server, container.name)) ?? initialChoice(container.kind, facts.deployed);
}

/** A task that would run if executed now. */
export interface PlannedTask {
  container: string;
  /** The image's name without a tag. */
  image: string;
  choice: Choice;
  stages: readonly Stage[];
  /** What it runs now; undefined where it does not exist or runs no tag. */
  from?: Version;
  /** The tag that is deployed; undefined where a build will name it. */
  to?: string;
  /** The build that it waits for. */
  build?: string;
  /** Created with `--rm`: the stop of the old one deletes it. */
  autoRemove?: true;
}

/** A task that would not run, and why. */
export interface SkippedTask {
  container: string;
  choice: Choice;
  /** Whether the operator chose it: an error to say, or just not chosen. */
  chosen: boolean;
  refusal: Refusal;
}

/** Execute on one server: its armed tasks as one update, in the map's order, each after what it depends on. */
export interface ServerPlan {
  server: string;
  agent: string;
  armed: readonly PlannedTask[];
  skipped: readonly SkippedTask[];
}

/** Batch Execute: a job for every server with an armed task. */
export interface BatchPlan {
  /** Servers with at least one armed task, in the map's order. */
  servers: readonly ServerPlan[];
  /** Servers with none. */
  skipped: readonly ServerPlan[];
  /** For the button: `3 tasks on 2 servers`. */
  taskCount: number;
  serverCount: number;
}

export type PlanErrorCode = 'unknown-server' | 'unknown-container';

/**
 * What Execute would do: on a task that task, on a server its armed tasks. Nothing armed is a plan as well, with `armed`
 * empty and the reasons in `skipped`.
 *
 * Errors: `unknown-server`, `unknown-container` where the map has no such target; the message lists those it has.
 */
export function planExecute(
  pipeline: Pipeline,
  target: { server: string; container?: string | undefined },
  choices: Choices,
): Result<ServerPlan, Failure<PlanErrorCode>> {
  const server = pipeline.servers.find(({ name }) => name === target.server);
  if (server === undefined) {
    return err({
      code: 'unknown-server',
      message: `The map ${pipeline.map} has no server ${target.server}. It has ${listOf(pipeline.servers.map(({ name }) => name))}.`,
    });
  }
  const { container } = target;
  if (container === undefined) return ok(planServer(server, server.tasks, choices));
  const tasks = server.tasks.filter((task) => task.container.name === container);
  if (tasks.length === 0) {
    return err({
      code: 'unknown-container',
      message: `The server ${server.name} has no container ${container}. It has ${listOf(server.tasks.map((task) => task.container.name))}.`,
    });
  }
  return ok(planServer(server, tasks, choices));
}

/** What Batch Execute would do with the whole map. */
export function planBatch(pipeline: Pipeline, choices: Choices): BatchPlan {
  return batchOf(pipeline.servers.map((server) => planServer(server, server.tasks, choices)));
}

/** Servers' plans as one batch. */
export function batchOf(plans: readonly ServerPlan[]): BatchPlan {
  const servers = plans.filter(({ armed }) => armed.length > 0);
  return {
    servers,
    skipped: plans.filter(({ armed }) => armed.length === 0),
    taskCount: servers.reduce((sum, { armed }) => sum + armed.length, 0),
    serverCount: servers.length,
  };
}

/** `3 tasks on 2 servers`: what the Batch button and its dialog say. */
export function describeCounts({ taskCount, serverCount }: BatchPlan): string {
  const tasks = `${taskCount} ${taskCount === 1 ? 'task' : 'tasks'}`;
  return `${tasks} on ${serverCount} ${serverCount === 1 ? 'server' : 'servers'}`;
}

/** Where a plan is from. */
export interface PlanOrigin {
  service: string;
  map: string;
  /** The pipeline's: they tell the agent which build an image is of, and what Latest is where it was built elsewhere. */
  builds?: Pipeline['builds'];
  /** Whether the plan is of what `planRollback` chose. */
  rollback?: boolean;
  /** Whether containers that their engine deletes when they stop may be exchanged. */
  allowAutoRemove?: boolean;
}

/**
 * The request that asks its agent what a plan would do. All of the server's containers go along, in the map's order,
 * because the agent asks the rules again and creates what is not there.
 *
 * @throws RangeError where the plan arms nothing, or is another server's: callers ask `armed` first.
 */
export function toPlanInput(plan: ServerPlan, server: ServerDefinition, from: PlanOrigin): PlanInput {
  if (plan.armed.length === 0) throw new RangeError(`nothing is armed on ${plan.server}`);
  if (plan.server !== server.name) throw new RangeError(`the plan is for ${plan.server}, not ${server.name}`);
  return {
    service: from.service,
    map: from.map,
    server: server.name,
    containers: containerSpecs(server, from.builds),
    choices: plan.armed.map(({ container, choice }) => ({ container, choice })),
    ...(from.rollback === true && { rollback: true }),
    ...(from.allowAutoRemove === true && { allowAutoRemove: true }),
  };
}

/**
 * The request that carries a plan out. `key` is the idempotency key: new for each Execute, the same when a lost answer is
 * asked for again.
 *
 * @throws RangeError as `toPlanInput`.
 */
export function toExecuteInput(
  plan: ServerPlan,
  server: ServerDefinition,
  { key, operator, ...from }: PlanOrigin & { key: string; operator: string },
): ExecuteInput {
  return { ...toPlanInput(plan, server, from), key, operator };
}

/** The request that asks an agent to restore a degraded server. */
export function toRestoreInput(
  server: ServerDefinition,
  { builds, ...from }: Omit<PlanOrigin, 'rollback' | 'allowAutoRemove'> & { key: string; operator: string },
): RestoreInput {
  return { ...from, server: server.name, containers: containerSpecs(server, builds) };
}

function containerSpecs(server: ServerDefinition, builds: Pipeline['builds'] = {}): ContainerSpec[] {
  return server.containers.map((container) => {
    const { name, image, kind, run, probe, settle, update, dependsOn } = container;
    const build =
      kind === 'built' && Object.hasOwn(builds, container.build) ? builds[container.build] : undefined;
    return {
      name,
      image,
      kind,
      ...(run !== undefined && { run: { ...run } }),
      ...(probe !== undefined && { probe }),
      ...(settle !== undefined && { settle }),
      ...(update !== undefined && { update }),
      ...(dependsOn !== undefined && { dependsOn: [...dependsOn] }),
      ...(build !== undefined && { build: buildSpec(build, server.agent) }),
    };
  });
}

function planServer(server: PipelineServer, tasks: readonly PipelineTask[], choices: Choices): ServerPlan {
  const armed: PlannedTask[] = [];
  const skipped: SkippedTask[] = [];
  for (const task of inOrder(server, tasks)) {
    const { name: container, image } = task.container;
    const choice = choiceOf(task, choices);
    const arming = arm(choice, task.facts);
    if (arming.armed) {
      const { deployed } = task.facts;
      armed.push({
        container,
        image,
        choice,
        stages: arming.stages,
        ...(deployed !== undefined && { from: deployed }),
        ...(arming.tag !== undefined && { to: arming.tag }),
        ...(arming.stages.includes('build') &&
          arming.tag === undefined &&
          task.build !== undefined && { build: task.build.definition.name }),
        ...(task.observed?.autoRemove === true && { autoRemove: true }),
      });
    } else {
      const chosen = choices.has(taskKey(server.name, container));
      skipped.push({ container, choice, chosen, refusal: arming.refusal });
    }
  }
  return { server: server.name, agent: server.agent, armed, skipped };
}

/** As they are exchanged. What is not executed orders what is: a container between two of them may be left alone. */
function inOrder(server: PipelineServer, tasks: readonly PipelineTask[]): PipelineTask[] {
  const order = inDependencyOrder(server.tasks.map(({ container }) => container)).map(({ name }) => name);
  return tasks.toSorted((a, b) => order.indexOf(a.container.name) - order.indexOf(b.container.name));
}

function buildSpec(
  { definition, latest }: PipelineBuild,
  agent: string,
): NonNullable<ContainerSpec['build']> {
  return {
    name: definition.name,
    here: definition.agent === agent,
    ...(latest !== undefined && { latest: versionOf(latest) }),
  };
}

function listOf(names: readonly string[]): string {
  return names.length === 0 ? 'none' : names.join(', ');
}
