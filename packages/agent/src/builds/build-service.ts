import type { BuildEvent, BuildRun, BuiltImage } from '@towline/core/build';
import type {
  BuildLogChunk,
  BuildLogInput,
  BuildLogOutput,
  BuildLogPartInput,
  BuildLogPartOutput,
  BuildRunsInput,
  BuildRunsOutput,
  CleanBuildInput,
  CleanBuildOutput,
  CommitsBetweenInput,
  CommitsBetweenOutput,
  FollowBuildLogInput,
  ProtocolError,
  PutSecretInput,
  RunBuildInput,
  RunBuildOutput,
  SearchBuildLogInput,
  SearchBuildLogOutput,
  SecretNames,
} from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { BuildName } from './run-folders.ts';

/** An answer of the service: expected failures are the protocol's. */
export type Answer<T> = Promise<Result<T, ProtocolError>>;

/**
 * The builds of one agent. A run belongs to the agent: it goes on without a viewer, and is found again, as interrupted,
 * after the agent was killed.
 */
export interface BuildService {
  /** Names the state that it has, and what it makes on the engine: random, and the same for as long as that is there. */
  readonly owner: string;
  /**
   * Queues a run; its number is on the disk before this returns. A repeated `key` answers with the run that it started.
   * Errors: `bad-request`, `engine-unreachable`, `refused` with `secret-missing` or `not-supported`.
   */
  run(input: RunBuildInput): Answer<RunBuildOutput>;
  /** At any step, and in the queue. Errors: `not-found`, `bad-request` for one that is over. */
  cancel(id: string, operator: string): Answer<void>;
  /** Newest first, without their vertices. */
  runs(input: BuildRunsInput): BuildRunsOutput;
  /** With its vertices. */
  get(id: string): Promise<BuildRun | undefined>;
  /** The events after `afterSeq`, those of the past first, then live ones; ends with the run or with `signal`. */
  follow(id: string, afterSeq: number, signal: AbortSignal): AsyncIterable<BuildEvent>;
  /** Errors, here and for the others of logs: `not-found` where there is no such run, or no log of that step. */
  log(input: BuildLogInput): Answer<BuildLogOutput>;
  logPart(input: BuildLogPartInput): Answer<BuildLogPartOutput>;
  searchLog(input: SearchBuildLogInput): Answer<SearchBuildLogOutput>;
  /** The lines that are asked for, then every new one, until the step's log or the run ends; waits for its beginning. */
  followLog(input: FollowBuildLogInput, signal: AbortSignal): Answer<AsyncIterable<BuildLogChunk>>;
  setNote(id: string, note: string, operator: string): Answer<void>;
  /** Errors: `refused` with `build-running`. */
  clean(input: CleanBuildInput): Answer<CleanBuildOutput>;
  /** `masked` is false where the value is too short to be hidden in output. */
  putSecret(input: PutSecretInput): Answer<{ masked: boolean }>;
  removeSecret(name: string): Answer<void>;
  secretNames(): Promise<SecretNames>;
  commitsBetween(input: CommitsBetweenInput, signal: AbortSignal): Answer<CommitsBetweenOutput>;
  /** What the watch has: `recentRuns` of each build, without their vertices. */
  recent(): BuildRun[];
  /** Calls on every change of a run; returns what ends it. */
  onRun(listener: (run: BuildRun) => void): () => void;
  /** What Latest resolves to. */
  latest(build: BuildName): BuiltImage | undefined;
  /** The run that has a tag. */
  runOf(build: BuildName, tag: string): BuildRun | undefined;
  /** How many runs have not ended. */
  activeCount(): number;
  /** What was set aside when the state was read, for people. */
  problems(): string[];
  /** Takes no more runs and ends those that are there, as interrupted. */
  close(): Promise<void>;
}
