import { exitCodeOfJob } from '@towline/core/plan';
import { type Fleet, followJob } from '../fleet/index.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, printJsonLine } from './context.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import { describeEvent, describeJob, describeNow, explainJob, SHOWN_LINES } from './job-text.ts';

/** Follows a job to its end and ends with its exit code; with --json a line for each event. */
export function followJobToEnd(context: Context, fleet: Fleet, agent: string, id: string): Promise<number> {
  const { options, output } = context;
  return interruptible(async (leave) => {
    const end = await followJob(fleet, agent, id, {
      signal: AbortSignal.any([leave, output.readerGone]),
      onLink: (said) => output.note(`towline: ${said}`),
      async onEvent(job, event) {
        if (options.json) await printJsonLine(context, event);
        else if (output.noteTty) output.status(describeNow(job) ?? `${job.server} ${job.state}`);
        else {
          const said = describeEvent(job, event);
          if (said !== undefined) output.note(said);
        }
      },
    });
    output.status(undefined);
    if (end.kind === 'lost') {
      output.note(`towline: ${end.failure.message}`);
      return callFailed(end.failure).exitCode;
    }
    if (end.kind === 'detached') {
      output.note(`The job ${id} goes on. \`towline job ${id} --follow\` shows it.`);
      return leave.aborted ? INTERRUPTED : 0;
    }
    if (!options.json) await output.result(describeJob(end.last));
    for (const line of explainJob(end.last, SHOWN_LINES)) output.note(line);
    return exitCodeOfJob(end.last);
  });
}
