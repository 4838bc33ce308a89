import type { BuildRun } from '@towline/core/build';
import type { Job } from '@towline/core/job';
import {
  AWAIT_BUILD_CAPABILITY,
  BUILDS_CAPABILITY,
  type BuildLogOutput,
  type BuildLogPartOutput,
  type BuildRunsOutput,
  buildLogInputSchema,
  buildLogPartInputSchema,
  buildRunInputSchema,
  buildRunsInputSchema,
  type CleanBuildOutput,
  type CommitsBetweenOutput,
  cancelBuildInputSchema,
  cancelJobInputSchema,
  cleanBuildInputSchema,
  commitsBetweenInputSchema,
  type ExecuteOutput,
  type ExecutePlan,
  executeInputSchema,
  followBuildLogInputSchema,
  followBuildRunInputSchema,
  followJobInputSchema,
  type Hello,
  helloInputSchema,
  jobInputSchema,
  jobsInputSchema,
  LOGS_SINCE_CAPABILITY,
  logsInputSchema,
  PLAN_CAPABILITY,
  PROTOCOL_VERSION,
  PRUNE_CAPABILITY,
  type ProtocolError,
  type Pruned,
  type PruneList,
  type PutSecretOutput,
  planInputSchema,
  protocolMismatch,
  pruneInputSchema,
  pruneRulesSchema,
  putSecretInputSchema,
  RESTORE_CAPABILITY,
  type RunBuildOutput,
  removeSecretInputSchema,
  restoreInputSchema,
  runBuildInputSchema,
  type SearchBuildLogOutput,
  type SecretNames,
  searchBuildLogInputSchema,
  setBuildNoteInputSchema,
  type VersionsOutput,
  versionsInputSchema,
} from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import { initTRPC, tracked } from '@trpc/server';
import type { BuildService } from '../builds/index.ts';
import type { Engine, EngineWatch } from '../engine/index.ts';
import type { JobService } from '../jobs/index.ts';
import type { PruneService } from '../prune/index.ts';
import type { Registry } from '../registry/index.ts';
import { fail, toProtocolError } from './failure.ts';
import type { Intake } from './intake.ts';
import { type Outlet, paced } from './paced.ts';
import { type Caller, signed, whyNotPermitted } from './permissions.ts';
import { watchStream } from './watch-stream.ts';

/** What the procedures work with. */
export interface Services {
  engine: Engine;
  watch: EngineWatch;
  registry: Registry;
  jobs: JobService;
  builds: BuildService;
  prune: PruneService;
  /** The agent's own version. */
  version: string;
  startedAt: string;
  /** In the words of `--engine`. */
  engineAddress: string;
}

/** Of a container's log: some kilobytes. */
const FEW_LINES = 16;

/** What a client may count on. Later ones are added here, so that a client can say what is missing. */
const CAPABILITIES = [
  'watch',
  'versions',
  'logs',
  'execute',
  'cancel',
  BUILDS_CAPABILITY,
  AWAIT_BUILD_CAPABILITY,
  PLAN_CAPABILITY,
  RESTORE_CAPABILITY,
  PRUNE_CAPABILITY,
  LOGS_SINCE_CAPABILITY,
] as const;

/** A connection, and who is at its other end. */
export interface Context extends Outlet {
  caller: Caller;
  intake: Intake;
}

/** What a procedure answers is checked by its client: a type is enough here. */
const trpc = initTRPC.context<Context>().create({
  isDev: false,
  errorFormatter({ shape, error }) {
    const towline = toProtocolError(error);
    // The shape is made anew: tRPC's own has a stack in it at times.
    const { code, httpStatus, path } = shape.data;
    return { ...shape, message: towline.message, data: { code, httpStatus, path, towline } };
  },
});

/** Who cancels, where an older client does not say. */
const SOMEBODY = 'an operator';

