import { changeWords, type UpdateOrder } from '@towline/core/job';
import {
  type BatchPlan,
  batchOf,
  carriedBuilds,
  combineExitCodes,
  describeCounts,
  exitCodeOfRefusal,
  type PlannedBuild,
  type PlannedTask,
  type PlanOrigin,
  type ServerPlan,
  sharedBuilds,
  taskKey,
  toPlanInput,
} from '@towline/core/plan';
import type { ContainerPlan, ExecutePlan } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { CallFailure, Fleet } from '../fleet/index.ts';
import { exitCodeOfCall } from './call-exit-code.ts';
import { type Context, printJson } from './context.ts';
import { type Refused, refusedDocument } from './run-plans.ts';
import type { OpenMap } from './with-fleet.ts';

/** What the agent of a server says of its plan. */
type Answers = ReadonlyMap<ServerPlan, Result<ExecutePlan, CallFailure>>;

/** What the request that would carry a plan out has beside it. */
type PlanWishes = Pick<PlanOrigin, 'rollback' | 'allowAutoRemove'>;

/** `--plan`: asks each agent what it would do, prints it, and ends as the command would if all of it went well. */
export async function printPlan(
  context: Context,
  open: OpenMap,
  plan: BatchPlan,
  refused: readonly Refused[],
  { hint = '', ...wishes }: PlanWishes & { hint?: string },
): Promise<number> {
  const builds = sharedBuilds(plan.servers, open.pipeline().builds);
  const answers = await askPlans(open, plan.servers, wishes);
  if (context.options.json) await printJson(context, planDocument(plan, builds, refused, answers));
  else
    for (const line of planLines(plan, builds, refused, { answers, hint })) await context.output.result(line);
  const codes = plan.servers.map((server) => {
    const answer = answers.get(server);
    if (answer?.ok === false) return exitCodeOfCall(answer.error);
    return answer?.value.refusal === undefined ? 0 : exitCodeOfRefusal(answer.value.refusal);
  });
  return combineExitCodes([...codes, ...refused.map(({ refusal }) => exitCodeOfRefusal(refusal))]);
}

/** Asks each agent what it would do; nothing is done. */
export async function askPlans(
  open: Pick<OpenMap, 'service' | 'map' | 'pipeline'> & { fleet: Pick<Fleet, 'plan'> },
  servers: readonly ServerPlan[],
  { rollback = false, allowAutoRemove = false }: PlanWishes,
): Promise<Answers> {
  const { fleet, service, map } = open;
  const { builds } = open.pipeline();
  const asked = servers.map(async (plan) => {
    const definition = map.servers.find(({ name }) => name === plan.server);
    if (definition === undefined)
      throw new Error(`the plan has a server ${plan.server} that its map has not`);
    const from = { service: service.name, map: map.name, builds, rollback, allowAutoRemove };
    const input = toPlanInput(plan, definition, from);
    return [plan, await fleet.plan(plan.agent, input)] as const;
  });
  return new Map(await Promise.all(asked));
}

/** A server that its agent would refuse. */
export interface RefusedPlan {
  plan: ServerPlan;
  refusal: NonNullable<ExecutePlan['refusal']>;
}

/** What the agents would carry out, and what they would refuse. */
export function splitPlan(
  { servers }: BatchPlan,
  answers: Answers,
): { run: BatchPlan; refusedThere: RefusedPlan[] } {
  const refusedThere = servers.flatMap((plan) => {
    const answer = answers.get(plan);
    const refusal = answer?.ok === true ? answer.value.refusal : undefined;
    return refusal === undefined ? [] : [{ plan, refusal }];
  });
  const run = batchOf(servers.filter((plan) => !refusedThere.some((there) => there.plan === plan)));
  return { run, refusedThere };
}

