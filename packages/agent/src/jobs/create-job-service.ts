import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { isEnded, type Job, type JobEvent, type JobState, type JobTask } from '@towline/core/job';
import { dependencyCycle } from '@towline/core/map';
import {
  type AwaitedTask,
  awaitedTasks,
  observeServer,
  serverKey,
  standingOf,
  waitedForBuilds,
} from '@towline/core/plan';
import type {
  ExecuteInput,
  ExecuteOutput,
  ExecutePlan,
  PlanInput,
  ProtocolError,
  PruneRules,
  RestoreInput,
} from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import { type Engine, EngineError, type EngineInfo, toProtocolError } from '../engine/index.ts';
import type { Registry } from '../registry/index.ts';
import {
  engineIsBack,
  isOwnContainer,
  isUnreachable,
  type OwnTraces,
  planServer,
  planSteps,
  type Recovered,
  type Replaced,
  type ReplaceTask,
  readOwnTraces,
  recoverServer,
  replaceServer,
  restoredWords,
  type Surroundings,
} from '../replace/index.ts';
import { notWritten, words } from '../store/index.ts';
import { ActiveJob } from './active-job.ts';
import { awaitBuilds, awaitSteps } from './await-builds.ts';
import { NO_BUILDS, type OwnBuilds } from './built-images.ts';
import {
  type CheckedTask,
  type CheckOptions,
  checkRequest,
  jobTasks,
  type Observation,
  observeRequest,
  unbuiltTask,
  wishesOf,
} from './check-request.ts';
import { describeOrphan, findOrphans } from './find-orphans.ts';
import { JobFiles } from './job-files.ts';
import { foldJournal, type JobHistory } from './job-history.ts';
import { isEvent } from './job-line.ts';
import type { JobService } from './job-service.ts';
import { KeptContainers } from './kept-containers.ts';
import { letGo } from './let-go.ts';
import { Locks } from './locks.ts';

/** What the job service logs with; a pino logger is one. */
export interface JobLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface JobServiceOptions {
  engine: Engine;
  registry: Registry;
  /** The agent's state folder; made (0700) when it is not there. */
  stateDir: string;
  log: JobLog;
  now?: () => Date;
  /** How many jobs are kept; older ones that ended are forgotten, with their journals. */
  historyLimit?: number;
  /** How long a job waits, in milliseconds, for an engine that goes away in the middle of it. */
  enginePatienceMs?: number;
  /** The engine's Unix socket, for the commands that a person is given; the ordinary one unless said. */
  engineSocket?: string | undefined;
  /** What this agent built; nothing unless given. */
  builds?: OwnBuilds;
  /** Where this process runs; looked up unless given. */
  own?: OwnTraces;
}

/** What there was of a request's containers, at some moment. */
interface Seen {
  observation: Observation;
  info: EngineInfo;
}

const HISTORY_LIMIT = 1_000;
const ENGINE_PATIENCE_MS = 60_000;
/** How long `close` waits for the step that a job is in: a stop takes ten seconds where nobody said otherwise. */
const CLOSE_PATIENCE_MS = 15_000;
const INTERRUPTED = 'The agent was interrupted in the middle of this job.';

/** Reads the state, reconciles what an earlier agent left unfinished, and takes jobs from then on. */
export async function createJobService(options: JobServiceOptions): Promise<JobService> {
  const service = new Jobs(options, options.own ?? (await readOwnTraces()));
  await service.load();
  return service;
}

class Jobs implements JobService {
  readonly #engine: Engine;
  readonly #builds: OwnBuilds;
  readonly #patienceMs: number;
  readonly #options: JobServiceOptions;
  readonly #files: JobFiles;
  readonly #own: OwnTraces;
  readonly #now: () => Date;
  /** Every job of the history, oldest first. */
  readonly #jobs = new Map<string, Job>();
  readonly #active = new Map<string, ActiveJob>();
  /** Jobs that have ended, and whose journals do not tell all of it: who follows one is told from here. */
  readonly #unwritten = new Map<string, ActiveJob>();
  readonly #keys = new Map<string, { id: string; begun: Promise<Result<void, ProtocolError>> }>();
  readonly #locks = new Locks();
  readonly #kept = new KeptContainers();
  /** Servers, each with the job that left it so. */
  readonly #degraded = new Map<string, string>();
  readonly #problems: string[] = [];
  readonly #listeners = new Set<(job: Job) => void>();
  readonly #running = new Set<Promise<void>>();
  readonly #ending = new AbortController();
  #info: Promise<Result<EngineInfo>> | undefined;

