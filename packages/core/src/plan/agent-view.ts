import { type BuildRun, buildKey, recentRuns } from '../build/index.ts';
import { isEnded, type Job } from '../job/index.ts';
import type { Hello, ObservedContainer, WatchEvent } from '../protocol/index.ts';
import { keepIdentity } from './keep-identity.ts';

/** How one agent can be reached now. */
export type LinkState =
  | { state: 'connecting' }
  /** `foundAt` is its socket, where its address does not say which of the machine's agents it is. */
  | { state: 'connected'; foundAt?: string }
  /** `message` names the hop that failed, why, and what to do; `lastSeenAt` is when it was connected last. */
  | { state: 'lost'; message: string; lastSeenAt?: string }
  /** The two sides speak different protocols; it is tried again, since either may be upgraded. */
  | { state: 'incompatible'; message: string };

/** What is known of one agent: the fold of its watch events, and the state of the link that brings them. */
export interface AgentView {
  name: string;
  link: LinkState;
  hello?: Hello;
  /** By how many milliseconds its clock is at least ahead of this machine's; negative where it is behind. */
  clockAheadMs: number;
  /** Undefined while the engine is there; else why it is not. */
  engineLost?: string;
  /** Whether a first snapshot has come: before it, no container is known, rather than none there. */
  known: boolean;
  /** By name. After a lost link or engine these are the last known ones, and stale. */
  containers: Readonly<Record<string, ObservedContainer>>;
  /** By id: every job that is not ended, and each server's last ended one. */
  jobs: Readonly<Record<string, Job>>;
  /** Servers whose last job ended `DEGRADED`: `service/map/server`. */
  degraded: readonly string[];
  /** By `buildKey`: the runs of each build that ran here, newest first, as `recentRuns` has them. */
  builds: Readonly<Record<string, readonly BuildRun[]>>;
}

/** What is known of an agent before it said anything. */
export function initialAgentView(name: string): AgentView {
  return {
    name,
    link: { state: 'connecting' },
    clockAheadMs: 0,
    known: false,
    containers: {},
    jobs: {},
    degraded: [],
    builds: {},
  };
}

/** The name of the token that this end came to an agent with, where that is a viewer's; undefined where it may change something. */
export function viewerOf(agent: AgentView | undefined): string | undefined {
  const caller = agent?.hello?.caller;
  return caller?.role === 'viewer' ? caller.name : undefined;
}

/** Why what is known of an agent can't be relied on. Nothing has gone wrong with one that is being connected to. */
export type Away = { state: 'Connecting' } | { state: 'Unreachable'; reason: string };

/** Undefined where what is known of an agent can be relied on. */
export function whyAway(name: string, agent: AgentView | undefined): Away | undefined {
  if (agent === undefined) return { state: 'Unreachable', reason: `Nothing is connected to ${name}.` };
  switch (agent.link.state) {
    case 'connecting':
      return { state: 'Connecting' };
    case 'lost':
    case 'incompatible':
      return { state: 'Unreachable', reason: agent.link.message };
    case 'connected':
      if (agent.engineLost !== undefined) return { state: 'Unreachable', reason: agent.engineLost };
      return agent.known ? undefined : { state: 'Connecting' };
  }
}

/** A server's name among all of an agent, as `degraded` and locks have it. */
export function serverKey({
  service,
  map,
  server,
}: {
  service: string;
  map: string;
  server: string;
}): string {
  return `${service}/${map}/${server}`;
}

/**
 * Folds one watch event into a view. `link` and `hello` are the link's business and stay as they are. What did not
 * change keeps its identity, down to each container and job, so that a screen draws only what did; an event that
 * changes nothing returns `view` itself.
 */
export function reduceWatchEvent(view: AgentView, event: WatchEvent): AgentView {
  return keepIdentity(view, apply(view, event));
}

function apply(view: AgentView, event: WatchEvent): AgentView {
  switch (event.type) {
    case 'snapshot': {
      const { engineLost: _, ...rest } = view;
      return {
        ...rest,
        known: true,
        containers: Object.fromEntries(event.containers.map((container) => [container.name, container])),
        jobs: Object.fromEntries(event.jobs.map((job) => [job.id, job])),
        degraded: event.degraded,
        builds: Object.fromEntries(
          [...Map.groupBy(event.builds ?? [], buildKey)].map(([key, runs]) => [key, recentRuns(runs)]),
        ),
      };
    }
    case 'container':
      return {
        ...view,
        // It may have had another name before: it is told apart by its id.
        containers: {
          ...withoutContainer(view.containers, event.container.id),
          [event.container.name]: event.container,
        },
      };
    case 'container-gone':
      // Another one may have taken the name by now.
      return { ...view, containers: withoutContainer(view.containers, event.id) };
    case 'job':
      return withJob(view, event.job);
    case 'build-run':
      return withBuildRun(view, event.run);
    case 'engine-lost':
      return { ...view, engineLost: event.message };
  }
}

function withoutContainer(containers: AgentView['containers'], id: string): AgentView['containers'] {
  return Object.fromEntries(Object.entries(containers).filter(([, container]) => container.id !== id));
}

function withJob(view: AgentView, job: Job): AgentView {
  const known = view.jobs[job.id];
  if (known !== undefined && known.lastSeq > job.lastSeq) return view;
  const server = serverKey(job);
  // Of what ended on a server only the last is kept, so that the view does not grow with the history.
  const others = Object.entries(view.jobs).filter(
    ([id, other]) =>
      id !== job.id && !(isEnded(job.state) && isEnded(other.state) && serverKey(other) === server),
  );
  return {
    ...view,
    jobs: Object.fromEntries([...others, [job.id, job]]),
    degraded: degradedAfter(view.degraded, server, job),
  };
}

/** Of the runs that ended the last ones are kept, and what Latest resolves to, so that the view does not grow. */
function withBuildRun(view: AgentView, run: BuildRun): AgentView {
  const key = buildKey(run);
  const runs = Object.hasOwn(view.builds, key) ? (view.builds[key] ?? []) : [];
  const known = runs.find(({ id }) => id === run.id);
  if (known !== undefined && known.lastSeq > run.lastSeq) return view;
  const others = runs.filter(({ id }) => id !== run.id);
  return { ...view, builds: { ...view.builds, [key]: recentRuns([...others, run]) } };
}

/** A job that touched the server decides; one that was refused or cancelled left it as it was. */
function degradedAfter(degraded: readonly string[], server: string, { state }: Job): readonly string[] {
  switch (state) {
    case 'DEGRADED':
      return degraded.includes(server) ? degraded : [...degraded, server];
    case 'DONE':
    case 'RESTORED':
      return degraded.filter((other) => other !== server);
    case 'QUEUED':
    case 'RUNNING':
    case 'REFUSED':
    case 'CANCELLED':
      return degraded;
  }
}
