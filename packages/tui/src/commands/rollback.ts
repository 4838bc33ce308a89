import { batchOf, planExecute, planRollback } from '@towline/core/plan';
import type { Command } from 'commander';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, type Run, usage } from './context.ts';
import { printPlan } from './print-plan.ts';
import { nothingArmed, type Refused, runPlans } from './run-plans.ts';
import { withMap } from './with-fleet.ts';
import { AUTO_REMOVE_WORDS, parseTarget, type Target } from './words.ts';

interface RollbackOptions {
  detach?: boolean;
  plan?: boolean;
  allowAutoRemove?: boolean;
}

/** As far back as an agent's history is asked for. */
const JOBS = 1_000;

export function addRollback(program: Command, run: Run): void {
  program
    .command('rollback')
    .description('deploy what ran before the last job that was done; twice is there and back')
    .argument('<target>', 'SERVER (what its last job deployed, as one update) or SERVER/CONTAINER')
    .option('--detach', "print the job's id and return, without waiting for its end")
    .option('--allow-auto-remove', AUTO_REMOVE_WORDS)
    .option('--plan', 'print what would be done and what would differ afterwards, and do nothing')
    .action((word: string, options: RollbackOptions) =>
      run(async (context) => {
        const target = parseTarget(word);
        if (!target.ok) return fail(context, usage(target.error.message));
        return rollback(context, target.value, options);
      }),
    );
}

function rollback(context: Context, target: Target, options: RollbackOptions): Promise<number> {
  return withMap(context, async (open) => {
    const pipeline = open.pipeline();
    const named = planExecute(pipeline, target, new Map());
    if (!named.ok) return fail(context, usage(named.error.message));
    const jobs = await open.fleet.jobs(named.value.agent, JOBS);
    if (!jobs.ok) return fail(context, callFailed(jobs.error));
    const choices = planRollback(pipeline, target, jobs.value);
    if (!choices.ok) return fail(context, { ...choices.error, exitCode: 2 });
    const plan = planExecute(pipeline, target, choices.value);
    if (!plan.ok) return fail(context, usage(plan.error.message));
    const { server, armed, skipped } = plan.value;
    const refused: Refused[] = skipped.filter(({ chosen }) => chosen).map((task) => ({ server, ...task }));
    const what = target.container === undefined ? server : `${server}/${target.container}`;
    // What a job deployed as one update goes back as one.
    if (armed.length === 0 || refused.length > 0) {
      return nothingArmed(context, `${what} can't be rolled back. Nothing was done.`, refused);
    }
    const wishes = { rollback: true, allowAutoRemove: options.allowAutoRemove === true };
    if (options.plan) return printPlan(context, open, batchOf([plan.value]), refused, wishes);
    const { builds } = pipeline;
    return runPlans(context, open, [plan.value], {
      detach: options.detach === true,
      refused,
      builds,
      ...wishes,
    });
  });
}
