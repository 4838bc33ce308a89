import type { Command } from 'commander';
import { CallError, outlast } from '../fleet/index.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, inColour, printJsonLine, type Run, usage } from './context.ts';
import { findTask } from './find-task.ts';
import { wholeNumber } from './whole-number.ts';
import { withMap } from './with-fleet.ts';

interface LogsOptions {
  follow?: boolean;
  tail: number;
}

export function addLogs(program: Command, run: Run): void {
  program
    .command('logs')
    .description("print a container's own log; with --json a line of JSON for each of its lines")
    .argument('<target>', 'SERVER/CONTAINER, or a SERVER with one container')
    .option('-f, --follow', 'go on as it grows')
    .option('-n, --tail <lines>', 'how many of the last lines come first', wholeNumber, 100)
    .action((target: string, options: LogsOptions) => run((context) => logs(context, target, options)));
}

function logs(context: Context, word: string, { follow = false, tail }: LogsOptions): Promise<number> {
  const { output, options } = context;
  return withMap(context, async ({ fleet, pipeline }) => {
    const found = findTask(pipeline(), word);
    if (!found.ok) return fail(context, usage(found.error.message));
    const { agent, task } = found.value;
    const { name } = task.container;
    const { readerGone: signal } = output;
    const lines = follow
      ? outlast(
          fleet,
          agent,
          {
            signal,
            onLink: (said) => output.note(`towline: ${said}`),
            goesOn: `\`towline logs ${word}\` shows it once the agent is back.`,
          },
          (whole) => fleet.logs(agent, name, { follow, tail, signal: whole }),
        )
      : fleet.logs(agent, name, { follow, tail, signal });
    try {
      for await (const entry of lines) {
        if (options.json) await printJsonLine(context, entry);
        else await (inColour(context) ? output.coloured(entry.line) : output.result(entry.line));
      }
      return 0;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      const failure = callFailed(error.failure);
      output.note(`towline: ${failure.message}`);
      return failure.exitCode;
    }
  });
}
