import type { Job, JobEvent } from '@towline/core/job';
import type { BuildChanges, ServiceDefinition } from '@towline/core/map';
import type { AgentView } from '@towline/core/plan';
import type {
  ExecuteInput,
  ExecuteOutput,
  ExecutePlan,
  LogLine,
  PlanInput,
  Pruned,
  PruneInput,
  PruneList,
  PruneRules,
  RestoreInput,
  VersionsOutput,
} from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { StoreApi } from 'zustand/vanilla';
import type { CallFailure, LogsOptions } from '../link/index.ts';
import type { BuildCalls } from './build-calls.ts';
import type { SaveFailure } from './map-on-disk.ts';
import type { PassphraseQuestion } from './passphrase-desk.ts';

/** All agents of a map file, folded into one state. Replaced, never changed; what did not change keeps its identity. */
export interface FleetState {
  /** From the map file; without one, the local engine's containers as a map of their own, made anew as they change. */
  services: readonly ServiceDefinition[];
  /** The map file is another by now, and what is here is of how it was read. Absent where it is not. */
  mapChanged?: true;
  /** By name, in the file's order. */
  agents: Readonly<Record<string, AgentView>>;
  /** What an agent's link waits for a person to answer. Absent where it is nothing. */
  passphrase?: PassphraseQuestion;
}

/**
 * The links to all agents. Reconnecting is its business: a lost link is a state, not an error. The store tells its
 * listeners 10 times a second at most, the first change after a quiet time at once.
 */
export interface Fleet extends BuildCalls {
  store: StoreApi<FleetState>;
  /** Where the map comes from, for titles: the file's path, or `local engine`. */
  origin: string;
  readOnly: boolean;
  /** Who jobs are started by: `$SUDO_USER` or the login name, `@` the machine it came from where SSH says it. */
  operator: string;
  /** Resolves once every agent has either told its first snapshot or failed once. */
  settled(): Promise<void>;
  versions(agent: string, image: string, limit?: number): Promise<Result<VersionsOutput, CallFailure>>;
  /** A lost answer is asked for again with the same key, never with a new one. */
  execute(agent: string, input: ExecuteInput): Promise<Result<ExecuteOutput, CallFailure>>;
  /** Answered as `execute` is, and a lost answer asked for again so. */
  restore(agent: string, input: RestoreInput): Promise<Result<ExecuteOutput, CallFailure>>;
  /** What an Execute would do. Errors: `not-supported` as a refusal where the agent is too old to tell. */
  plan(agent: string, input: PlanInput): Promise<Result<ExecutePlan, CallFailure>>;
  /** What `prune` would remove: what deployments left over, beyond the rules. */
  pruneList(agent: string, rules: PruneRules): Promise<Result<PruneList, CallFailure>>;
  prune(agent: string, input: PruneInput): Promise<Result<Pruned, CallFailure>>;
  cancelJob(agent: string, id: string): Promise<Result<void, CallFailure>>;
  jobs(agent: string, limit?: number): Promise<Result<readonly Job[], CallFailure>>;
  job(agent: string, id: string): Promise<Result<Job, CallFailure>>;
  /** Events from the first on, over reconnects with none lost and none twice; ends with the job or with `signal`. */
  followJob(agent: string, id: string, signal: AbortSignal): AsyncIterable<JobEvent>;
  /** Throws a `CallError` where the container is not there or the agent can't be reached. */
  logs(agent: string, container: string, options: LogsOptions): AsyncIterable<LogLine>;
  /** Milliseconds that a question of nothing takes, to the agent and its engine and back. */
  roundTrip(agent: string): Promise<Result<number, CallFailure>>;
  /**
   * Changes a build in the map file's text, and from then on in `store`. Nothing is written where the file is not as it
   * was read (`map-file-changed`): another editor has it. `reloadMap` reads it again.
   */
  saveBuild(service: string, build: string, changes: BuildChanges): Promise<Result<void, SaveFailure>>;
  /** Reads the map file again. Errors: as reading it; `other-agents` where it names other agents than before. */
  reloadMap(): Promise<Result<void, SaveFailure>>;
  /** Tries every agent again that is away, and not only once its time has come; passphrases that were not given are asked for again. */
  retryAgents(): void;
  /** Answers what `passphrase` asks; undefined goes without that key. */
  answerPassphrase(id: number, passphrase: string | undefined): void;
  close(): Promise<void>;
}
