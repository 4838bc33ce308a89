import { type BuildEvent, type BuildRun, isRunEnded, reduceBuildRun } from '@towline/core/build';
import { isEnded, type Job, type JobEvent, reduceJob } from '@towline/core/job';
import { CallError, type CallFailure } from '../link/index.ts';
import type { Fleet } from './fleet.ts';
import { outlast } from './outlast.ts';

/** How following came to its end. Whatever it was, what was followed is the agent's, and goes on. */
export type FollowEnd<T> =
  | { kind: 'ended'; last: T }
  /** The person here turned away. */
  | { kind: 'detached'; last: T | undefined }
  /** What became of it is not known. */
  | { kind: 'lost'; last: T | undefined; failure: CallFailure };

export interface FollowOptions<T, E> {
  /** Aborted to turn away. */
  signal: AbortSignal;
  onEvent(state: T, event: E): void | Promise<void>;
  /** Told at once when the agent is away, and when it is back, in a sentence for people. */
  onLink?(said: string): void;
  /** How long the agent may be away, in milliseconds; for ever where it is infinite. */
  patienceMs?: number;
}

/** Follows one job from its first event to its end, over lost connections as long as they come back. */
export function followJob(
  fleet: Fleet,
  agent: string,
  id: string,
  options: FollowOptions<Job, JobEvent>,
): Promise<FollowEnd<Job>> {
  return followToEnd(fleet, agent, options, {
    events: (signal) => fleet.followJob(agent, id, signal),
    fold: reduceJob,
    isOver: ({ state }) => isEnded(state),
    goesOn: `The job ${id} goes on without us: \`towline job ${id}\` shows it once the agent is back.`,
    unknown: `no job ${id} (any more). Its journal is in the state folder that the agent had then: start the agent with that --state-dir, and it brings the job to its end. \`towline status\` shows what the server runs now.`,
  });
}

/** As `followJob`, for a run of a build. */
export function followBuildRun(
  fleet: Fleet,
  agent: string,
  { id, build, tag }: { id: string; build: string; tag: string },
  options: FollowOptions<BuildRun, BuildEvent>,
): Promise<FollowEnd<BuildRun>> {
  return followToEnd(fleet, agent, options, {
    events: (signal) => fleet.followBuildRun(agent, id, signal),
    fold: reduceBuildRun,
    isOver: ({ state }) => isRunEnded(state),
    goesOn: `The run ${tag} of ${build} goes on without us: \`towline build log ${build} ${tag}\` shows it once the agent is back.`,
    unknown: `no run ${tag} of ${build} (any more). It is in the state folder that the agent had then: start the agent with that --state-dir.`,
  });
}

async function followToEnd<T, E>(
  fleet: Fleet,
  agent: string,
  { signal, onEvent, onLink, patienceMs }: FollowOptions<T, E>,
  followed: {
    events(signal: AbortSignal): AsyncIterable<E>;
    fold(state: T | undefined, event: E): T | undefined;
    isOver(state: T): boolean;
    goesOn: string;
    /** What an agent does not know that answers, but is not the one that began it. */
    unknown: string;
  },
): Promise<FollowEnd<T>> {
  let last: T | undefined;
  const outlasting = { signal, onLink, patienceMs, goesOn: followed.goesOn };
  try {
    for await (const event of outlast(fleet, agent, outlasting, followed.events)) {
      last = followed.fold(last, event);
      if (last !== undefined) await onEvent(last, event);
    }
    if (last !== undefined && followed.isOver(last)) return { kind: 'ended', last };
    return { kind: 'detached', last };
  } catch (error) {
    if (error instanceof CallError) {
      const { failure } = error;
      if (failure.code !== 'not-found') return { kind: 'lost', last, failure };
      const message = `The agent ${agent} answers, and knows ${followed.unknown}`;
      return { kind: 'lost', last, failure: { code: 'agent-forgot', message } };
    }
    throw error;
  }
}
