import type { ImageKind } from './choice.ts';

/** The tag and the digest of an image; the digest is absent for an image that no registry has. */
export interface Version {
  tag: string;
  digest?: string;
}

/**
 * `Running` if at least one of its containers runs, `Stopped` if none does, `Degraded` if an update could not be
 * restored, `Unreachable` if its agent is, `Connecting` until its agent has answered for the first time.
 */
export type ServerState = 'Running' | 'Stopped' | 'Degraded' | 'Unreachable' | 'Connecting';

/** Whether nobody sees the server now: what is known of it is of another time, or nothing is. */
export function isOutOfSight(state: ServerState): boolean {
  return state === 'Unreachable' || state === 'Connecting';
}

/** The build of a built image, as the rules look at it. */
export interface TaskBuild {
  name: string;
  /** The agent that it is built on. */
  agent: string;
  /** Whether its image gets to the server's engine: it is built there, or goes through a registry. */
  delivered: boolean;
  /** Why it can't be run now. */
  unavailable?: { code: 'agent-unreachable' | 'not-supported' | 'read-only'; message: string };
  /** Its run that is not over. */
  activeRun?: { tag: string; state: string; operator: string };
}

/** Everything that the rules look at for one task, as observed at one moment. */
export interface ObservedTask {
  server: {
    name: string;
    agent: string;
    state: ServerState;
    /** Why it is not `Running`, for people. */
    reason?: string;
    /** False while no container of the server exists: then Stopped does not stand in the way of creating it. */
    created: boolean;
    /** The id of the job that runs on it. */
    runningJob?: string;
  };
  container: string;
  kind: ImageKind;
  exists: boolean;
  /** Whether the map says how to create it (`run`). */
  creatable: boolean;
  /** What it runs now, where that is an image of the repository that the map names. */
  deployed?: Version;
  /** For a built image: the newest whose build run succeeded. */
  latest?: Version;
  /** For a built image: its build, where it is known. */
  build?: TaskBuild;
  readOnly: boolean;
  /** The name of the viewer's token that the agent was come to with: nothing can be changed there. */
  viewer?: string;
}