/** As far as it is known here; with `answers`, also what the agents say. `hint` is what to do where nothing would run. */
export function planLines(
  plan: BatchPlan,
  builds: readonly PlannedBuild[],
  refused: readonly Refused[],
  { answers = new Map(), hint = '' }: { answers?: Answers; hint?: string } = {},
): string[] {
  const { run, refusedThere } = splitPlan(plan, answers);
  const lines = [run.taskCount === 0 ? `Nothing would run.${hint}` : `Would run ${describeCounts(run)}:`];
  for (const { build, agent, tasks } of builds) {
    const whom = tasks.map(({ server, container }) => taskKey(server, container)).join(', ');
    lines.push(`  build ${build} on ${agent}, for ${whom}`);
  }
  for (const each of run.servers) {
    const carried = carriedBuilds(each, builds).length === 0 ? '' : ', from here when that is built';
    lines.push(`  ${each.server} on ${each.agent}${carried}`);
    lines.push(...serverLines(each, answers.get(each)).map((line) => `    ${line}`));
  }
  const reasons = [
    ...refusedThere.map(({ plan: { server }, refusal }) => {
      return `${refusal.container === undefined ? server : taskKey(server, refusal.container)}: ${refusal.message}`;
    }),
    ...refused.map(({ server, container, refusal }) => `${taskKey(server, container)}: ${refusal.message}`),
  ];
  if (reasons.length > 0) lines.push('Would not run:', ...reasons.map((reason) => `  ${reason}`));
  return lines;
}

function serverLines({ armed }: ServerPlan, answer: Result<ExecutePlan, CallFailure> | undefined): string[] {
  const containers = answer?.ok === true ? answer.value.containers : [];
  if (containers.length > 0) {
    return containers.flatMap((container) => {
      const task = armed.find(({ container: name }) => name === container.container);
      return containerLines(container, task);
    });
  }
  const lines = armed.flatMap((task) => [describeTask(task), ...(task.autoRemove === true ? [DELETED] : [])]);
  return answer?.ok === false ? [...lines, answer.error.message] : lines;
}

function containerLines(plan: ContainerPlan, task: PlannedTask | undefined): string[] {
  const { container, because, order, changes, unknown, autoRemove } = plan;
  const deleted = autoRemove === true ? [DELETED] : [];
  if (task === undefined)
    return [`${container}: created again, because it ${because ?? 'hangs on another'}`, ...deleted];
  const how = order === undefined ? 'created for the first time' : ORDER_WORDS[order];
  const line = `${describeTask(task)}${unknown !== undefined && order === undefined ? '' : `, ${how}`}`;
  if (unknown !== undefined) return [line, ...deleted, `  what would differ is not known: ${unknown}`];
  if (changes === undefined) return [line, ...deleted];
  if (changes.length === 0) return [line, ...deleted, '  the same settings'];
  return [line, ...deleted, ...changes.map((change) => `  ${changeWords(change)}`)];
}

const DELETED = '  created with --rm: its stop deletes the old one, with what that wrote outside of volumes';

const ORDER_WORDS: Readonly<Record<UpdateOrder, string>> = {
  'stop-first': 'stop first',
  'start-first': 'start first',
};

function describeTask({ container, image, from, to, build }: PlannedTask): string {
  return `${container}: ${image} ${from?.tag ?? '(none)'} → ${to ?? `what the build ${build} makes`}`;
}

function planDocument(
  { servers, taskCount, serverCount }: BatchPlan,
  builds: readonly PlannedBuild[],
  refused: readonly Refused[],
  answers: Answers,
) {
  return {
    taskCount,
    serverCount,
    builds: builds.map(({ build, agent, tasks }) => ({ build, agent, tasks })),
    servers: servers.map((plan) => ({
      server: plan.server,
      agent: plan.agent,
      tasks: plan.armed.map(({ container, image, choice, stages, from, to, build }) => ({
        container,
        image,
        mode: choice.mode,
        stages,
        from: from ?? null,
        to: to ?? null,
        build: build ?? null,
      })),
      ...answerDocument(answers.get(plan)),
    })),
    refused: refusedDocument(refused),
  };
}

function answerDocument(answer: Result<ExecutePlan, CallFailure> | undefined) {
  if (answer === undefined) return {};
  if (answer.ok) return answer.value;
  const { code, message } = answer.error;
  return { failure: { code, message } };
}