/** The verbs that an agent offers, and no others: there is no way through to the engine. */
export function createRouter(services: Services) {
  const { engine, watch, registry, jobs, builds, prune } = services;
  const procedure = trpc.procedure.use(({ ctx: { caller, intake }, path, getRawInput, next }) =>
    intake.run(async () => {
      const why = whyNotPermitted(caller, path, Date.now());
      if (why !== undefined) throw fail(why);
      if (caller.kind === 'local') return await next();
      return await next({ getRawInput: async () => signed(await getRawInput(), caller) });
    }),
  );
  return trpc.router({
    hello: procedure.input(helloInputSchema).query(async ({ input, ctx: { caller } }): Promise<Hello> => {
      if (input.protocol !== PROTOCOL_VERSION) throw fail(mismatch(input, services.version));
      const info = await engine.info();
      return {
        protocol: PROTOCOL_VERSION,
        version: services.version,
        pid: process.pid,
        startedAt: services.startedAt,
        now: new Date().toISOString(),
        identity: builds.owner,
        engine: info.ok
          ? {
              state: 'reachable',
              name: info.value.name,
              version: info.value.version,
              apiVersion: info.value.apiVersion,
              os: info.value.os,
              arch: info.value.arch,
              limits: [...info.value.limits],
            }
          : { state: 'unreachable', message: info.error.message },
        engineAddress: services.engineAddress,
        capabilities: [...CAPABILITIES],
        ...(caller.kind === 'token' && { caller: { name: caller.name, role: caller.role } }),
      };
    }),

    watch: procedure.subscription(async function* ({ ctx, signal = new AbortController().signal }) {
      yield* paced(watchStream(watch, jobs, builds, signal), ctx, signal);
    }),

    versions: procedure.input(versionsInputSchema).query(async ({ input }): Promise<VersionsOutput> => {
      const found = await registry.versions(input.image, input.limit);
      if (!found.ok) throw fail({ code: registryCode(found.error.code), message: found.error.message });
      return found.value;
    }),

    execute: procedure
      .input(executeInputSchema)
      .mutation(async ({ input }): Promise<ExecuteOutput> => answer(await jobs.execute(input))),

    restore: procedure
      .input(restoreInputSchema)
      .mutation(async ({ input }): Promise<ExecuteOutput> => answer(await jobs.restore(input))),

    plan: procedure
      .input(planInputSchema)
      .query(async ({ input }): Promise<ExecutePlan> => answer(await jobs.plan(input))),

    pruneList: procedure
      .input(pruneRulesSchema)
      .query(async ({ input }): Promise<PruneList> => answer(await prune.list(input))),

    prune: procedure
      .input(pruneInputSchema)
      .mutation(async ({ input }): Promise<Pruned> => answer(await prune.prune(input))),

    cancelJob: procedure.input(cancelJobInputSchema).mutation(async ({ input }): Promise<{ id: string }> => {
      answer(await jobs.cancel(input.id, input.operator ?? SOMEBODY));
      return { id: input.id };
    }),

    jobs: procedure.input(jobsInputSchema).query(({ input }): Job[] => jobs.list(input.limit)),

    job: procedure.input(jobInputSchema).query(({ input }): Job => jobs.get(input.id) ?? noSuchJob(input.id)),

    followJob: procedure.input(followJobInputSchema).subscription(async function* ({
      input,
      ctx,
      signal = new AbortController().signal,
    }) {
      if (jobs.get(input.id) === undefined) noSuchJob(input.id);
      const after = seqOf(input.lastEventId);
      for await (const event of paced(jobs.follow(input.id, after, signal), ctx, signal)) {
        yield tracked(String(event.seq), event);
      }
    }),

    logs: procedure.input(logsInputSchema).subscription(async function* ({
      input,
      ctx,
      signal = new AbortController().signal,
    }) {
      const { container, ...which } = input;
      const lines = engine.logs(container, { ...which, signal });
      yield* paced(lines, ctx, signal, FEW_LINES);
    }),

    runBuild: procedure
      .input(runBuildInputSchema)
      .mutation(async ({ input }): Promise<RunBuildOutput> => answer(await builds.run(input))),

    cancelBuild: procedure
      .input(cancelBuildInputSchema)
      .mutation(async ({ input }): Promise<{ id: string }> => {
        answer(await builds.cancel(input.id, input.operator ?? SOMEBODY));
        return { id: input.id };
      }),

    buildRuns: procedure
      .input(buildRunsInputSchema)
      .query(({ input }): BuildRunsOutput => builds.runs(input)),

    buildRun: procedure
      .input(buildRunInputSchema)
      .query(async ({ input }): Promise<BuildRun> => (await builds.get(input.id)) ?? noSuchRun(input.id)),

    followBuildRun: procedure.input(followBuildRunInputSchema).subscription(async function* ({
      input,
      ctx,
      signal = new AbortController().signal,
    }) {
      if ((await builds.get(input.id)) === undefined) noSuchRun(input.id);
      const after = seqOf(input.lastEventId);
      for await (const event of paced(builds.follow(input.id, after, signal), ctx, signal)) {
        yield tracked(String(event.seq), event);
      }
    }),

    buildLog: procedure
      .input(buildLogInputSchema)
      .query(async ({ input }): Promise<BuildLogOutput> => answer(await builds.log(input))),

    buildLogPart: procedure
      .input(buildLogPartInputSchema)
      .query(async ({ input }): Promise<BuildLogPartOutput> => answer(await builds.logPart(input))),

    searchBuildLog: procedure
      .input(searchBuildLogInputSchema)
      .query(async ({ input }): Promise<SearchBuildLogOutput> => answer(await builds.searchLog(input))),

    followBuildLog: procedure.input(followBuildLogInputSchema).subscription(async function* ({
      input,
      ctx,
      signal = new AbortController().signal,
    }) {
      seqOf(input.lastEventId);
      const log = answer(await builds.followLog(input, signal));
      for await (const chunk of paced(log, ctx, signal)) {
        const last = chunk.entries.at(-1);
        // There are millions of lines: they have the form that they are to have by how they are read.
        if (last !== undefined) yield tracked(String(last.seq), chunk);
      }
    }),

    setBuildNote: procedure
      .input(setBuildNoteInputSchema)
      .mutation(async ({ input }): Promise<{ id: string }> => {
        answer(await builds.setNote(input.id, input.note, input.operator));
        return { id: input.id };
      }),

    cleanBuild: procedure
      .input(cleanBuildInputSchema)
      .mutation(async ({ input }): Promise<CleanBuildOutput> => answer(await builds.clean(input))),

    putSecret: procedure.input(putSecretInputSchema).mutation(
      async ({ input }): Promise<PutSecretOutput> => ({
        name: input.name,
        ...answer(await builds.putSecret(input)),
      }),
    ),

    removeSecret: procedure
      .input(removeSecretInputSchema)
      .mutation(async ({ input }): Promise<{ name: string }> => {
        answer(await builds.removeSecret(input.name));
        return { name: input.name };
      }),

    secretNames: procedure.query(async (): Promise<SecretNames> => builds.secretNames()),

    commitsBetween: procedure
      .input(commitsBetweenInputSchema)
      .query(
        async ({ input, signal = new AbortController().signal }): Promise<CommitsBetweenOutput> =>
          answer(await builds.commitsBetween(input, signal)),
      ),
  });
}

