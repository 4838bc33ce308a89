import {
  batchOf,
  type Choices,
  type Pipeline,
  planExecute,
  type ServerPlan,
  type SkippedTask,
  taskKey,
} from '@towline/core/plan';
import { ok, type Result } from '@towline/core/result';
import type { Choice } from '@towline/core/rules';
import type { Command } from 'commander';
import { type Context, fail, type Run, usage } from './context.ts';
import { printPlan } from './print-plan.ts';
import { carriedServers, nothingArmed, type Refused, runPlans } from './run-plans.ts';
import { withMap } from './with-fleet.ts';
import { AUTO_REMOVE_WORDS, type ChoiceOptions, chosen, parseTarget, type Target } from './words.ts';

interface ExecuteOptions extends ChoiceOptions {
  detach?: boolean;
  plan?: boolean;
  allowAutoRemove?: boolean;
}

export function addExecute(program: Command, run: Run): void {
  program
    .command('execute')
    .description('deploy to servers or single containers, and follow the jobs to their end')
    .argument('<target...>', 'SERVER (its armed containers, as one update) or SERVER/CONTAINER')
    .option('--tag <tag>', 'Image Tag: this tag of the registry')
    .option('--designated <tag>', "Designated: this one of its build's images")
    .option('--latest', 'Latest: the newest image whose build run succeeded')
    .option('--build', 'Build & Deploy; needs --confirm')
    .option('--confirm', 'Confirm Execute, for --build')
    .option('--detach', "print the jobs' ids and return, without waiting for their end")
    .option('--allow-auto-remove', AUTO_REMOVE_WORDS)
    .option('--plan', 'print what would be done and what would differ afterwards, and do nothing')
    .action((targets: string[], options: ExecuteOptions) =>
      run((context) => execute(context, targets, options)),
    );
}

async function execute(context: Context, words: readonly string[], options: ExecuteOptions): Promise<number> {
  const choice = chosen(options);
  if (!choice.ok) return fail(context, usage(choice.error.message));
  const targets: Target[] = [];
  for (const word of words) {
    const target = parseTarget(word);
    if (!target.ok) return fail(context, usage(target.error.message));
    targets.push(target.value);
  }
  return withMap(context, async (open) => {
    const pipeline = open.pipeline();
    const plans = planTargets(pipeline, targets, choice.value);
    if (!plans.ok) return fail(context, usage(plans.error.message));
    const armed = plans.value.filter((plan) => plan.armed.length > 0);
    const skipped: Refused[] = plans.value.flatMap(({ server, skipped: tasks }) =>
      tasks.filter((task) => task.chosen).map((task) => ({ server, ...withOption(task) })),
    );
    if (options.plan) return printPlan(context, open, batchOf(plans.value), skipped, options);
    if (armed.length === 0) {
      return nothingArmed(context, `Nothing is armed on ${words.join(', ')}.`, skipped);
    }
    const [carried] = carriedServers(armed, pipeline.builds);
    if (options.detach && carried !== undefined)
      return fail(context, usage(`${carried} Leave --detach out.`));
    for (const { server, container, refusal } of skipped) {
      context.output.note(`${taskKey(server, container)} is left out: ${refusal.message}`);
    }
    // What was named itself was asked for; what a server merely has beside its armed tasks was not.
    const named = skipped.filter((task) =>
      targets.some(({ server, container }) => server === task.server && container === task.container),
    );
    return runPlans(context, open, armed, {
      detach: options.detach === true,
      allowAutoRemove: options.allowAutoRemove,
      refused: named,
      builds: pipeline.builds,
    });
  });
}

/** What is checked on the screen is an option here. */
function withOption(task: SkippedTask): SkippedTask {
  const { refusal } = task;
  return refusal.code === 'not-confirmed'
    ? {
        ...task,
        refusal: { ...refusal, message: `${refusal.message} On the command line that is --confirm.` },
      }
    : task;
}

/** A plan for each server that is named, of all that is named of it. */
function planTargets(pipeline: Pipeline, targets: readonly Target[], choice: Choice): Result<ServerPlan[]> {
  // First every name: nothing is done where one of them is off.
  for (const target of targets) {
    const named = planExecute(pipeline, target, new Map());
    if (!named.ok) return named;
  }
  const plans: ServerPlan[] = [];
  for (const server of new Set(targets.map((target) => target.server))) {
    const named = targets.filter((target) => target.server === server);
    const tasks = pipeline.servers.find(({ name }) => name === server)?.tasks ?? [];
    const choices: Choices = new Map(
      tasks
        .map((task) => task.container.name)
        .filter((name) => named.some(({ container }) => container === undefined || container === name))
        .map((name) => [taskKey(server, name), choice]),
    );
    const plan = planExecute(pipeline, { server }, choices);
    if (!plan.ok) return plan;
    plans.push(plan.value);
  }
  return ok(plans);
}
