import {
  buildLogOutputSchema,
  buildLogPartOutputSchema,
  buildRunsOutputSchema,
  cleanBuildOutputSchema,
  commitsBetweenOutputSchema,
  putSecretOutputSchema,
  runBuildOutputSchema,
  searchBuildLogOutputSchema,
  secretNamesSchema,
} from '@towline/core/answers';
import { type BuildEvent, type BuildRun, type BuildStepKind, buildRunSchema } from '@towline/core/build';
import type {
  BuildLogEntry,
  BuildLogOutput,
  BuildLogPartInput,
  BuildLogPartOutput,
  BuildRunsOutput,
  CleanBuildInput,
  CleanBuildOutput,
  CommitsBetweenOutput,
  PutSecretOutput,
  RunBuildInput,
  RunBuildOutput,
  SearchBuildLogInput,
  SearchBuildLogOutput,
  SecretNames,
} from '@towline/core/protocol';
import { err, type Result } from '@towline/core/result';
import {
  type AgentLink,
  buildEvents,
  buildLogLines,
  CallError,
  type CallFailure,
  type LogFollowStart,
} from '../link/index.ts';

/** A build of a service, or all of one, or of all. */
export interface BuildRunsQuery {
  service?: string;
  build?: string;
  /** 100 where it is absent. */
  limit?: number;
  /** Only those that were queued before this run: to page on. */
  before?: string;
}

/** A page of a step's log. */
export interface BuildLogQuery {
  run: string;
  step: BuildStepKind;
  at: { from: number } | { before: number } | 'end';
  /** 500 where it is absent. */
  limit?: number;
}

/** What an agent is asked of builds. `agent` is the one that the build is built on (`definition.agent`). */
export interface BuildCalls {
  /** A lost answer is asked for again with the same key, never with a new one. */
  runBuild(agent: string, input: RunBuildInput): Promise<Result<RunBuildOutput, CallFailure>>;
  cancelBuild(agent: string, id: string): Promise<Result<void, CallFailure>>;
  /** Newest first; `everRun` tells what is locked (`lockedFields`). */
  buildRuns(agent: string, query: BuildRunsQuery): Promise<Result<BuildRunsOutput, CallFailure>>;
  buildRun(agent: string, id: string): Promise<Result<BuildRun, CallFailure>>;
  /**
   * Events from the first on, over reconnects with none lost and none twice; ends with the run's `ended` or with
   * `signal`. A note that is written later is told by the watch.
   */
  followBuildRun(agent: string, id: string, signal: AbortSignal): AsyncIterable<BuildEvent>;
  buildLog(agent: string, query: BuildLogQuery): Promise<Result<BuildLogOutput, CallFailure>>;
  /**
   * Lines in batches, in order and without gaps (but for those that `latest` leaves out), over reconnects with none lost
   * and none twice; ends with the step's log or with `signal`. To go on where a page ended, begin at its last `seq` + 1. Throws a `CallError`.
   */
  followBuildLog(
    agent: string,
    log: { run: string; step: BuildStepKind },
    start: LogFollowStart,
    signal: AbortSignal,
  ): AsyncIterable<readonly BuildLogEntry[]>;
  /** More of a line that came cut. */
  buildLogPart(agent: string, input: BuildLogPartInput): Promise<Result<BuildLogPartOutput, CallFailure>>;
  /** `continue` is to be asked again from `next`: so a long search can be left. */
  searchBuildLog(
    agent: string,
    input: Omit<SearchBuildLogInput, 'direction'> & Partial<Pick<SearchBuildLogInput, 'direction'>>,
  ): Promise<Result<SearchBuildLogOutput, CallFailure>>;
  /** An empty note takes it away. */
  setBuildNote(agent: string, id: string, note: string): Promise<Result<void, CallFailure>>;
  cleanBuild(
    agent: string,
    input: Pick<CleanBuildInput, 'service' | 'build' | 'what'>,
  ): Promise<Result<CleanBuildOutput, CallFailure>>;
  putSecret(agent: string, name: string, value: string): Promise<Result<PutSecretOutput, CallFailure>>;
  removeSecret(agent: string, name: string): Promise<Result<void, CallFailure>>;
  secretNames(agent: string): Promise<Result<SecretNames, CallFailure>>;
  /** `from` and `to` are build tags, or commits. */
  commitsBetween(
    agent: string,
    input: { service: string; build: string; from: string; to: string; limit?: number },
  ): Promise<Result<CommitsBetweenOutput, CallFailure>>;
}

