import type { Job, JobEvent } from '@towline/core/job';
import type {
  ExecuteInput,
  ExecuteOutput,
  ExecutePlan,
  PlanInput,
  ProtocolError,
  PruneRules,
  RestoreInput,
} from '@towline/core/protocol';
import type { Result } from '@towline/core/result';

/**
 * The jobs of one agent. A job belongs to the agent: it goes on without a viewer, it is journaled before each step, and
 * it is found again after the agent was killed.
 */
export interface JobService {
  /**
   * Begins one Execute of one server. A repeated `key` answers with the job that it started (`repeated: true`).
   * Errors: `refused` with `job-running` while the server or one of its containers has a job. What a rule refuses is
   * recorded as a job that ended `REFUSED`, and its id is returned.
   */
  execute(input: ExecuteInput): Promise<Result<ExecuteOutput, ProtocolError>>;
  /**
   * Brings a degraded server's old version back, once more: a job of its own, that ends `RESTORED` or `DEGRADED`. An old
   * container that somebody removed is created again. A repeated `key` answers with the job that it started. Errors:
   * `refused` where the server is not degraded (`not-degraded`) or has a job (`job-running`).
   */
  restore(input: RestoreInput): Promise<Result<ExecuteOutput, ProtocolError>>;
  /**
   * What an Execute would do now, and why it would be refused; nothing is touched, pulled or written down. Errors:
   * `bad-request`, `engine-unreachable`.
   */
  plan(input: PlanInput): Promise<Result<ExecutePlan, ProtocolError>>;
  /**
   * Asks a job to end. One that waits or pulls ends `CANCELLED` with nothing touched; one that has stopped the old
   * container restores it first. Past its commit a job can't be cancelled, nor can a restore. Answered when the next agent would
   * know of it, too. Errors: `not-found`, `refused`, and `internal` where the agent ends and can't write it down.
   */
  cancel(id: string, operator: string): Promise<Result<void, ProtocolError>>;
  /** The newest jobs, newest first, at most `limit`. */
  list(limit: number): Job[];
  get(id: string): Job | undefined;
  /** The events after `afterSeq`, those of the past first, then live ones; ends with the job or with `signal`. */
  follow(id: string, afterSeq: number, signal: AbortSignal): AsyncIterable<JobEvent>;
  /** Calls on every change of a job (at most as often as its events come); returns what ends it. */
  onJob(listener: (job: Job) => void): () => void;
  /** The old containers that a map's jobs kept, by what the journals say. */
  kept(of: Pick<PruneRules, 'service' | 'map'>): { id: string; name: string }[];
  /** That a kept container was removed. One that can't be written down is noticed at the next start: it is not there. */
  forget(id: string): Promise<void>;
  /**
   * What is to stay of the containers' images, whichever map wants it: the names, with tags, that a rollback would deploy, and
   * the ids of those that a degraded server is restored from.
   */
  neededImages(containers: PruneRules['containers']): Promise<string[]>;
  /** Servers whose last job ended `DEGRADED`: `service/map/server`. */
  degraded(): string[];
  /** How many jobs have not ended. */
  activeCount(): number;
  /** What was set aside when the state was read, for people. */
  problems(): string[];
  /** Takes no more jobs and lets go of everything. What is journaled stands: the next start reconciles it. */
  close(): Promise<void>;
}
