import { type BuildRun, runStateWords } from '@towline/core/build';
import type { PipelineBuild } from '@towline/core/plan';
import type { Command } from 'commander';
import { bytes, dateTime } from '../components/quantity.ts';
import { describeCommit, runDocument, runTook } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { formatTable, NOTHING } from './table.ts';
import { wholeNumber } from './whole-number.ts';
import { findBuild, type OpenBuilds, withBuilds } from './with-fleet.ts';

export function addBuildList(build: Command, run: Run): void {
  build
    .command('list')
    .description('list the builds of the service, or the runs of one, newest first')
    .argument('[build]', 'the runs of this one')
    .option('-n, --limit <runs>', 'how many runs at most', wholeNumber, 100)
    .action((name: string | undefined, { limit }: { limit: number }) =>
      run((context) => withBuilds(context, (open) => list(context, open, name, limit))),
    );
}

function list(context: Context, open: OpenBuilds, name: string | undefined, limit: number): Promise<number> {
  return name === undefined ? listBuilds(context, open) : listRuns(context, open, name, limit);
}

/** Ends with 5 where the agent of a build could not be reached: its runs are missing then. */
async function listBuilds(context: Context, { service, builds }: OpenBuilds): Promise<number> {
  const { output, options } = context;
  if (options.json) {
    await printJson(context, { service: service.name, builds: builds.map(buildDocument) });
  } else for (const line of buildTable(builds)) await output.result(line);
  for (const { definition, unavailable } of builds) {
    if (unavailable !== undefined) output.note(`towline: ${definition.name}: ${unavailable.message}`);
  }
  return builds.some(({ unavailable }) => unavailable?.code === 'agent-unreachable') ? 5 : 0;
}

function buildTable(builds: readonly PipelineBuild[]): string[] {
  const rows = builds.map(({ definition, lastRun, latest }) => [
    definition.name,
    definition.agent,
    definition.image.name,
    definition.image.version,
    lastRun?.tag ?? NOTHING,
    lastRun === undefined ? NOTHING : runStateWords(lastRun),
    latest?.tag ?? NOTHING,
    `${definition.source.git} ${definition.source.ref}`,
  ]);
  return formatTable(['BUILD', 'AGENT', 'IMAGE', 'VERSION', 'LAST RUN', 'STATE', 'LATEST', 'SOURCE'], rows);
}

function buildDocument({ definition, lastRun, activeRun, latest, unavailable }: PipelineBuild) {
  const { name, agent } = definition;
  return {
    name,
    agent,
    definition,
    lastRun: lastRun === undefined ? null : runDocument(lastRun, agent),
    activeRun: activeRun?.tag ?? null,
    latest: latest ?? null,
    unavailable: unavailable ?? null,
  };
}

async function listRuns(context: Context, open: OpenBuilds, name: string, limit: number): Promise<number> {
  const build = findBuild(open, name);
  if ('exitCode' in build) return fail(context, build);
  const { agent } = build.definition;
  const runs: BuildRun[] = [];
  let more = true;
  while (more && runs.length < limit) {
    const before = runs.at(-1)?.id;
    const answer = await open.fleet.buildRuns(agent, {
      service: open.service.name,
      build: name,
      limit: Math.min(limit - runs.length, 1_000),
      ...(before !== undefined && { before }),
    });
    if (!answer.ok) return fail(context, callFailed(answer.error));
    runs.push(...answer.value.runs);
    more = answer.value.more && answer.value.runs.length > 0;
  }
  if (context.options.json) {
    await printJson(context, { build: name, runs: runs.map((run) => runDocument(run, agent)), more });
  } else for (const line of runTable(runs)) await context.output.result(line);
  if (more) context.output.note(`There are older runs: --limit ${limit * 2} shows more.`);
  return 0;
}

function runTable(runs: readonly BuildRun[]): string[] {
  const rows = runs.map((run) => [
    run.tag,
    runStateWords(run),
    run.operator || NOTHING,
    dateTime(run.queuedAt),
    runTook(run) ?? NOTHING,
    run.size === undefined ? NOTHING : bytes(run.size),
    run.commit === undefined ? NOTHING : describeCommit(run.commit),
    run.note ?? NOTHING,
  ]);
  return formatTable(['TAG', 'STATE', 'OPERATOR', 'QUEUED', 'TOOK', 'SIZE', 'COMMIT', 'NOTE'], rows);
}
