import {
  type BatchPlan,
  type Choices,
  describeCounts,
  planBatch,
  planExecute,
  sharedBuilds,
  taskKey,
} from '@towline/core/plan';
import type { Choice } from '@towline/core/rules';
import type { Command } from 'commander';
import { type Context, canAsk, confirm, fail, type Run, usage } from './context.ts';
import { askPlans, planLines, printPlan, type RefusedPlan, splitPlan } from './print-plan.ts';
import { nothingArmed, type Refused, runPlans } from './run-plans.ts';
import { type OpenMap, withMap } from './with-fleet.ts';
import { AUTO_REMOVE_WORDS, parseSetting } from './words.ts';

interface BatchOptions {
  set?: string[];
  plan?: boolean;
  yes?: boolean;
  allowAutoRemove?: boolean;
}

export function addBatch(program: Command, run: Run): void {
  program
    .command('batch')
    .description('Batch Execute: every armed task of the map, a job for each server')
    .option('--set <choice...>', 'SERVER/CONTAINER=CHOICE; CHOICE is tag:T, designated:T, latest or build')
    .option('--allow-auto-remove', AUTO_REMOVE_WORDS)
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
    const hint = choices.size === 0 ? ' Choose with --set SERVER/CONTAINER=CHOICE.' : '';
    if (options.plan) return printPlan(context, open, plan, refused, { ...options, hint });
    if (plan.taskCount === 0) {
      return nothingArmed(context, `Nothing is armed on the map ${pipeline.map}.${hint}`, refused);
    }
    if (!options.yes) return askAndRun(context, open, plan, refused, options);
    for (const { server, container, refusal } of refused) {
      context.output.note(`${taskKey(server, container)} is left out: ${refusal.message}`);
    }
    const { allowAutoRemove } = options;
    return runPlans(context, open, plan.servers, {
      detach: false,
      allowAutoRemove,
      refused,
      builds: pipeline.builds,
    });
  });
}

/** Whoever is asked sees what the agents say to it, and what they would refuse is not run. */
async function askAndRun(
  context: Context,
  open: OpenMap,
  plan: BatchPlan,
  refusedHere: readonly Refused[],
  { allowAutoRemove = false }: BatchOptions,
): Promise<number> {
  const { builds } = open.pipeline();
  const answers = canAsk(context) ? await askPlans(open, plan.servers, { allowAutoRemove }) : new Map();
  const { run, refusedThere } = splitPlan(plan, answers);
  const refused = [...refusedHere, ...refusedThere.flatMap(tasksOf)];
  if (run.taskCount === 0) return nothingArmed(context, 'Nothing would run.', refused);
  for (const line of planLines(plan, sharedBuilds(run.servers, builds), refusedHere, { answers })) {
    context.output.note(line);
  }
  if (!canAsk(context)) {
    const message = `Nobody is there to confirm ${describeCounts(run)}. Nothing was done; say --yes to run it.`;
    return fail(context, { ...usage(message), code: 'not-confirmed' });
  }
  if (!(await confirm(context, `Run ${describeCounts(run)}?`))) {
    context.output.note('Nothing was done.');
    return 2;
  }
  return runPlans(context, open, run.servers, { detach: false, allowAutoRemove, refused, builds });
}

/** A server that its agent refuses is refused with all its tasks. */
function tasksOf({ plan: { server, armed }, refusal }: RefusedPlan): Refused[] {
  const { code, message } = refusal;
  return armed.map(({ container, choice }) => ({
    server,
    container,
    choice,
    chosen: true,
    refusal: { code, message, container },
  }));
}

function refusedOf({ servers, skipped }: BatchPlan, choices: Choices): Refused[] {
  return [...servers, ...skipped].flatMap(({ server, skipped: tasks }) =>
    tasks
      .filter(({ container }) => choices.has(taskKey(server, container)))
      .map((task) => ({ server, ...task })),
  );
}
