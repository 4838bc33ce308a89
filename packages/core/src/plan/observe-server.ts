import { parseReference, repositoryOf } from '../image/index.ts';
import type { ObservedContainer } from '../protocol/index.ts';
import type { ImageKind, ObservedTask, ServerState, TaskBuild, Version } from '../rules/index.ts';
import type { Away } from './agent-view.ts';

/** A container as the map has it; `ContainerDefinition` and the protocol's `ContainerSpec` both are one. */
export interface ExpectedContainer {
  name: string;
  /** The image's name without a tag. */
  image: string;
  kind: ImageKind;
  run?: Readonly<Record<string, unknown>> | undefined;
}

export interface ServerObservation {
  name: string;
  /** The name of its agent, for people. */
  agent: string;
  /** All of the server, in the map's order. */
  containers: readonly ExpectedContainer[];
  /** What the engine has, by name. */
  observed: Readonly<Record<string, ObservedContainer>>;
  /** Why what is observed can't be relied on; undefined where it can. */
  away?: Away | undefined;
  /** Whether its last job ended `DEGRADED`. */
  degraded: boolean;
  /** The id of the job that runs on it. */
  runningJob?: string | undefined;
  readOnly: boolean;
  /** As `ObservedTask` has it. */
  viewer?: string | undefined;
  /** For built images, by container: the newest image whose build run succeeded. */
  latest?: Readonly<Record<string, Version>> | undefined;
  /** For built images, by container: their builds, where they are known. */
  builds?: Readonly<Record<string, TaskBuild>> | undefined;
}

export interface ObservedServer {
  state: ServerState;
  /** Why it is not `Running`, as a part of a sentence: `gateway exited with 137`. */
  reason?: string;
  /** One per container, in the map's order. */
  tasks: readonly ObservedTask[];
}

/**
 * What the rules look at for each container of a server: the one way from what an engine has to `arm`, for the dashboard
 * (on what it last saw) and for the agent (on what it inspects at that moment).
 *
 * The state: `Unreachable` or `Connecting` before anything else. `Degraded` while an update that could not be restored shows, which is
 * until all containers serve again: a person who brought them back by hand need not tell anybody. `Running` if at least
 * one container runs. Else `Stopped`.
 */
export function observeServer(input: ServerObservation): ObservedServer {
  const { name, agent, containers, observed, runningJob } = input;
  const present = containers.flatMap((container) => ownOf(observed, container.name) ?? []);
  const { state, reason } = stateOf(input);
  const server: ObservedTask['server'] = {
    name,
    agent,
    state,
    ...(reason !== undefined && { reason }),
    created: present.length > 0,
    ...(runningJob !== undefined && { runningJob }),
  };
  return {
    state,
    ...(reason !== undefined && { reason }),
    tasks: containers.map((container): ObservedTask => {
      const seen = ownOf(observed, container.name);
      const deployed = seen && deployedVersion(seen, container.image);
      const latest = container.kind === 'built' ? ownOf(input.latest ?? {}, container.name) : undefined;
      const build = container.kind === 'built' ? ownOf(input.builds ?? {}, container.name) : undefined;
      return {
        server,
        container: container.name,
        kind: container.kind,
        exists: seen !== undefined,
        creatable: container.run !== undefined,
        ...(deployed !== undefined && { deployed }),
        ...(latest !== undefined && { latest }),
        ...(build !== undefined && { build }),
        readOnly: input.readOnly,
        ...(input.viewer !== undefined && { viewer: input.viewer }),
      };
    }),
  };
}

/**
 * The tag and digest that a container runs. Undefined where it runs no tag, or an image of another repository than the
 * map's: there the map's image with the same tag is another version.
 */
export function deployedVersion(container: ObservedContainer, image: string): Version | undefined {
  const { tag, digest } = container;
  if (tag === undefined || !sameRepository(container.image, image)) return undefined;
  return { tag, ...(digest !== undefined && { digest }) };
}

/** A container made of an image's id names no repository: it is given the benefit of the doubt. */
function sameRepository(running: string, expected: string): boolean {
  const left = parseReference(running);
  const right = parseReference(expected);
  return !left.ok || !right.ok || repositoryOf(left.value) === repositoryOf(right.value);
}

function stateOf(input: ServerObservation): { state: ServerState; reason?: string } {
  const { containers, observed, away, degraded, runningJob } = input;
  if (away !== undefined) return away;
  const off = containers.flatMap(({ name }) => whyOff(name, ownOf(observed, name)) ?? []);
  if (degraded) {
    const unwell = containers.flatMap(({ name }) => whyUnwell(name, ownOf(observed, name)) ?? []);
    if (unwell.length > 0) return { state: 'Degraded', reason: unwell.join(', ') };
  }
  if (off.length < containers.length) return { state: 'Running' };
  const created = containers.some(({ name }) => ownOf(observed, name) !== undefined);
  if (!created) return { state: 'Stopped', reason: 'no container of it exists yet' };
  // The old ones are stopped, the new ones not yet under their names: that is no exit that anybody has to look into.
  return {
    state: 'Stopped',
    reason: runningJob === undefined ? off.join(', ') : `the job ${runningJob} is at it`,
  };
}

/** Why a container does not run; undefined where it does. */
function whyOff(name: string, container: ObservedContainer | undefined): string | undefined {
  switch (container?.state) {
    case undefined:
      return `${name} does not exist`;
    case 'running':
    // The engine starts it over and over: it is up, as bad as it is, and can be replaced.
    case 'restarting':
      return undefined;
    case 'exited':
      return container?.exitCode === undefined
        ? `${name} exited`
        : `${name} exited with ${container.exitCode}`;
    case 'created':
      return `${name} was never started`;
    case 'paused':
      return `${name} is paused`;
    case 'removing':
      return `${name} is being removed`;
    case 'dead':
      return `${name} is dead`;
  }
}

/** Why a container does not serve as it should; undefined where it does. */
function whyUnwell(name: string, container: ObservedContainer | undefined): string | undefined {
  if (container?.state === 'restarting') return `${name} restarts over and over`;
  if (container?.state === 'running' && container.health === 'unhealthy') return `${name} is unhealthy`;
  return whyOff(name, container);
}

/** Names are the map's: `constructor` is a container's name like any other. */
function ownOf<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}
