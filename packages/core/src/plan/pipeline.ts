import { isEnded, type Job } from '../job/index.ts';
import type {
  ContainerDefinition,
  MapDefinition,
  ServerDefinition,
  ServiceDefinition,
} from '../map/index.ts';
import type { ObservedContainer } from '../protocol/index.ts';
import { type ImageMode, modesOf, type ObservedTask, type ServerState } from '../rules/index.ts';
import { type AgentView, serverKey, viewerOf, whyAway } from './agent-view.ts';
import { observeBuild, type PipelineBuild, taskBuild, versionOf } from './observe-build.ts';
import { observeServer } from './observe-server.ts';

/** An application map as a table: what the pipeline screen and `towline status` show. */
export interface Pipeline {
  service: string;
  map: string;
  servers: readonly PipelineServer[];
  /** The service's builds, by name. */
  builds: Readonly<Record<string, PipelineBuild>>;
}

export interface PipelineServer {
  name: string;
  agent: string;
  state: ServerState;
  /** Why it is not `Running`, for people, as a part of a sentence. */
  reason?: string;
  /** The job that runs on it now. */
  runningJob?: Job;
  /** Its last ended job. */
  lastJob?: Job;
  tasks: readonly PipelineTask[];
}

/** One container of a server, as a row of the table. */
export interface PipelineTask {
  server: string;
  container: ContainerDefinition;
  /** What the engine has under its name; undefined where there is none, or none is known. Stale where the server is out of sight. */
  observed?: ObservedContainer;
  /** The image modes that it may use; the first is what it starts with. */
  modes: readonly ImageMode[];
  /** What the rules look at. */
  facts: ObservedTask;
  /** For a built image: its build. Its `lastRun` is the build stage, its `latest` what Latest shows, its `images` what Designated offers. */
  build?: PipelineBuild;
}

export interface PipelineInput {
  service: Pick<ServiceDefinition, 'name'> & Partial<Pick<ServiceDefinition, 'builds'>>;
  map: MapDefinition;
  /** By name; one that is not there is not connected. */
  agents: Readonly<Record<string, AgentView>>;
  readOnly: boolean;
}

/** The table of one application map, as its agents last said. Pure: the same input gives an equal table. */
export function buildPipeline({ service, map, agents, readOnly }: PipelineInput): Pipeline {
  const agentOf = (name: string) => (Object.hasOwn(agents, name) ? agents[name] : undefined);
  const builds = Object.fromEntries(
    (service.builds ?? []).map((definition) => [
      definition.name,
      observeBuild(service.name, definition, agentOf(definition.agent)),
    ]),
  );
  return {
    service: service.name,
    map: map.name,
    servers: map.servers.map((server) =>
      pipelineServer(
        { service: service.name, map: map.name, server },
        agentOf(server.agent),
        builds,
        readOnly,
      ),
    ),
    builds,
  };
}

function pipelineServer(
  { service, map, server }: { service: string; map: string; server: ServerDefinition },
  agent: AgentView | undefined,
  builds: Pipeline['builds'],
  readOnly: boolean,
): PipelineServer {
  const key = serverKey({ service, map, server: server.name });
  const jobs = Object.values(agent?.jobs ?? {}).filter((job) => serverKey(job) === key);
  const runningJob = newest(jobs.filter((job) => !isEnded(job.state)));
  const lastJob = newest(jobs.filter((job) => isEnded(job.state)));
  const containers = agent?.containers ?? {};
  const own = server.containers.flatMap((container): [string, PipelineBuild][] => {
    const build = buildOf(container, builds);
    return build === undefined ? [] : [[container.name, build]];
  });
  const { state, reason, tasks } = observeServer({
    name: server.name,
    agent: server.agent,
    containers: server.containers,
    observed: containers,
    away: whyAway(server.agent, agent),
    degraded: agent?.degraded.includes(key) === true,
    runningJob: runningJob?.id,
    readOnly,
    viewer: viewerOf(agent),
    latest: Object.fromEntries(
      own.flatMap(([name, { latest }]) => (latest === undefined ? [] : [[name, versionOf(latest)]])),
    ),
    builds: Object.fromEntries(own.map(([name, build]) => [name, taskBuild(build, server.agent)])),
  });
  return {
    name: server.name,
    agent: server.agent,
    state,
    ...(reason !== undefined && { reason }),
    ...(runningJob !== undefined && { runningJob }),
    ...(lastJob !== undefined && { lastJob }),
    tasks: server.containers.flatMap((container, at): PipelineTask[] => {
      const facts = tasks[at];
      if (facts === undefined) return [];
      const build = buildOf(container, builds);
      const observed = Object.hasOwn(containers, container.name) ? containers[container.name] : undefined;
      return [
        {
          server: server.name,
          container,
          ...(observed !== undefined && { observed }),
          modes: modesOf(container.kind),
          facts,
          ...(build !== undefined && { build }),
        },
      ];
    }),
  };
}

function buildOf(container: ContainerDefinition, builds: Pipeline['builds']): PipelineBuild | undefined {
  return container.kind === 'built' && Object.hasOwn(builds, container.build)
    ? builds[container.build]
    : undefined;
}

function newest(jobs: readonly Job[]): Job | undefined {
  return jobs.reduce<Job | undefined>(
    (last, job) => (last === undefined || last.queuedAt <= job.queuedAt ? job : last),
    undefined,
  );
}
