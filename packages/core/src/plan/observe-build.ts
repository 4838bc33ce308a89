import {
  activeRunOf,
  type BuildDefinition,
  type BuildRun,
  type BuiltImage,
  buildKey,
  imagesOf,
  lastRunOf,
  latestOf,
} from '../build/index.ts';
import { namesRegistry } from '../image/index.ts';
import { AWAIT_BUILD_CAPABILITY, BUILDS_CAPABILITY, UPDATE_AGENT } from '../protocol/index.ts';
import { agentAway, type TaskBuild, type Version, viewerRefusal } from '../rules/index.ts';
import { type AgentView, viewerOf, whyAway } from './agent-view.ts';

/** A build of the service, as its agent last said. */
export interface PipelineBuild {
  definition: BuildDefinition;
  /** The run with the highest number: the build stage's tag and state. */
  lastRun?: BuildRun;
  /** The run that is not over. */
  activeRun?: BuildRun;
  /** What Latest resolves to. */
  latest?: BuiltImage;
  /** Whether a job on its agent waits by itself for a run of it; else whoever began the run begins the job when it is over. */
  awaitable: boolean;
  /** What Designated can choose, newest first, as far as the watch has it; the agent's `buildRuns` has all. */
  images: readonly BuiltImage[];
  /** Why it can't be run now. */
  unavailable?: NonNullable<TaskBuild['unavailable']>;
  /** The name of the viewer's token that its agent was come to with: its runs can be looked at, and none begun. */
  viewer?: string;
}

/** A build of a service with the runs that its agent has of it. */
export function observeBuild(
  service: string,
  definition: BuildDefinition,
  agent: AgentView | undefined,
): PipelineBuild {
  const key = buildKey({ service, build: definition.name });
  const runs = agent !== undefined && Object.hasOwn(agent.builds, key) ? (agent.builds[key] ?? []) : [];
  const lastRun = lastRunOf(runs);
  const activeRun = activeRunOf(runs);
  const latest = latestOf(runs);
  const unavailable = whyUnavailable(definition, agent);
  const viewer = viewerOf(agent);
  return {
    definition,
    ...(lastRun !== undefined && { lastRun }),
    ...(activeRun !== undefined && { activeRun }),
    ...(latest !== undefined && { latest }),
    awaitable: agent?.hello?.capabilities.includes(AWAIT_BUILD_CAPABILITY) === true,
    images: imagesOf(runs),
    ...(unavailable !== undefined && { unavailable }),
    ...(viewer !== undefined && { viewer }),
  };
}

/** What the rules look at of a build, for a container that runs beside an agent. */
export function taskBuild(build: PipelineBuild, runsOn: string): TaskBuild {
  const { definition, activeRun, viewer } = build;
  const unavailable =
    build.unavailable ?? (viewer === undefined ? undefined : viewerRefusal(definition.agent, viewer));
  return {
    name: definition.name,
    agent: definition.agent,
    delivered: definition.agent === runsOn || namesRegistry(definition.image.name),
    ...(unavailable !== undefined && { unavailable }),
    ...(activeRun !== undefined && {
      activeRun: { tag: activeRun.tag, state: activeRun.state, operator: activeRun.operator },
    }),
  };
}

/** An image as a version: its tag, and its digest where a registry has it. */
export function versionOf({ tag, digest }: BuiltImage): Version {
  return { tag, ...(digest !== undefined && { digest }) };
}

function whyUnavailable(
  { name, agent: agentName }: BuildDefinition,
  agent: AgentView | undefined,
): PipelineBuild['unavailable'] {
  const away = whyAway(agentName, agent);
  switch (away?.state) {
    case 'Connecting':
      return {
        code: 'agent-unreachable',
        message: `The agent ${agentName}, which builds ${name}, is being connected to: wait for its first answer.`,
      };
    case 'Unreachable':
      return {
        code: 'agent-unreachable',
        message: agentAway(agentName, away.reason, `which builds ${name}`),
      };
    case undefined:
      break;
  }
  if (agent?.hello === undefined || agent.hello.capabilities.includes(BUILDS_CAPABILITY)) return undefined;
  return {
    code: 'not-supported',
    message: `The agent ${agentName} (${agent.hello.version}), which builds ${name}, is too old to build. ${UPDATE_AGENT}`,
  };
}