export type AgentRouter = ReturnType<typeof createRouter>;

function mismatch(client: { protocol: number; version: string }, version: string): ProtocolError {
  return {
    code: 'protocol-mismatch',
    message: protocolMismatch(client, { protocol: PROTOCOL_VERSION, version }),
  };
}

function noSuchJob(id: string): never {
  throw fail({
    code: 'not-found',
    message: `This agent knows no job "${id}". \`towline jobs\` lists those it has.`,
  });
}

function noSuchRun(id: string): never {
  throw fail({
    code: 'not-found',
    message: `This agent knows no build run "${id}". \`towline build list\` lists those it has.`,
  });
}

/** The value, or the protocol's error. */
function answer<T>(result: Result<T, ProtocolError>): T {
  if (!result.ok) throw fail(result.error);
  return result.value;
}

/** The number that a stream goes on after. */
function seqOf(lastEventId: string | undefined): number {
  const after = lastEventId === undefined ? 0 : Number(lastEventId);
  if (Number.isSafeInteger(after) && after >= 0) return after;
  throw fail({ code: 'bad-request', message: `"${lastEventId}" is not the number of an event.` });
}

function registryCode(code: string): ProtocolError['code'] {
  switch (code) {
    case 'registry-unavailable':
      return 'registry-unavailable';
    case 'image-not-found':
    case 'tag-not-found':
      return 'not-found';
    case 'registry-denied':
      return 'unauthorised';
    default:
      return 'bad-request';
  }
}