/** An answer that says no more than that it was done. */
const done = { safeParse: () => ({ success: true as const, data: undefined }) };

/** The calls over the links that there are. `operator` is who they are of. */
export function createBuildCalls(options: {
  link(agent: string): Result<AgentLink, CallFailure>;
  operator: string;
  /** Why nothing may be changed on an agent; undefined where it may. */
  whyNot(agent: string): CallFailure | undefined;
}): BuildCalls {
  const { link, operator, whyNot } = options;
  const toChange = (agent: string) => {
    const against = whyNot(agent);
    return against === undefined ? link(agent) : err(against);
  };
  return {
    async runBuild(agent, input) {
      const to = toChange(agent);
      if (!to.ok) return to;
      return to.value.insist((client) => client.runBuild.mutate(input), runBuildOutputSchema, RUN_DOUBT);
    },
    async cancelBuild(agent, id) {
      const to = toChange(agent);
      return to.ok ? to.value.call((client) => client.cancelBuild.mutate({ id, operator }), done) : to;
    },
    async buildRuns(agent, query) {
      const to = link(agent);
      return to.ok ? to.value.call((client) => client.buildRuns.query(query), buildRunsOutputSchema) : to;
    },
    async buildRun(agent, id) {
      const to = link(agent);
      return to.ok ? to.value.call((client) => client.buildRun.query({ id }), buildRunSchema) : to;
    },
    async *followBuildRun(agent, id, signal) {
      const to = link(agent);
      if (!to.ok) throw new CallError(to.error);
      yield* to.value.follow(buildEvents(id), signal);
    },
    async buildLog(agent, query) {
      const to = link(agent);
      if (!to.ok) return to;
      return to.value.call((client) => client.buildLog.query(query), buildLogOutputSchema);
    },
    async *followBuildLog(agent, log, start, signal) {
      const to = link(agent);
      if (!to.ok) throw new CallError(to.error);
      yield* to.value.follow(buildLogLines(log, start), signal);
    },
    async buildLogPart(agent, input) {
      const to = link(agent);
      if (!to.ok) return to;
      return to.value.call((client) => client.buildLogPart.query(input), buildLogPartOutputSchema);
    },
    async searchBuildLog(agent, input) {
      const to = link(agent);
      if (!to.ok) return to;
      return to.value.call((client) => client.searchBuildLog.query(input), searchBuildLogOutputSchema);
    },
    async setBuildNote(agent, id, note) {
      const to = toChange(agent);
      if (!to.ok) return to;
      return to.value.call((client) => client.setBuildNote.mutate({ id, note, operator }), done);
    },
    async cleanBuild(agent, input) {
      const to = toChange(agent);
      if (!to.ok) return to;
      return to.value.call(
        (client) => client.cleanBuild.mutate({ ...input, operator }),
        cleanBuildOutputSchema,
      );
    },
    async putSecret(agent, name, value) {
      const to = toChange(agent);
      if (!to.ok) return to;
      return to.value.call(
        (client) => client.putSecret.mutate({ name, value, operator }),
        putSecretOutputSchema,
      );
    },
    async removeSecret(agent, name) {
      const to = toChange(agent);
      return to.ok ? to.value.call((client) => client.removeSecret.mutate({ name, operator }), done) : to;
    },
    async secretNames(agent) {
      const to = link(agent);
      return to.ok ? to.value.call((client) => client.secretNames.query(), secretNamesSchema) : to;
    },
    async commitsBetween(agent, input) {
      const to = link(agent);
      if (!to.ok) return to;
      return to.value.call((client) => client.commitsBetween.query(input), commitsBetweenOutputSchema);
    },
  };
}

const RUN_DOUBT =
  'Whether the build was begun is not known: `towline build list` says, once the agent is back.';
