import {
  BUILD_STEP_KINDS,
  type BuildRun,
  type BuildStep,
  type BuildStepKind,
  buildStepName,
  isRunEnded,
} from '@towline/core/build';
import { exitCodeOfBuildRun } from '@towline/core/plan';
import { type BuildLogEntry, MAX_LOG_ENTRIES } from '@towline/core/protocol';
import { ok, type Result } from '@towline/core/result';
import { type Command, Option } from 'commander';
import { CallError, type CallFailure, type Fleet, type LogFollowStart, outlast } from '../fleet/index.ts';
import { describeRun, explainRun } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, inColour, type Run } from './context.ts';
import { findRun } from './find-run.ts';
import { INTERRUPTED, interruptible } from './interruptible.ts';
import { jsonText } from './json-text.ts';
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
      exitCode: 64,
    });
  }
  return interruptible(async (leave) => {
    const signal = AbortSignal.any([leave, output.readerGone]);
    const titled = steps.length > 1 && !context.options.json;
    const lines = outlast(
      open.fleet,
      agent,
      {
        signal,
        onLink: (said) => output.note(`towline: ${said}`),
        goesOn: `\`towline build log ${name} ${run.tag}\` shows all of it once the agent is back.`,
      },
      (whole) => linesOf({ fleet: open.fleet, agent, run: run.id, signal: whole }, steps, options),
    );
    let step: BuildStepKind | undefined;
    try {
      for await (const batch of lines) {
        if (titled && batch.step !== step) output.note(`== ${run.tag} ${buildStepName(batch.step)}`);
        step = batch.step;
        await print(context, batch);
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

interface Batch {
  step: BuildStepKind;
  entries: readonly BuildLogEntry[];
}

/** Lines are written as they come, many at once: there are millions. */
async function print(context: Context, { step, entries }: Batch): Promise<void> {
  const { options, output } = context;
  if (!options.json) {
    const texts = entries.map(({ text }) => text);
    await (inColour(context) ? output.coloured(...texts) : output.result(...texts));
    return;
  }
  const lines = entries.map(({ seq, text, stream }) =>
    jsonText({ step, seq, text, ...(stream !== undefined && { stream }) }),
  );
  await output.result(lines.join('\n'));
}

interface Source {
  fleet: Fleet;
  agent: string;
  run: string;
  signal: AbortSignal;
}

/** The lines of one step after the other, each of them whole. */
async function* linesOf(
  source: Source,
  steps: readonly Pick<BuildStep, 'kind' | 'state'>[],
  { follow = false, tail }: LogOptions,
): AsyncGenerator<Batch> {
  for (const { kind, state } of steps) {
    if (!follow && state === 'WAIT') continue;
    // What has ended is streamed too: there is no more of it to wait for.
    const batches =
      follow || state !== 'RUNNING' ? followed(source, kind, tail) : linesByNow(source, kind, tail);
    for await (const entries of batches) if (entries.length > 0) yield { step: kind, entries };
    if (source.signal.aborted) return;
  }
}

async function* followed(
  source: Source,
  step: BuildStepKind,
  tail: number | undefined,
): AsyncGenerator<readonly BuildLogEntry[]> {
  const { fleet, agent, run, signal } = source;
  let start: LogFollowStart | undefined = tail === undefined ? 'first' : { tail };
  while (start !== undefined) {
    const batches: AsyncIterable<readonly BuildLogEntry[]> = fleet.followBuildLog(
      agent,
      { run, step },
      start,
      signal,
    );
    start = undefined;
    for await (const entries of batches) {
      const { whole, lost } = await completed(source, step, entries);
      if (signal.aborted) return;
      yield whole;
      // The link went in the middle of a long line: it is begun again with that line, once the link is back.
      if (lost !== undefined) start = { from: lost };
      if (start !== undefined) break;
    }
  }
}

/** What there is of it now, page by page. */
async function* linesByNow(
  source: Source,
  step: BuildStepKind,
  tail: number | undefined,
): AsyncGenerator<readonly BuildLogEntry[]> {
  const { fleet, agent, run, signal } = source;
  const page = async (at: { from: number } | 'end', limit: number) => {
    const answer = await fleet.buildLog(agent, { run, step, at, limit });
    if (!answer.ok) throw new CallError(answer.error);
    return answer.value;
  };
  const { lines } = await page('end', 1);
  let next = tail === undefined ? 1 : Math.max(1, lines - tail + 1);
  while (next <= lines && !signal.aborted) {
    const { entries } = await page({ from: next }, Math.min(MAX_LOG_ENTRIES, lines - next + 1));
    const done = await completed(source, step, entries);
    if (signal.aborted) return;
    yield done.whole;
    if (done.lost !== undefined) throw new CallError(done.failure);
    const last = entries.at(-1);
    if (last === undefined) return;
    next = last.seq + 1;
  }
}

type Completed =
  | { whole: readonly BuildLogEntry[]; lost?: undefined }
  /** The number of the first line that could not be completed, because the agent is not there. */
  | { whole: readonly BuildLogEntry[]; lost: number; failure: CallFailure };

/** The lines with all of those that came cut. Throws a `CallError`. */
async function completed(
  source: Source,
  step: BuildStepKind,
  entries: readonly BuildLogEntry[],
): Promise<Completed> {
  if (entries.every(({ bytes }) => bytes === undefined)) return { whole: entries };
  const whole: BuildLogEntry[] = [];
  for (const entry of entries) {
    if (entry.bytes === undefined) {
      whole.push(entry);
      continue;
    }
    const text = await wholeText(source, step, entry.seq);
    if (text.ok) whole.push({ ...entry, text: text.value });
    else if (text.error.code !== 'agent-unreachable') throw new CallError(text.error);
    else return { whole, lost: entry.seq, failure: text.error };
  }
  return { whole };
}

async function wholeText(
  { fleet, agent, run, signal }: Source,
  step: BuildStepKind,
  seq: number,
): Promise<Result<string, CallFailure>> {
  const parts: string[] = [];
  let at: number | undefined = 0;
  while (at !== undefined && !signal.aborted) {
    const part = await fleet.buildLogPart(agent, { run, step, seq, at });
    if (!part.ok) return part;
    parts.push(part.value.text);
    at = part.value.next;
  }
  return ok(parts.join(''));
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