  constructor(options: JobServiceOptions, own: OwnTraces) {
    this.#options = options;
    this.#engine = options.engine;
    this.#builds = options.builds ?? NO_BUILDS;
    this.#patienceMs = options.enginePatienceMs ?? ENGINE_PATIENCE_MS;
    this.#own = own;
    this.#now = options.now ?? (() => new Date());
    this.#files = new JobFiles(join(options.stateDir, 'jobs'), {
      socket: options.engineSocket,
      onProblem: (problem) => this.#problems.push(problem),
      now: this.#now,
    });
  }

  async load(): Promise<void> {
    const histories: JobHistory[] = [];
    for (const id of await this.#files.ids()) {
      const history = foldJournal(await this.#files.read(id));
      if (history.job !== undefined) histories.push(history);
    }
    const queuedAt = ({ job }: JobHistory) => job?.queuedAt ?? '';
    histories.sort((a, b) => (queuedAt(a) < queuedAt(b) ? -1 : 1));
    for (const history of histories) {
      const { job } = history;
      if (job === undefined) continue;
      this.#jobs.set(job.id, job);
      this.#keys.set(job.key, { id: job.id, begun: Promise.resolve(ok(undefined)) });
      this.#kept.add(job.id, history);
      if (isEnded(job.state)) this.#noteEnd(job);
      else await this.#takeUp(job, history);
    }
    await this.#prune();
    this.#track(this.#reportOrphans());
  }

  async #reportOrphans(): Promise<void> {
    if (!(await engineIsBack(this.#engine, Number.POSITIVE_INFINITY, this.#ending.signal))) return;
    const orphans = await findOrphans(this.#engine, (job) => this.#jobs.has(job)).catch((error: unknown) => {
      this.#options.log.warn({ err: error }, 'the engine’s containers could not be looked through');
      return [];
    });
    for (const orphan of orphans) {
      const problem = describeOrphan(orphan);
      this.#problems.push(problem);
      this.#options.log.warn({ job: orphan.job, container: orphan.name }, problem);
    }
  }

  async execute(input: ExecuteInput): Promise<Result<ExecuteOutput, ProtocolError>> {
    const bad = whatIsBad(input);
    if (bad !== undefined) return err({ code: 'bad-request', message: bad });
    return await this.#beginOnce(
      input,
      input.containers.map(({ name }) => name),
      input.choices.map(({ container }) => container),
      (id) => this.#begin(id, input),
    );
  }

  async restore(input: RestoreInput): Promise<Result<ExecuteOutput, ProtocolError>> {
    const repeated = this.#repeated(input.key);
    if (repeated !== undefined) return await repeated;
    let shows = false;
    try {
      const { observed } = await observeRequest(this.#engine, { ...input, choices: [] });
      shows = showsDegraded(input, observed);
    } catch (error) {
      if (error instanceof EngineError) return err(this.#engineFailure(error));
      throw error;
    }
    // Asked after the engine, in the turn in which the server is locked: another restore may have ended meanwhile.
    const before = this.#jobs.get(this.#degraded.get(serverKey(input)) ?? '');
    if (before === undefined || !shows) {
      const message = `${input.server} is not degraded: there is nothing to restore.`;
      return err({ code: 'refused', message, refusal: { code: 'not-degraded', message } });
    }
    const names = before.tasks.map(({ container }) => container);
    return await this.#beginOnce(input, names, names, (id) => this.#beginRestore(id, input, before));
  }

  /** A repeated key answers with the job that it began, and a server or container that has a job gets no other. */
  async #beginOnce(
    input: Pick<RestoreInput, 'key' | 'service' | 'map' | 'server'>,
    named: readonly string[],
    taken: readonly string[],
    begin: (id: string) => Promise<Result<void, ProtocolError>>,
  ): Promise<Result<ExecuteOutput, ProtocolError>> {
    const repeated = this.#repeated(input.key);
    if (repeated !== undefined) return await repeated;
    if (this.#ending.signal.aborted) {
      return err({ code: 'internal', message: 'This agent is ending. Execute again when it is back.' });
    }
    const server = serverKey(input);
    const holder = this.#locks.holder(server, named);
    if (holder !== undefined) {
      const refusal = jobRunning(holder, input.server);
      return err({ code: 'refused', message: refusal.message, refusal });
    }

    // Everything up to here is one turn of the event loop, so no other request comes between look and lock.
    const id = newJobId(this.#now());
    this.#locks.take(id, server, taken);
    const begun = begin(id);
    this.#keys.set(input.key, { id, begun });
    const result = await begun;
    if (!result.ok) {
      this.#keys.delete(input.key);
      this.#locks.release(id);
      return result;
    }
    return ok({ jobId: id, repeated: false });
  }

  /** Not asynchronous: whether a key is known is asked in the turn in which it is taken. */
  #repeated(key: string): Promise<Result<ExecuteOutput, ProtocolError>> | undefined {
    const known = this.#keys.get(key);
    return known?.begun.then((begun) => (begun.ok ? ok({ jobId: known.id, repeated: true }) : begun));
  }

  async plan(input: PlanInput): Promise<Result<ExecutePlan, ProtocolError>> {
    const bad = whatIsBad(input);
    if (bad !== undefined) return err({ code: 'bad-request', message: bad });
    const refused = (refusal: Refusal) => ok<ExecutePlan>({ containers: [], steps: [], refusal });
    const server = serverKey(input);
    const names = input.containers.map(({ name }) => name);
    const holder = this.#locks.holder(server, names);
    if (holder !== undefined) return refused(jobRunning(holder, input.server));
    try {
      const seen = await this.#look(input);
      if (!seen.ok) return err({ code: 'engine-unreachable', message: seen.error.message });
      const { info, observation } = seen.value;
      const unbuilt = observation.tasks.flatMap((task) => unbuiltTask(input, task) ?? []);
      const isBuilt = ({ spec }: CheckedTask) => !unbuilt.some(({ container }) => container === spec.name);
      const built = { ...observation, tasks: observation.tasks.filter(isBuilt) };
      const checked = await checkRequest(this.#checkOf('plan', input, { info, observation: built }));
      if (!checked.ok) return refused(checked.error);
      const byName = new Map([...checked.value, ...unbuilt].map((task) => [task.container, task]));
      const planned = await planServer({
        engine: this.#engine,
        registry: this.#options.registry,
        info,
        server: input.server,
        tasks: observation.tasks.flatMap(({ spec }) => byName.get(spec.name) ?? []),
        surroundings: this.#surroundings(input, (containers) => this.#locks.holder(server, containers)),
        allowAutoRemove: input.allowAutoRemove,
      });
      return planned.ok ? planned : refused(planned.error);
    } catch (error) {
      if (error instanceof EngineError) return err(this.#engineFailure(error));
      throw error;
    }
  }

  async cancel(id: string, operator: string): Promise<Result<void, ProtocolError>> {
    const answer = await this.#active.get(id)?.cancel(operator);
    if (answer === 'taken') return ok(undefined);
    if (answer === 'not-written') {
      const message = `This agent is ending, and could not write down that the job ${id} was cancelled. Cancel it again when the agent is back.`;
      return err({ code: 'internal', message });
    }
    const job = this.#jobs.get(id);
    if (job === undefined) return err({ code: 'not-found', message: `This agent knows no job "${id}".` });
    const why = isEnded(job.state) ? `has ended (${job.state})` : 'can only go forward now';
    return err({ code: 'refused', message: `The job ${id} ${why}: it can't be cancelled any more.` });
  }

  list(limit: number): Job[] {
    return [...this.#jobs.values()].reverse().slice(0, limit);
  }

  get(id: string): Job | undefined {
    return this.#jobs.get(id);
  }

  async *follow(id: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<JobEvent> {
    const active = this.#active.get(id) ?? this.#unwritten.get(id);
    if (active !== undefined) {
      yield* active.follow(afterSeq, signal);
      return;
    }
    if (!this.#jobs.has(id)) return;
    for (const line of await this.#files.read(id)) {
      if (signal.aborted) return;
      if (isEvent(line) && line.seq > afterSeq) yield line;
    }
  }

  onJob(listener: (job: Job) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  degraded(): string[] {
    return [...this.#degraded.keys()];
  }

  kept({ service, map }: Pick<PruneRules, 'service' | 'map'>): { id: string; name: string }[] {
    return this.#kept.all().flatMap(({ id, name, job }) => {
      const by = this.#jobs.get(job);
      return by?.service === service && by.map === map ? [{ id, name }] : [];
    });
  }

  async forget(id: string): Promise<void> {
    for (const kept of this.#kept.all().filter((each) => each.id === id)) {
      this.#kept.forget(kept.container, id);
      try {
        await this.#files.amend(kept.job, { record: 'removed', container: kept.container, id });
      } catch (error) {
        // A disk that is full is what there is pruning for.
        this.#options.log.warn({ err: error, container: kept.name }, 'a removal could not be written down');
      }
    }
  }

  async neededImages(containers: PruneRules['containers']): Promise<string[]> {
    const last = new Map<string, JobTask>();
    for (const job of this.#jobs.values()) {
      if (job.state !== 'DONE') continue;
      for (const task of job.tasks) last.set(`${serverKey(job)} ${task.container}`, task);
    }
    const names = [...last.values()].flatMap(({ container, from }) => {
      if (from === undefined) return [];
      const own = containers.filter((each) => each.container === container);
      // Of another map's container the image is not known here: it may be each of these.
      return (own.length > 0 ? own : containers).map(({ image }) => `${image}:${from.tag}`);
    });
    const degraded = await Promise.all([...this.#degraded.values()].map((id) => this.#files.read(id)));
    const ids = degraded.flatMap((lines) =>
      foldJournal(lines).saved.flatMap(({ old }) =>
        typeof old?.inspect.Image === 'string' ? [old.inspect.Image] : [],
      ),
    );
    return [...names, ...ids];
  }

  activeCount(): number {
    return this.#active.size;
  }

  problems(): string[] {
    return [...this.#problems];
  }

  async close(): Promise<void> {
    this.#ending.abort();
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, CLOSE_PATIENCE_MS);
    await Promise.race([Promise.all(this.#running), patience.promise]);
    clearTimeout(timer);
    await Promise.all([...this.#active.values()].map((active) => active.close()));
  }

  /** Writes the job down; from then on it is this agent's to bring to an end. */
  async #begin(id: string, input: ExecuteInput): Promise<Result<void, ProtocolError>> {
    try {
      const seen = await this.#look(input);
      if (!seen.ok) return err({ code: 'engine-unreachable', message: seen.error.message });
      const active = await this.#open(id, []);
      await active.record({ record: 'request', input });
      const { key, service, map, server, operator } = input;
      const tasks = jobTasks(seen.value.observation);
      this.#active.set(id, active);
      await active.emitDurably({ type: 'queued', id, key, service, map, server, operator, tasks });
      active.emit({ type: 'started' });
      this.#track(this.#run(id, active, input, seen.value));
      return ok(undefined);
    } catch (error) {
      this.#active.delete(id);
      if (error instanceof EngineError) return err(this.#engineFailure(error));
      await this.#files.removeJournal(id);
      this.#options.log.error({ err: error }, 'a job could not be written down');
      return err({ code: 'internal', message: notWritten('The job', error) });
    }
  }

  /** As `#begin`; `before` is the job that left the server degraded. */
  async #beginRestore(
    id: string,
    { key, service, map, server, operator }: RestoreInput,
    before: Job,
  ): Promise<Result<void, ProtocolError>> {
    const past = foldJournal(await this.#files.read(before.id));
    const claimed = this.#locks.claim(
      id,
      past.saved.map(({ container }) => container),
    );
    if (claimed !== undefined) {
      const refusal = jobRunning(claimed, server);
      return err({ code: 'refused', message: refusal.message, refusal });
    }
    try {
      const active = await this.#open(id, []);
      this.#active.set(id, active);
      const restores = past.restores ?? { job: before.id, committed: past.committed };
      await active.record({ record: 'restores', ...restores });
      await active.record({ record: 'saved', containers: past.saved });
      const tasks = past.restores === undefined ? before.tasks.map(wayBack) : before.tasks;
      await active.emitDurably({ type: 'queued', id, key, service, map, server, operator, tasks });
      active.emit({ type: 'started' });
      const { job } = active;
      if (job === undefined) throw new Error('a job does not begin with its first event');
      this.#track(this.#reconcile(job, active, { ...past, restores }, this.#patienceMs));
      return ok(undefined);
    } catch (error) {
      this.#active.delete(id);
      await this.#files.removeJournal(id);
      this.#options.log.error({ err: error }, 'a job could not be written down');
      return err({ code: 'internal', message: notWritten('The job', error) });
    }
  }

  #engineFailure(error: EngineError): ProtocolError {
    // It may come back as another one.
    if (isUnreachable(error)) this.#info = undefined;
    return toProtocolError(error);
  }

  /** Rejects with `EngineError`. */
  async #look(input: PlanInput): Promise<Result<Seen>> {
    const [observation, info] = await Promise.all([observeRequest(this.#engine, input), this.#engineInfo()]);
    return info.ok ? ok({ observation, info: info.value }) : info;
  }

  async #run(id: string, active: ActiveJob, input: ExecuteInput, seen: Seen | undefined): Promise<void> {
    const replaced = await this.#perform(id, active, input, seen).catch((error: unknown) =>
      this.#unexpected(id, active, error),
    );
    await this.#end(id, active, replaced);
  }

  /** `seen` is what there was when the job was begun; undefined for one that an earlier agent was waiting with. */
  async #perform(
    id: string,
    active: ActiveJob,
    input: ExecuteInput,
    seen: Seen | undefined,
  ): Promise<Replaced> {
    const awaited = this.#awaited(input);
    if (seen === undefined || awaited.length > 0) {
      if (seen !== undefined) {
        // What stands in the way of the deploy is said now, not when a long build is over.
        const checked = await this.#check(id, active, input, seen);
        if (!checked.ok) return { state: 'REFUSED', refusal: checked.error };
        const steps = [...awaitSteps(awaited), ...planSteps(input.server, checked.value)];
        active.emit({ type: 'planned', steps });
      }
      const { service, server } = input;
      const ended = await awaitBuilds({
        service,
        server,
        tasks: seen === undefined ? awaitedTasks(input) : awaited,
        builds: this.#builds,
        emit: (event) => active.emit(event),
        cancel: active.cancelled,
        ending: this.#ending.signal,
      });
      if (ended.state !== 'built') return ended;
      const again = await this.#lookAgain(active, input, seen === undefined);
      if (!again.ok) return again.error;
      return await this.#replace(id, active, input, again.value);
    }
    return await this.#replace(id, active, input, seen);
  }

  /** Its tasks whose image is being built still. */
  #awaited(input: ExecuteInput): AwaitedTask[] {
    const { service } = input;
    return awaitedTasks(input).filter(
      ({ build, tag }) => standingOf(this.#builds.runOf({ service, build }, tag)).state === 'WAIT',
    );
  }

  /** A build takes its time: what was seen before it is not what is there now. Errors: how the job ends without it. */
  async #lookAgain(
    active: ActiveJob,
    input: ExecuteInput,
    atStart: boolean,
  ): Promise<Result<Seen, Replaced>> {
    const ending = this.#ending.signal;
    const signal = AbortSignal.any([ending, active.cancelled]);
    const patienceMs = atStart ? Number.POSITIVE_INFINITY : this.#patienceMs;
    while (await engineIsBack(this.#engine, patienceMs, signal)) {
      try {
        const seen = await this.#look(input);
        if (seen.ok) return seen;
      } catch (error) {
        if (!isUnreachable(error)) throw error;
      }
    }
    if (ending.aborted) return err({ state: 'interrupted' });
    if (active.cancelled.aborted) return err({ state: 'CANCELLED' });
    const message = 'The engine went away while this was built, and did not come back. Nothing was touched.';
    active.emit({ type: 'failed', error: { code: 'engine-unreachable', message } });
    return err({ state: 'RESTORED' });
  }

  /** Emits the refusal. */
  async #check(
    id: string,
    active: ActiveJob,
    input: ExecuteInput,
    seen: Seen,
  ): Promise<Result<ReplaceTask[], Refusal>> {
    const checked = await checkRequest(this.#checkOf(id, input, seen));
    if (!checked.ok) active.emit({ type: 'refused', refusal: checked.error });
    return checked;
  }

  #checkOf(jobId: string, input: PlanInput, { observation, info }: Seen): CheckOptions {
    return {
      engine: this.#engine,
      info,
      input,
      observation,
      degraded: this.#degraded.has(serverKey(input)),
      jobId,
      own: this.#own,
      builds: this.#builds,
      kept: (container) => this.#kept.of(container),
    };
  }

  #surroundings(input: PlanInput, claim: Surroundings['claim']): Surroundings {
    return {
      isOwn: (container) => isOwnContainer(container, this.#own),
      isKept: (container, name) => this.#kept.has(container, name),
      claim,
      wishesOf: (container) => wishesOf(input, container),
    };
  }

  async #replace(id: string, active: ActiveJob, input: ExecuteInput, seen: Seen): Promise<Replaced> {
    const checked = await this.#check(id, active, input, seen);
    if (!checked.ok) return { state: 'REFUSED', refusal: checked.error };
    return await replaceServer({
      engine: this.#engine,
      registry: this.#options.registry,
      info: seen.info,
      jobId: id,
      server: input.server,
      tasks: checked.value,
      surroundings: this.#surroundings(input, (containers) => this.#locks.claim(id, containers)),
      allowAutoRemove: input.allowAutoRemove,
      write: active,
      cancel: active.cancelled,
      ending: this.#ending.signal,
      patienceMs: this.#patienceMs,
      recreate: this.#files.recreateOf(id),
    });
  }

  /** Takes up a job that an earlier agent left unfinished. Its server stays locked until it has ended. */
  async #takeUp(job: Job, history: JobHistory): Promise<void> {
    const { restores, committed } = history;
    const active = await this.#open(job.id, history.events, restores !== undefined || committed);
    this.#active.set(job.id, active);
    this.#locks.take(
      job.id,
      serverKey(job),
      [...job.tasks, ...history.saved].map(({ container }) => container),
    );
    const { input } = history;
    if (input === undefined || !waitedForBuilds(job, history.saved.length > 0, input)) {
      this.#track(this.#reconcile(job, active, history));
      return;
    }
    this.#options.log.info({ job: job.id }, 'took up a job that was waiting for its build');
    if (job.state === 'QUEUED') active.emit({ type: 'started' });
    this.#track(this.#run(job.id, active, input, undefined));
  }

  async #reconcile(
    job: Job,
    active: ActiveJob,
    history: JobHistory,
    patienceMs = Number.POSITIVE_INFINITY,
  ): Promise<void> {
    const { signal } = this.#ending;
    const { restores, saved, stopping, committed } = history;
    const { cancelled: cancel } = active;
    let recovered: Recovered = { state: cancel.aborted ? 'CANCELLED' : 'RESTORED' };
    if (saved.length > 0) {
      if (!(await engineIsBack(this.#engine, patienceMs, signal)) && signal.aborted) return;
      try {
        recovered = await recoverServer({
          engine: this.#engine,
          jobId: restores?.job ?? job.id,
          server: job.server,
          saved,
          stopping,
          write: active,
          intent: restores === undefined ? 'decide' : 'restore',
          committed: restores?.committed ?? committed,
          patienceMs,
          recreate: this.#files.recreateOf(job.id),
          recreateGone: restores !== undefined,
          signal,
          cancel,
        });
      } catch (error) {
        recovered = this.#unexpected(job.id, active, error);
      }
    }
    this.#options.log.info({ job: job.id, state: recovered.state }, 'reconciled a job');
    const code = restores === undefined ? 'interrupted' : 'not-restored';
    const why = restores === undefined ? `${INTERRUPTED} ` : '';
    if (recovered.state === 'RESTORED' && restores === undefined) {
      active.emit({ type: 'failed', error: { code, message: `${why}${restoredWords(saved, true)}` } });
    }
    if (recovered.state === 'DEGRADED') {
      active.emit({ type: 'failed', error: { code, message: `${why}${recovered.message}` } });
      active.emit({ type: 'degraded', commands: recovered.commands });
    }
    // What is kept is in the journal of the job that kept it.
    const kept = restores !== undefined && recovered.state === 'DONE' ? { kept: [] } : {};
    await this.#end(job.id, active, { ...recovered, ...kept });
  }

  /** A fault of the agent's own: the next start looks at what is there, and meanwhile a person is told. */
  #unexpected(id: string, active: ActiveJob, error: unknown): Extract<Recovered, { state: 'DEGRADED' }> {
    this.#options.log.error({ err: error, job: id }, 'a job failed for a reason of the agent’s own');
    const message = `The agent failed in the middle of this job (${words(error)}). Its log has more.`;
    active.emit({ type: 'failed', error: { code: 'internal', message } });
    return { state: 'DEGRADED', commands: [`docker ps -a --filter label=io.towline.job=${id}`], message };
  }

  async #end(id: string, active: ActiveJob, replaced: Replaced): Promise<void> {
    // No end is written: the next agent reconciles it.
    if (replaced.state === 'interrupted') return;
    const state: JobState = replaced.state;
    try {
      await active.emitDurably({ type: 'ended', state });
    } catch (error) {
      this.#options.log.error({ err: error, job: id }, 'the end of a job could not be written down');
    }
    if (replaced.state === 'DONE') {
      const { log } = this.#options;
      await letGo({ engine: this.#engine, active, kept: this.#kept, log }, id, replaced.kept);
    }
    await active.close();
    await this.#prune();
  }

  /** A job that touched the server decides whether it is degraded; one that was refused or cancelled left it as it was. */
  #noteEnd(job: Job): void {
    if (job.state === 'DEGRADED') this.#degraded.set(serverKey(job), job.id);
    if (job.state === 'DONE' || job.state === 'RESTORED') this.#degraded.delete(serverKey(job));
  }

  async #prune(): Promise<void> {
    const limit = this.#options.historyLimit ?? HISTORY_LIMIT;
    const degraded = new Set(this.#degraded.values());
    for (const [id, job] of this.#jobs) {
      if (this.#jobs.size <= limit) return;
      // The journal of a kept container is how it is known for one, and that of a degraded server how it is restored.
      if (!isEnded(job.state) || this.#kept.refersTo(id) || degraded.has(id)) continue;
      this.#jobs.delete(id);
      this.#unwritten.delete(id);
      this.#keys.delete(job.key);
      await this.#files.remove(job);
    }
  }

  async #open(id: string, past: readonly JobEvent[], onlyForward = false): Promise<ActiveJob> {
    return new ActiveJob({
      journal: await this.#files.open(id),
      past,
      onlyForward,
      now: this.#now,
      onChange: (job) => {
        this.#jobs.set(id, job);
        if (isEnded(job.state)) {
          this.#noteEnd(job);
          this.#locks.release(id);
          const active = this.#active.get(id);
          if (active?.isWhole === false) this.#unwritten.set(id, active);
          this.#active.delete(id);
        }
        for (const listener of this.#listeners) listener(job);
      },
      onWriteError: (error) =>
        this.#options.log.error({ err: error, job: id }, 'an event could not be written down'),
    });
  }

  /** What an engine is does not change while it runs, and asking takes longer than a whole inspect. */
  async #engineInfo(): Promise<Result<EngineInfo>> {
    this.#info ??= this.#engine.info();
    const info = await this.#info;
    if (!info.ok) this.#info = undefined;
    return info;
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#options.log.error({ err: error }, 'a job was left unfinished'))
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

function whatIsBad({ containers, choices }: PlanInput): string | undefined {
  const names = containers.map(({ name }) => name);
  const chosen = choices.map(({ container }) => container);
  if (new Set(names).size < names.length) return 'A container is listed twice.';
  if (new Set(chosen).size < chosen.length) return 'A container is chosen for twice.';
  const circle = dependencyCycle(containers);
  if (circle !== undefined) return `Containers wait for each other: ${circle.join(' → ')}.`;
  const unknown = chosen.find((container) => !names.includes(container));
  return unknown === undefined
    ? undefined
    : `${unknown} is chosen for, and is not a container of the server.`;
}

/** As the table shows it: a server that was brought back by hand is not touched. */
function showsDegraded(
  { server: name, containers }: RestoreInput,
  observed: Observation['observed'],
): boolean {
  const server = { name, agent: 'this agent', containers, observed, degraded: true, readOnly: false };
  return observeServer(server).state === 'Degraded';
}

function wayBack({ container, mode, from, to }: JobTask): JobTask {
  return { container, mode, from: to, to: from ?? { tag: '' } };
}

function jobRunning(job: string, server: string): Refusal {
  return {
    code: 'job-running',
    message: `The job ${job} is running on ${server} or one of its containers. Wait for its end, or cancel it.`,
  };
}

/** Sorts by time, and is short enough to type. */
function newJobId(now: Date): string {
  return `${now.getTime().toString(36)}${randomBytes(2).toString('hex')}`;
}
