import {
  type BatchPlan,
  type Choices,
  carriedBuilds,
  combineExitCodes,
  describeCounts,
  exitCodeOfRefusal,
  type PlannedBuild,
  type PlannedTask,
  planBatch,
  planExecute,
  type ServerPlan,
  sharedBuilds,
  taskKey,
} from '@towline/core/plan';
import type { Choice } from '@towline/core/rules';
import type { Command } from 'commander';
import { type Context, canAsk, confirm, fail, printJson, type Run, usage } from './context.ts';
import { nothingArmed, type Refused, refusedDocument, runPlans } from './run-plans.ts';
import { withMap } from './with-fleet.ts';
import { parseSetting } from './words.ts';

interface BatchOptions {
  set?: string[];
  plan?: boolean;
  yes?: boolean;
}

export function addBatch(program: Command, run: Run): void {
  program
    .command('batch')
    .description('Batch Execute: every armed task of the map, a job for each server')
    .option('--set <choice...>', 'SERVER/CONTAINER=CHOICE; CHOICE is tag:T, designated:T, latest or build')
    .option('--plan', 'print what would run, in order, and why the rest would not')
    .option('--yes', 'do not ask; needed where nobody is there to be asked')
    .action((options: BatchOptions) => run((context) => batch(context, options)));
}

async function batch(context: Context, options: BatchOptions): Promise<number> {
  const choices = new Map<string, Choice>();
  const named: { server: string; container: string }[] = [];
  for (const word of options.set ?? []) {
    const setting = parseSetting(word);
    if (!setting.ok) return fail(context, usage(setting.error.message));
    const { server, container, choice } = setting.value;
    if (choices.has(taskKey(server, container))) {
      return fail(context, usage(`${taskKey(server, container)} is set twice. Set it once.`));
    }
    choices.set(taskKey(server, container), choice);
    named.push({ server, container });
  }
  return withMap(context, async (open) => {
    const pipeline = open.pipeline();
    for (const target of named) {
      const known = planExecute(pipeline, target, choices);
      if (!known.ok) return fail(context, usage(known.error.message));
    }
    const plan = planBatch(pipeline, choices);
    const refused = refusedOf(plan, choices);
    const builds = sharedBuilds(plan.servers, pipeline.builds);
    if (options.plan) return printPlan(context, plan, builds, refused);
    if (plan.taskCount === 0) {
      const hint = choices.size === 0 ? ' Choose with --set SERVER/CONTAINER=CHOICE.' : '';
      return nothingArmed(context, `Nothing is armed on the map ${pipeline.map}.${hint}`, refused);
    }
    if (!options.yes) {
      for (const line of planLines(plan, builds, refused)) context.output.note(line);
      if (!canAsk(context)) {
        const message = `Nobody is there to confirm ${describeCounts(plan)}. Nothing was done; say --yes to run it.`;
        return fail(context, { ...usage(message), code: 'not-confirmed' });
      }
      if (!(await confirm(context, `Run ${describeCounts(plan)}?`))) {
        context.output.note('Nothing was done.');
        return 2;
      }
    } else {
      for (const { server, container, refusal } of refused) {
        context.output.note(`${taskKey(server, container)} is left out: ${refusal.message}`);
      }
    }
    return runPlans(context, open, plan.servers, {
      detach: false,
      refused,
      builds: pipeline.builds,
    });
  });
}

function refusedOf({ servers, skipped }: BatchPlan, choices: Choices): Refused[] {
  return [...servers, ...skipped].flatMap(({ server, skipped: tasks }) =>
    tasks
      .filter(({ container }) => choices.has(taskKey(server, container)))
      .map((task) => ({ server, ...task })),
  );
}

/** `--plan`: ends as the batch would if all of it went well. */
async function printPlan(
  context: Context,
  plan: BatchPlan,
  builds: readonly PlannedBuild[],
  refused: readonly Refused[],
): Promise<number> {
  if (context.options.json) await printJson(context, planDocument(plan, builds, refused));
  else for (const line of planLines(plan, builds, refused)) await context.output.result(line);
  const codes = refused.map(({ refusal }) => exitCodeOfRefusal(refusal));
  return combineExitCodes(plan.taskCount > 0 ? [0, ...codes] : codes);
}

function planLines(plan: BatchPlan, builds: readonly PlannedBuild[], refused: readonly Refused[]): string[] {
  const { servers, taskCount } = plan;
  const lines = [taskCount === 0 ? 'Nothing would run.' : `Would run ${describeCounts(plan)}:`];
  for (const { build, agent, tasks } of builds) {
    const whom = tasks.map(({ server, container }) => taskKey(server, container)).join(', ');
    lines.push(`  build ${build} on ${agent}, for ${whom}`);
  }
  for (const plan of servers) {
    const carried = carriedBuilds(plan, builds).length === 0 ? '' : ', from here when that is built';
    lines.push(`  ${plan.server} on ${plan.agent}${carried}`);
    lines.push(...plan.armed.map((task) => `    ${describeTask(task)}`));
  }
  if (refused.length > 0) {
    lines.push('Would not run:');
    for (const { server, container, refusal } of refused) {
      lines.push(`  ${taskKey(server, container)}: ${refusal.message}`);
    }
  }
  return lines;
}

function describeTask({ container, image, from, to, build }: PlannedTask): string {
  return `${container}: ${image} ${from?.tag ?? '(none)'} -> ${to ?? `what the build ${build} makes`}`;
}

function planDocument(
  { servers, taskCount, serverCount }: BatchPlan,
  builds: readonly PlannedBuild[],
  refused: readonly Refused[],
) {
  const tasksOf = ({ armed }: ServerPlan) =>
    armed.map(({ container, image, choice, stages, from, to, build }) => ({
      container,
      image,
      mode: choice.mode,
      stages,
      from: from ?? null,
      to: to ?? null,
      build: build ?? null,
    }));
  return {
    taskCount,
    serverCount,
    builds: builds.map(({ build, agent, tasks }) => ({ build, agent, tasks })),
    servers: servers.map((plan) => ({ server: plan.server, agent: plan.agent, tasks: tasksOf(plan) })),
    refused: refusedDocument(refused),
  };
}
