import type { Job } from '@towline/core/job';
import type { Command } from 'commander';
import { duration, zonedTime } from '../components/quantity.ts';
import { type Context, printJson, type Run } from './context.ts';
import { describeTasks, jobDocument } from './job-text.ts';
import { formatTable, NOTHING } from './table.ts';
import { withFleet } from './with-fleet.ts';

export function addJobs(program: Command, run: Run): void {
  program
    .command('jobs')
    .description('list the jobs on all agents, newest first')
    .action(() => run(jobs));
}

/** Ends with 5 where an agent could not be reached: its jobs are missing then. */
function jobs(context: Context): Promise<number> {
  return withFleet(context, async (fleet) => {
    const agents = Object.keys(fleet.store.getState().agents);
    const answers = await Promise.all(
      agents.map(async (agent) => ({ agent, answer: await fleet.jobs(agent) })),
    );
    const { service, map } = context.options;
    const found = answers
      .flatMap(({ agent, answer }) => (answer.ok ? answer.value.map((job) => ({ agent, job })) : []))
      .filter(({ job }) => service === undefined || job.service === service)
      .filter(({ job }) => map === undefined || job.map === map)
      .toSorted((a, b) => b.job.queuedAt.localeCompare(a.job.queuedAt));
    const unreachable = answers.flatMap(({ agent, answer }) =>
      answer.ok ? [] : [{ agent, ...answer.error }],
    );
    if (context.options.json) {
      const documents = found.map(({ job, agent }) => jobDocument(job, agent));
      await printJson(context, { jobs: documents, unreachable });
    } else for (const line of jobTable(found)) await context.output.result(line);
    for (const { agent, message } of unreachable) context.output.note(`towline: ${agent}: ${message}`);
    return unreachable.length > 0 ? 5 : 0;
  });
}

function jobTable(found: readonly { agent: string; job: Job }[]): string[] {
  const rows = found.map(({ agent, job }) => [
    job.id,
    job.state,
    `${job.service}/${job.map}`,
    job.server,
    agent,
    describeTasks(job),
    job.operator || NOTHING,
    zonedTime(job.queuedAt),
    job.startedAt !== undefined && job.endedAt !== undefined
      ? duration(Date.parse(job.endedAt) - Date.parse(job.startedAt))
      : NOTHING,
  ]);
  return formatTable(['JOB', 'STATE', 'MAP', 'SERVER', 'AGENT', 'TASKS', 'OPERATOR', 'QUEUED', 'TOOK'], rows);
}
