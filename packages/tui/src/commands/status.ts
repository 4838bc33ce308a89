import { type BuiltImage, runStateWords } from '@towline/core/build';
import type { Pipeline, PipelineBuild, PipelineServer, PipelineTask } from '@towline/core/plan';
import { isOutOfSight, modeName } from '@towline/core/rules';
import type { Command } from 'commander';
import { type Context, printJson, type Run } from './context.ts';
import { shortDigest } from './short-digest.ts';
import { formatTable, NOTHING } from './table.ts';
import { withMap } from './with-fleet.ts';

export function addStatus(program: Command, run: Run): void {
  program
    .command('status')
    .description('print the pipeline table: servers, containers, what they run')
    .action(() => run(status));
}

/** The pipeline as it is now. Ends with 5 where one of its agents could not be reached: the table has gaps then. */
export function status(context: Context): Promise<number> {
  return withMap(context, async ({ fleet, pipeline }) => {
    const now = pipeline();
    if (context.options.json) await printJson(context, statusDocument(now, fleet.origin));
    else {
      for (const line of statusTable(now)) await context.output.result(line);
      for (const { name, state, reason } of now.servers) {
        if (state !== 'Running' && reason !== undefined) context.output.note(`${name}: ${state}: ${reason}`);
      }
    }
    return hasGaps(now) ? 5 : 0;
  });
}

/** Whether the agent of a server, or of a build, could not be asked. */
function hasGaps({ servers }: Pipeline): boolean {
  return servers.some(
    ({ state, tasks }) =>
      isOutOfSight(state) || tasks.some(({ build }) => build?.unavailable?.code === 'agent-unreachable'),
  );
}

const HEADER = [
  'SERVER',
  'STATE',
  'AGENT',
  'CONTAINER',
  'IMAGE',
  'BUILD',
  'DEPLOYED',
  'DIGEST',
  'CONDITION',
  'MODES',
];

function statusTable({ servers }: Pipeline): string[] {
  return formatTable(
    HEADER,
    servers.flatMap((server) =>
      server.tasks.map((task) => [
        server.name,
        server.runningJob === undefined ? server.state : `${server.state} (${server.runningJob.state})`,
        server.agent,
        task.container.name,
        task.container.image,
        buildStage(task),
        deployedTag(task),
        shortDigest(task.observed?.digest) ?? NOTHING,
        condition(task),
        task.modes.map(modeName).join(', '),
      ]),
    ),
  );
}

/** The last run of its build, and how far that is. */
function buildStage({ build }: PipelineTask): string {
  if (build === undefined) return NOTHING;
  const { lastRun } = build;
  return lastRun === undefined ? 'not run yet' : `${lastRun.tag} ${runStateWords(lastRun)}`;
}

function deployedTag({ facts, observed }: PipelineTask): string {
  return facts.deployed?.tag ?? observed?.tag ?? NOTHING;
}

function condition({ observed }: PipelineTask): string {
  if (observed === undefined) return NOTHING;
  if (observed.state === 'exited' && observed.exitCode !== undefined) return `exited (${observed.exitCode})`;
  return observed.health === undefined ? observed.state : `${observed.state} (${observed.health})`;
}

/** `towline status --json`. Fields are added here, never renamed or removed. */
function statusDocument({ service, map, servers }: Pipeline, origin: string) {
  return { service, map, origin, servers: servers.map(serverDocument) };
}

function serverDocument({ name, agent, state, reason, runningJob, lastJob, tasks }: PipelineServer) {
  return {
    name,
    agent,
    state,
    reason: reason ?? null,
    runningJob: runningJob?.id ?? null,
    lastJob: lastJob === undefined ? null : { id: lastJob.id, state: lastJob.state },
    tasks: tasks.map(taskDocument),
  };
}

function taskDocument({ container, observed, facts, modes, build }: PipelineTask) {
  return {
    container: container.name,
    image: container.image,
    kind: container.kind,
    exists: facts.exists,
    state: observed?.state ?? null,
    health: observed?.health ?? null,
    exitCode: observed?.exitCode ?? null,
    startedAt: observed?.startedAt ?? null,
    // What it runs, whatever the map says; `deployed` is that where it is an image of the map's repository.
    runs: observed?.image ?? null,
    deployed: facts.deployed ?? null,
    build: build === undefined ? null : buildDocument(build),
    modes,
  };
}

function buildDocument({ definition: { name, agent }, lastRun, latest, unavailable }: PipelineBuild) {
  return {
    name,
    agent,
    lastRun:
      lastRun === undefined
        ? null
        : { id: lastRun.id, tag: lastRun.tag, state: lastRun.state, stage: runStateWords(lastRun) },
    latest: latest === undefined ? null : latestDocument(latest),
    unavailable: unavailable ?? null,
  };
}

function latestDocument({ tag, digest, createdAt }: BuiltImage) {
  return { tag, digest: digest ?? null, createdAt };
}
