import { isEnded, type Job, type JobEvent } from '@towline/core/job';
import type { Command } from 'commander';
import { CallError, type Fleet } from '../fleet/index.ts';
import { callFailed } from './call-exit-code.ts';
import { type CommandFailure, type Context, fail, printJson, type Run } from './context.ts';
import { followJobToEnd } from './follow-job.ts';
import { jobDocument, jobSheet } from './job-text.ts';
import { withFleet } from './with-fleet.ts';

interface JobOptions {
  follow?: boolean;
  cancel?: boolean;
}

export function addJob(program: Command, run: Run): void {
  program
    .command('job')
    .description('show one job with its events')
    .argument('<id>', 'its id, as `towline jobs` lists it')
    .option('-f, --follow', 'go on to its end, and end with its exit code; with --json a line for each event')
    .option('--cancel', 'ask it to end: what it has changed is put back; one that is committed is done')
    .action((id: string, options: JobOptions) => run((context) => job(context, id, options)));
}

function job(context: Context, id: string, { follow = false, cancel = false }: JobOptions): Promise<number> {
  return withFleet(context, async (fleet) => {
    const found = await findJob(fleet, id);
    if ('exitCode' in found) return fail(context, found);
    if (cancel) {
      const { agent, job } = found;
      if (isEnded(job.state)) {
        const message = `The job ${id} is over (${job.state}): there is nothing to cancel.`;
        return fail(context, { code: 'nothing-runs', message, exitCode: 2 });
      }
      const asked = await fleet.cancelJob(agent, id);
      if (!asked.ok) return fail(context, callFailed(asked.error));
      if (!follow) return saysCancelled(context, { id, server: job.server, agent });
    }
    return follow ? followJobToEnd(context, fleet, found.agent, id) : showIt(context, fleet, found);
  });
}

async function saysCancelled(
  context: Context,
  which: { id: string; server: string; agent: string },
): Promise<number> {
  if (context.options.json) await printJson(context, which);
  else await context.output.result(`${which.server}: the job ${which.id} is being cancelled.`);
  return 0;
}

async function showIt(context: Context, fleet: Fleet, found: { agent: string; job: Job }): Promise<number> {
  const { agent } = found;
  if (!context.options.json) {
    for (const line of jobSheet(found.job, agent)) await context.output.result(line);
    return 0;
  }
  const events = await eventsOf(fleet, agent, found.job);
  if ('exitCode' in events) return fail(context, events);
  await printJson(context, { ...jobDocument(found.job, agent), events });
  return 0;
}

/** All events that the job had when it was asked for; those of one that runs do not end. */
async function eventsOf(fleet: Fleet, agent: string, known: Job): Promise<JobEvent[] | CommandFailure> {
  const events: JobEvent[] = [];
  const enough = new AbortController();
  try {
    for await (const event of fleet.followJob(agent, known.id, enough.signal)) {
      events.push(event);
      if (event.seq >= known.lastSeq) break;
    }
    return events;
  } catch (error) {
    if (error instanceof CallError) return callFailed(error.failure);
    throw error;
  } finally {
    enough.abort();
  }
}

/** Ids do not say which agent has them: all are asked. */
async function findJob(fleet: Fleet, id: string): Promise<{ agent: string; job: Job } | CommandFailure> {
  const agents = Object.keys(fleet.store.getState().agents);
  const answers = await Promise.all(
    agents.map(async (agent) => ({ agent, answer: await fleet.job(agent, id) })),
  );
  for (const { agent, answer } of answers) {
    if (answer.ok) return { agent, job: answer.value };
  }
  const away = answers.find(({ answer }) => !answer.ok && answer.error.code !== 'not-found');
  if (away !== undefined && !away.answer.ok) {
    const { message } = away.answer.error;
    return {
      ...callFailed(away.answer.error),
      message: `No agent that answers knows a job ${id}, and ${away.agent} could not be asked: ${message}`,
    };
  }
  return {
    code: 'not-found',
    message: `No agent knows a job ${id}. \`towline jobs\` lists those there are.`,
    exitCode: 64,
  };
}
