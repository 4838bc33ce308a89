import {
  BUILD_STEP_KINDS,
  type BuildRun,
  type BuildStepKind,
  buildStepName,
  isRunEnded,
} from '@towline/core/build';
import { exitCodeOfBuildRun } from '@towline/core/plan';
import { type BuildLogEntry, MAX_LOG_ENTRIES } from '@towline/core/protocol';
import { type Command, Option } from 'commander';
import { CallError, type Fleet } from '../fleet/index.ts';
import { describeRun, explainRun } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, type Run } from './context.ts';
import { findRun } from './find-run.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import { wholeNumber } from './whole-number.ts';
import { type OpenBuilds, withBuilds } from './with-fleet.ts';

interface LogOptions {
  step?: BuildStepKind;
  follow?: boolean;
  tail?: number;
}

export function addBuildLog(build: Command, run: Run): void {
  build
    .command('log')
    .description('print the log of a run; with --json a line of JSON for each of its lines')
    .argument('<build>', 'its name in the map file')
    .argument('[tag]', 'the run of this tag; else the last one')
    .addOption(
      new Option('--step <step>', 'of one step; else of all, in their order').choices(BUILD_STEP_KINDS),
    )
    .option('-f, --follow', "go on to the run's end, and end with its exit code")
    .option('-n, --tail <lines>', 'so many of the last lines of each step; else all', wholeNumber)
    .action((name: string, tag: string | undefined, options: LogOptions) =>
      run((context) => withBuilds(context, (open) => log(context, open, { name, tag }, options))),
    );
}

async function log(
  context: Context,
  open: OpenBuilds,
  { name, tag }: { name: string; tag: string | undefined },
  options: LogOptions,
): Promise<number> {
  const { output } = context;
  const found = await findRun(open, name, tag);
  if ('exitCode' in found) return fail(context, found);
  const { agent, run } = found;
  const steps = run.steps.filter(({ kind }) => options.step === undefined || kind === options.step);
  if (steps.length === 0) {
    const has = run.steps.map(({ kind }) => kind).join(', ');
    return fail(context, {
      code: 'no-step',
      message: `${run.tag} of ${name} has no ${options.step}. It has ${has}.`,
      exitCode: 1,
    });
  }
  return interruptible(async (leave) => {
    const signal = AbortSignal.any([leave, output.readerGone]);
    const printer: Printer = { context, fleet: open.fleet, agent, run, signal, titled: steps.length > 1 };
    try {
      for (const { kind, state } of steps) {
        // What has ended is streamed too: there is no more of it to wait for.
        if (options.follow || (state !== 'WAIT' && state !== 'RUNNING')) {
          await followStep(printer, kind, options.tail);
        } else if (state === 'RUNNING') await printStep(printer, kind, options.tail);
        if (signal.aborted) break;
      }
      if (leave.aborted) {
        if (!isRunEnded(run.state)) output.note(`The run ${run.tag} goes on.`);
        return INTERRUPTED;
      }
      return options.follow && !signal.aborted ? await sayEnd(context, open.fleet, agent, run) : 0;
    } catch (error) {
      if (!(error instanceof CallError)) throw error;
      return fail(context, callFailed(error.failure));
    }
  });
}

interface Printer {
  context: Context;
  fleet: Fleet;
  agent: string;
  run: BuildRun;
  signal: AbortSignal;
  /** Whether each step's name stands before its lines. */
  titled: boolean;
}

async function followStep(printer: Printer, step: BuildStepKind, tail: number | undefined): Promise<void> {
  const { fleet, agent, run, signal } = printer;
  const start = tail === undefined ? 'first' : { tail };
  let said = false;
  for await (const entries of fleet.followBuildLog(agent, { run: run.id, step }, start, signal)) {
    if (!said) sayTitle(printer, step);
    said = true;
    await printEntries(printer, step, entries);
  }
}

/** What there is of it now, page by page. */
async function printStep(printer: Printer, step: BuildStepKind, tail: number | undefined): Promise<void> {
  const { fleet, agent, run, signal } = printer;
  sayTitle(printer, step);
  const page = async (at: { from: number } | 'end', limit: number) => {
    const answer = await fleet.buildLog(agent, { run: run.id, step, at, limit });
    if (!answer.ok) throw new CallError(answer.error);
    return answer.value;
  };
  const { lines } = await page('end', 1);
  let next = tail === undefined ? 1 : Math.max(1, lines - tail + 1);
  while (next <= lines && !signal.aborted) {
    const { entries } = await page({ from: next }, Math.min(MAX_LOG_ENTRIES, lines - next + 1));
    const last = entries.at(-1);
    if (last === undefined) return;
    await printEntries(printer, step, entries);
    next = last.seq + 1;
  }
}

function sayTitle({ context, run, titled }: Printer, step: BuildStepKind): void {
  if (titled && !context.options.json) context.output.note(`== ${run.tag} ${buildStepName(step)}`);
}

async function printEntries(
  printer: Printer,
  step: BuildStepKind,
  entries: readonly BuildLogEntry[],
): Promise<void> {
  const { context, signal } = printer;
  const lines: string[] = [];
  for (const { seq, text: start, bytes, stream } of entries) {
    const text = bytes === undefined ? start : await wholeText(printer, step, seq);
    lines.push(
      context.options.json
        ? JSON.stringify({ step, seq, text, ...(stream !== undefined && { stream }) })
        : text,
    );
  }
  if (lines.length === 0 || signal.aborted) return;
  // There are millions: they are written as they come, many at once.
  if (context.options.json) await context.output.result(lines.join('\n'));
  else await context.output.foreign(...lines);
}

/** All of a line that came cut. */
async function wholeText(
  { fleet, agent, run, signal }: Printer,
  step: BuildStepKind,
  seq: number,
): Promise<string> {
  const parts: string[] = [];
  let at: number | undefined = 0;
  while (at !== undefined && !signal.aborted) {
    const part = await fleet.buildLogPart(agent, { run: run.id, step, seq, at });
    if (!part.ok) throw new CallError(part.error);
    parts.push(part.value.text);
    at = part.value.next;
  }
  return parts.join('');
}

async function sayEnd(
  context: Context,
  fleet: Fleet,
  agent: string,
  { id }: Pick<BuildRun, 'id'>,
): Promise<number> {
  const now = await fleet.buildRun(agent, id);
  if (!now.ok) return fail(context, callFailed(now.error));
  context.output.note(describeRun(now.value));
  for (const line of explainRun(now.value)) context.output.note(line);
  return exitCodeOfBuildRun(now.value);
}
