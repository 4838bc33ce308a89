import { createHash, randomBytes } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  type BuildDefinition,
  type BuildEvent,
  type BuildEventBody,
  type BuildRun,
  type BuildStepKind,
  type BuiltImage,
  buildKey,
  buildStepName,
  canonical,
  decideQueue,
  imagesOf,
  interruptRun,
  isRunEnded,
  latestOf,
  recentRuns,
  runTag,
  secretsOf,
  stepsOf,
} from '@towline/core/build';
import type {
  BuildRunsInput,
  BuildRunsOutput,
  CleanBuildInput,
  CleanBuildOutput,
  ProtocolError,
  PutSecretInput,
  RunBuildInput,
  RunBuildOutput,
  SecretNames,
} from '@towline/core/protocol';
import { err, ok } from '@towline/core/result';
import type { RefusalCode } from '@towline/core/rules';
import * as z from 'zod';
import type { BuildEngine, Engine } from '../engine/index.ts';
import type { Registry } from '../registry/index.ts';
import { engineIsBack } from '../replace/index.ts';
import { notWritten, openDocument, words } from '../store/index.ts';
import { ActiveRun } from './active-run.ts';
import type { Answer, BuildService } from './build-service.ts';
import { BUILD_LABEL, OWNER_LABEL, removeBuilderContainers } from './command/index.ts';
import { folderBytes } from './folder-bytes.ts';
import { type LogLimits, openStepLog, pruneLogs, type StepLog } from './log/index.ts';
import type { RunOutcome } from './perform-run.ts';
import { removeFolder } from './remove-folder.ts';
import {
  type BuildFolders,
  type BuildName,
  buildFolders,
  cachePath,
  historyPath,
  logPath,
  sourcePath,
} from './run-folders.ts';
import { type ClaimedRun, RunHistory } from './run-history.ts';
import { RunLogs } from './run-logs.ts';
import { type Masker, openSecretStore, type SecretStore } from './secrets/index.ts';
import { SourceCommits } from './source-commits.ts';

/** What the build service logs with; a pino logger is one. */
export interface BuildLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface BuildServiceOptions {
  engine: Engine;
  buildEngine: BuildEngine;
  registry: Registry;
  /** The agent's state folder; made (0700) when it is not there. */
  stateDir: string;
  log: BuildLog;
  now?: () => Date;
  /** How many runs an agent has at once, each of another build. */
  cap?: number;
  /** How many runs are kept; older ones that ended are forgotten, with their journals, and never their numbers. */
  historyLimit?: number;
  logLimits?: LogLimits;
  /** How many images of a build stay on the engine where its definition does not say. */
  keepImages?: number;
}

const CAP = 2;
const HISTORY_LIMIT = 1_000;
const KEEP_IMAGES = 10;
const NOT_WRITTEN = 'an event could not be written down';
const DAY_MS = 24 * 3_600_000;
const LOG_LIMITS: LogLimits = { maxAgeMs: 30 * DAY_MS, maxBytes: 2 * 1024 ** 3 };
/** How long `close` waits for the runs that it ends. */
const CLOSE_PATIENCE_MS = 15_000;
/** Secrets are the agent's: every build of it may name them. */
const SECRETS_OF = 'agent';

/** Names this agent on the engine, on whatever it makes there. */
const ownerSchema = z.object({ owner: z.string() });

/** Reads the state, ends what an earlier agent left unfinished as interrupted, and takes runs from then on. */
export async function createBuildService(options: BuildServiceOptions): Promise<BuildService> {
  const now = options.now ?? (() => new Date());
  const folders = buildFolders(options.stateDir);
  const problems: string[] = [];
  const onProblem = (problem: string) => void problems.push(problem);
  for (const folder of [folders.builds, folders.sources, folders.caches, folders.logs]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
  }
  const owner = await openDocument({
    path: join(folders.builds, 'owner.json'),
    schema: ownerSchema,
    initial: { owner: randomBytes(8).toString('hex') },
    onProblem,
    now,
  });
  // Only once: an agent has to start on a full disk as well, for the jobs that another one left.
  if (!owner.isStored) await owner.update(() => {});
  const secrets = await openSecretStore({ dir: folders.secrets, onProblem, now });
  const history = new RunHistory({
    folders,
    now,
    onProblem,
    onWriteError: (error) => options.log.error({ err: error }, NOT_WRITTEN),
  });
  const parts = { ...options, now, folders, owner: owner.data.owner, secrets, problems, history };
  const service = new Builds(parts);
  await service.load();
  return service;
}

interface Parts extends BuildServiceOptions {
  now: () => Date;
  folders: BuildFolders;
  owner: string;
  secrets: SecretStore;
  problems: string[];
  history: RunHistory;
}

class Builds implements BuildService {
  readonly owner: string;
  readonly #parts: Parts;
  readonly #history: RunHistory;
  /** Those that have not ended, in the order that they came. */
  readonly #active = new Map<string, ActiveRun>();
  /** Those that have ended, and whose journals do not tell all of it: who follows one is told from here. */
  readonly #unwritten = new Map<string, ActiveRun>();
  readonly #keys = new Map<string, { begun: Answer<BuildRun> }>();
  readonly #running = new Set<Promise<void>>();
  /** Builds whose source or caches are being cleared. */
  readonly #cleaning = new Set<string>();
  readonly #ending = new AbortController();
  readonly #logs: RunLogs;
  readonly #commits: SourceCommits;
  /** Fulfilled when what an earlier agent left is gone. */
  #swept: Promise<void> = Promise.resolve();

  constructor(parts: Parts) {
    const { history, folders } = parts;
    this.owner = parts.owner;
    this.#parts = parts;
    this.#history = history;
    this.#logs = new RunLogs({
      pathOf: (run, step) => logPath(folders, run, step),
      run: (id) => history.get(id),
      onRun: (listener) => history.onRun(listener),
    });
    this.#commits = new SourceCommits({
      folders,
      history,
      secretsOf: (definition) => this.#secretsOf(definition),
      ending: this.#ending.signal,
    });
  }

  async load(): Promise<void> {
    const interrupted = await this.#history.load();
    for (const run of interrupted) await this.#logInterruption(run);
    for (const run of this.#history.all()) this.#keys.set(run.key, { begun: Promise.resolve(ok(run)) });
    await this.#prune();
    this.#swept = this.#sweep(interrupted);
    this.#track(this.#swept);
  }

  async run(input: RunBuildInput): Answer<RunBuildOutput> {
    const known = this.#keys.get(input.key);
    if (known !== undefined) {
      const begun = await known.begun;
      return begun.ok ? ok(this.#answer(begun.value, true)) : begun;
    }
    const bad = this.#whatIsBad(input);
    if (bad !== undefined) return err({ code: 'bad-request', message: bad });
    if (this.#ending.signal.aborted) {
      return err({ code: 'internal', message: 'This agent is ending. Run the build again when it is back.' });
    }
    const begun = this.#begin(input);
    this.#keys.set(input.key, { begun });
    const result = await begun;
    if (!result.ok) {
      this.#keys.delete(input.key);
      return result;
    }
    this.#pump();
    return ok(this.#answer(result.value, false));
  }

  async cancel(id: string, operator: string): Answer<void> {
    const active = this.#active.get(id);
    if (active?.run === undefined) {
      const run = this.#history.get(id);
      if (run === undefined) return err(noSuchRun(id));
      const message = `${run.tag} has ended (${run.state}): it can't be cancelled any more.`;
      return err({ code: 'bad-request', message });
    }
    // Taken before anything is waited for: a run that waits is not begun any more.
    const waited = !active.begun;
    active.begun = true;
    active.emit({ type: 'cancel-requested', operator });
    active.stop('cancelled');
    if (waited) await this.#end(active, { state: 'CANCELLED' });
    return ok(undefined);
  }

  runs({ service, build, limit, before }: BuildRunsInput): BuildRunsOutput {
    const all = this.#history.all().reverse();
    const from = before === undefined ? 0 : all.findIndex(({ id }) => id === before) + 1;
    const runs = all
      .slice(from)
      .filter((run) => service === undefined || run.service === service)
      .filter((run) => build === undefined || run.build === build);
    const name = service === undefined || build === undefined ? undefined : { service, build };
    return {
      runs: runs.slice(0, limit),
      more: runs.length > limit,
      ...(name !== undefined && { everRun: this.#history.everRun(name) }),
    };
  }

  async get(id: string): Promise<BuildRun | undefined> {
    const active = this.#active.get(id)?.run;
    const run = this.#history.get(id);
    if (active !== undefined || run === undefined) return active;
    return await this.#history.whole(run);
  }

  async *follow(id: string, afterSeq: number, signal: AbortSignal): AsyncGenerator<BuildEvent> {
    const active = this.#active.get(id) ?? this.#unwritten.get(id);
    if (active !== undefined) {
      yield* active.follow(afterSeq, signal);
      return;
    }
    const run = this.#history.get(id);
    if (run === undefined) return;
    for (const event of await this.#history.events(run)) {
      if (signal.aborted) return;
      if (event.seq > afterSeq) yield event;
      if (event.type === 'ended') return;
    }
  }

  log: BuildService['log'] = (input) => this.#logs.page(input);
  logPart: BuildService['logPart'] = (input) => this.#logs.part(input);
  searchLog: BuildService['searchLog'] = (input) => this.#logs.search(input);
  followLog: BuildService['followLog'] = (input, signal) => this.#logs.follow(input, signal);

  async setNote(id: string, note: string, operator: string): Answer<void> {
    const run = this.#history.get(id);
    if (run === undefined) return err(noSuchRun(id));
    try {
      const body = { type: 'noted', note, operator } as const;
      const active = this.#active.get(id);
      if (active === undefined) await this.#history.amend(id, body);
      else await active.emitDurably(body);
      return ok(undefined);
    } catch (error) {
      return err({ code: 'internal', message: `The note could not be written down (${words(error)}).` });
    }
  }

  async clean({ service, build, what }: CleanBuildInput): Answer<CleanBuildOutput> {
    const { folders } = this.#parts;
    const name = { service, build };
    const key = buildKey(name);
    const holder = this.#activeRuns().find((run) => buildKey(run) === key);
    if (holder !== undefined) {
      const does = holder.state === 'QUEUED' ? 'is waiting to run' : 'is running';
      const message = `${holder.tag} ${does}, and needs what is kept of ${build}. Wait for its end, or cancel it.`;
      return err(refused('build-running', message));
    }
    if (this.#cleaning.has(key)) return ok({ freed: 0 });
    this.#cleaning.add(key);
    try {
      await this.#swept;
      const paths = [
        ...(what.includes('source') ? [sourcePath(folders, name), historyPath(folders, name)] : []),
        ...(what.includes('cache') ? [cachePath(folders, name)] : []),
      ];
      let freed = 0;
      for (const path of paths) {
        freed += await folderBytes(path);
        await removeFolder(path);
      }
      return ok({ freed });
    } catch (error) {
      return err({
        code: 'internal',
        message: `What is kept of ${build} could not be removed (${words(error)}). Look after the agent's state folder.`,
      });
    } finally {
      this.#cleaning.delete(key);
      this.#pump();
    }
  }

  async putSecret({ name, value }: PutSecretInput): Answer<{ masked: boolean }> {
    const put = await this.#parts.secrets.put(SECRETS_OF, name, value);
    return put.ok ? put : err({ code: 'bad-request', message: put.error.message });
  }

  async removeSecret(name: string): Answer<void> {
    if (await this.#parts.secrets.remove(SECRETS_OF, name)) return ok(undefined);
    return err({ code: 'not-found', message: `This agent has no secret "${name}".` });
  }

  async secretNames(): Promise<SecretNames> {
    const names = await this.#parts.secrets.names(SECRETS_OF);
    return names.map(({ name, changedAt }) => ({ name, updatedAt: changedAt }));
  }

  commitsBetween: BuildService['commitsBetween'] = (input, signal) => this.#commits.between(input, signal);

  recent(): BuildRun[] {
    return [...Map.groupBy(this.#history.all(), buildKey).values()].flatMap((runs) => recentRuns(runs));
  }

  onRun(listener: (run: BuildRun) => void): () => void {
    return this.#history.onRun(listener);
  }

  latest(build: BuildName): BuiltImage | undefined {
    return latestOf(this.#history.of(build));
  }

  runOf(build: BuildName, tag: string): BuildRun | undefined {
    return this.#history.of(build).find((run) => run.tag === tag);
  }

  activeCount(): number {
    return this.#active.size;
  }

  problems(): string[] {
    return [...this.#parts.problems];
  }

  async close(): Promise<void> {
    this.#ending.abort();
    for (const active of this.#active.values()) active.stop('agent-ends');
    for (const active of [...this.#active.values()].filter(({ begun }) => !begun)) {
      await this.#endInterrupted(active);
    }
    const patience = Promise.withResolvers<void>();
    const timer = setTimeout(patience.resolve, CLOSE_PATIENCE_MS);
    await Promise.race([Promise.all(this.#running), patience.promise]);
    clearTimeout(timer);
    await Promise.all([...this.#active.values()].map((active) => active.close()));
  }

  /** Writes the run down; from then on it is this agent's to bring to an end. */
  async #begin({ definition, service, key, operator, note, only }: RunBuildInput): Answer<BuildRun> {
    const { now, log } = this.#parts;
    const build = definition.name;
    const { version, name: image } = definition.image;
    const id = newRunId(now());
    try {
      const claimed = await this.#history.claim(
        { service, build },
        definition,
        this.#check(definition),
        (number) => ({
          type: 'queued',
          id,
          key,
          service,
          build,
          number,
          tag: runTag(version, number),
          version,
          image,
          operator,
          ...(note !== undefined && note !== '' && { note }),
          fingerprint: createHash('sha256').update(canonical(definition)).digest('hex'),
          steps: stepsOf(definition, only),
          ...(only !== undefined && { only }),
        }),
      );
      if (!claimed.ok) return claimed;
      this.#activate(definition, claimed.value);
      return ok(claimed.value.run);
    } catch (error) {
      log.error({ err: error }, 'a build run could not be written down');
      return err({ code: 'internal', message: notWritten('The run', error) });
    }
  }

  /** What can be refused before a run is begun. */
  async #check(definition: BuildDefinition): Answer<void> {
    try {
      await this.#parts.buildEngine.ping();
    } catch (error) {
      return err({ code: 'engine-unreachable', message: words(error) });
    }
    const secrets = await this.#secretsOf(definition);
    return secrets.ok ? await this.#ableToBuild(definition) : secrets;
  }

  /** Starts what may run now. One turn of the event loop: nothing comes between the look and the start. */
  #pump(): void {
    if (this.#ending.signal.aborted) return;
    const runs = this.#activeRuns().filter((run) => !this.#cleaning.has(buildKey(run)));
    for (const id of decideQueue(runs, this.#parts.cap ?? CAP).start) {
      const active = this.#active.get(id);
      if (active === undefined) continue;
      active.begun = true;
      this.#track(this.#perform(active));
    }
  }

  async #perform(active: ActiveRun): Promise<void> {
    const { run } = active;
    if (run === undefined) return;
    await this.#swept;
    const outcome = await this.#outcomeOf(active, run).catch((error: unknown): RunOutcome => {
      this.#parts.log.error({ err: error, run: run.tag }, 'a build failed for a reason of the agent’s own');
      const message = `The agent failed in the middle of ${run.tag} (${words(error)}). Its log has more.`;
      return { state: 'ERROR', error: { code: 'internal', message } };
    });
    if (outcome.state === 'INTERRUPTED') {
      await this.#endInterrupted(active);
      return;
    }
    if (outcome.state !== 'DONE' && !(await this.#parts.engine.info()).ok) {
      this.#swept = Promise.all([this.#swept, this.#sweepAfterLoss(run)]).then(() => undefined);
      this.#track(this.#swept);
    }
    await this.#end(active, outcome);
    if (outcome.state === 'DONE') await this.#removeOldImages(run, active.definition);
    await this.#prune();
  }

  async #outcomeOf(active: ActiveRun, run: BuildRun): Promise<RunOutcome> {
    const { engine, buildEngine, registry, folders, owner } = this.#parts;
    const { definition } = active;
    // On the disk with the first step's beginning, before anything is done.
    active.emit({ type: 'started' });
    const secrets = await this.#secretsOf(definition);
    if (!secrets.ok) {
      return { state: 'ERROR', error: { code: 'secret-missing', message: secrets.error.message } };
    }
    const earlier = this.#history.of(run).filter(({ id }) => id !== run.id);
    const commit = earlier.findLast(({ steps }) =>
      steps.some(({ kind, state }) => kind === 'download' && state === 'DONE'),
    )?.commit;
    const { performRun } = await import('./build-tools.ts');
    return await performRun({
      engine,
      buildEngine,
      registry,
      folders,
      owner,
      service: run.service,
      run,
      definition,
      secrets: secrets.value,
      earlier: { ...(commit && { commit }), imageId: latestOf(earlier)?.imageId },
      signal: active.stopped,
      emit: (body) => active.emit(body),
      emitDurably: (body) => this.#emitAtBest(active, body),
      openLog: (step, masker) => this.#openLog(run, step, masker),
    });
  }

  async #openLog(run: BuildRun, step: BuildStepKind, masker: Masker | undefined): Promise<StepLog> {
    const path = logPath(this.#parts.folders, run, step);
    const log = await openStepLog({ path, ...(masker && { mask: masker }) });
    return this.#logs.live(run, step, log);
  }

  /** A full disk ends no run by its journal: what could not be written is told all the same. */
  async #emitAtBest(active: ActiveRun, body: BuildEventBody): Promise<void> {
    await active.emitDurably(body).catch((error: unknown) => this.#notWritten(active, error));
  }

  #notWritten(active: ActiveRun, error: unknown): void {
    this.#parts.log.error({ err: error, run: active.run?.tag }, NOT_WRITTEN);
  }

  async #end(active: ActiveRun, outcome: Exclude<RunOutcome, { state: 'INTERRUPTED' }>): Promise<void> {
    const error = outcome.state === 'ERROR' ? { error: outcome.error } : {};
    await this.#emitAtBest(active, { type: 'ended', state: outcome.state, ...error });
    await active.close();
    this.#pump();
  }

  async #endInterrupted(active: ActiveRun): Promise<void> {
    active.begun = true;
    if (active.run === undefined) return;
    for (const body of interruptRun(active.run)) await this.#emitAtBest(active, body);
    await this.#logInterruption(active.run);
    await active.close();
  }

  /** Says the reason at the end of the log as well, which would break off without one. */
  async #logInterruption(run: BuildRun): Promise<void> {
    const step = run.steps.find(({ error }) => error?.code === 'interrupted');
    if (step?.error === undefined) return;
    const path = logPath(this.#parts.folders, run, step.kind);
    try {
      const log = await openStepLog({ path });
      log.line(`ERROR: ${step.error.message}`);
      await log.end();
    } catch (error) {
      this.#parts.log.warn({ err: error, run: run.tag }, 'the end of a log could not be written');
    }
  }

  /** Removes what an agent that was killed has left of its runs: processes at once, the rest when the engine answers. */
  async #sweep(interrupted: readonly BuildRun[]): Promise<void> {
    const { folders, buildEngine, owner, log } = this.#parts;
    for (const run of interrupted) {
      const { endLeftovers } = await import('./build-tools.ts');
      await endLeftovers(sourcePath(folders, run)).catch((error: unknown) =>
        log.warn({ err: error, run: run.tag }, 'what an interrupted download left could not be looked for'),
      );
    }
    await this.#whenBack(async () => {
      const removed = await removeBuilderContainers(buildEngine, owner);
      for (const run of interrupted) await this.#removeImage(run);
      if (removed.length > 0) log.info({ runs: removed }, 'removed the containers of interrupted builds');
    });
  }

  /** After a run that the engine went away under: what it could not remove then goes when the engine is back. */
  async #sweepAfterLoss(run: BuildRun): Promise<void> {
    const { buildEngine, owner } = this.#parts;
    await this.#whenBack(async () => {
      for (const { id, labels } of await buildEngine.containersWith(`${OWNER_LABEL}=${owner}`)) {
        if (labels[BUILD_LABEL] === run.id) await buildEngine.discardContainer(id);
      }
      await this.#removeImage(run);
    });
  }

  async #whenBack(work: () => Promise<void>): Promise<void> {
    const { engine, log } = this.#parts;
    if (!(await engineIsBack(engine, Number.POSITIVE_INFINITY, this.#ending.signal))) return;
    await work().catch((error: unknown) =>
      log.warn({ err: error }, 'what interrupted builds left on the engine could not be removed'),
    );
  }

  async #removeOldImages(run: BuildRun, definition: BuildDefinition): Promise<void> {
    const keep = definition.keep ?? this.#parts.keepImages ?? KEEP_IMAGES;
    const runs = this.#history.of(run);
    const kept = new Set(
      imagesOf(runs)
        .map(({ runId }) => runId)
        .slice(0, keep),
    );
    for (const old of runs) {
      if (!isRunEnded(old.state) || old.imageId === undefined || kept.has(old.id)) continue;
      if (old.imageRemoved === true) continue;
      await this.#removeImage(old).catch((error: unknown) =>
        this.#parts.log.warn({ err: error, run: old.tag }, 'an old image could not be removed'),
      );
    }
  }

  /** One that a container uses stays. */
  async #removeImage(run: BuildRun): Promise<void> {
    const gone = await this.#parts.buildEngine.removeImage(`${run.image}:${run.tag}`);
    if (gone && run.imageId !== undefined) await this.#history.amend(run.id, { type: 'image-removed' });
  }

  /** Forgets the oldest runs, and removes the oldest logs. */
  async #prune(): Promise<void> {
    const { folders, now, historyLimit = HISTORY_LIMIT, logLimits = LOG_LIMITS } = this.#parts;
    for (const run of await this.#history.prune(historyLimit)) {
      this.#keys.delete(run.key);
      this.#unwritten.delete(run.id);
      await rm(dirname(logPath(folders, run, 'build')), { recursive: true, force: true });
    }
    await pruneLogs({ dir: folders.logs, limits: logLimits, now: now(), inUse: this.#logs.inUse() });
  }

  #activate(definition: BuildDefinition, { run, queued, journal }: ClaimedRun): void {
    const active = new ActiveRun({
      journal,
      definition,
      queued,
      now: this.#parts.now,
      onChange: (changed) => {
        if (isRunEnded(changed.state)) {
          if (!active.isWhole) this.#unwritten.set(run.id, active);
          this.#active.delete(run.id);
        }
        this.#history.changed(changed);
      },
      onWriteError: (error) => this.#notWritten(active, error),
    });
    this.#active.set(run.id, active);
  }

  /** Those that have not ended, as the queue looks at them: one that was taken from it runs. */
  #activeRuns(): BuildRun[] {
    return [...this.#active.values()].flatMap(({ run, begun }) => {
      if (run === undefined) return [];
      return begun && run.state === 'QUEUED' ? [{ ...run, state: 'RUNNING' as const }] : [run];
    });
  }

  #answer({ id, number, tag }: BuildRun, repeated: boolean): RunBuildOutput {
    const place = decideQueue(this.#activeRuns(), this.#parts.cap ?? CAP).waiting.find(
      (each) => each.id === id,
    );
    return {
      runId: id,
      number,
      tag,
      repeated,
      ...(place !== undefined && { queue: { position: place.position, reason: place.reason } }),
    };
  }

  #whatIsBad({ service, definition, only }: RunBuildInput): string | undefined {
    if (only !== undefined && stepsOf(definition, only).length === 0) {
      return `The build ${definition.name} has no ${buildStepName(only)}.`;
    }
    const last = this.#history.of({ service, build: definition.name }).at(-1);
    if (last === undefined || last.image === definition.image.name) return undefined;
    return `The build ${definition.name} makes ${last.image}, and the name of its image can't be changed any more. Give ${definition.image.name} a build of its own.`;
  }

  async #secretsOf(definition: BuildDefinition): Answer<Map<string, string>> {
    const names = secretsOf(definition);
    const there = new Set((await this.#parts.secrets.names(SECRETS_OF)).map(({ name }) => name));
    const missing = names.filter((name) => !there.has(name));
    if (missing.length > 0) {
      const [what, them] = missing.length === 1 ? ['secret', 'it'] : ['secrets', 'them'];
      const message = `This agent does not have the ${what} ${missing.join(', ')} that the build ${definition.name} names. Put ${them} there first.`;
      return err(refused('secret-missing', message));
    }
    const used = await this.#parts.secrets.use(SECRETS_OF, names);
    return used.ok ? used : err(refused('secret-missing', used.error.message));
  }

  /** What an engine can't do is said before anything is begun. */
  async #ableToBuild({ image }: BuildDefinition): Answer<void> {
    if ((image.secrets ?? []).length === 0 && image.ssh !== true) return ok(undefined);
    const { findBuilder } = await import('./build-tools.ts');
    const found = await findBuilder(this.#parts.buildEngine, this.#ending.signal);
    if (!found.ok) {
      if (found.error.code === 'engine-unreachable') {
        return err({ code: 'engine-unreachable', message: found.error.message });
      }
      return err(refused('not-supported', found.error.message));
    }
    if (found.value === 'buildkit') return ok(undefined);
    return err(
      refused(
        'not-supported',
        'This agent’s engine has the classic builder only, which mounts no secrets and no SSH agent (RUN --mount). Name an agent whose engine has BuildKit, or leave them out of the image.',
      ),
    );
  }

  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => this.#parts.log.error({ err: error }, 'a build was left unfinished'))
      .finally(() => this.#running.delete(tracked));
    this.#running.add(tracked);
  }
}

function noSuchRun(id: string): ProtocolError {
  return {
    code: 'not-found',
    message: `This agent knows no build run "${id}". \`towline build list\` lists those it has.`,
  };
}

function refused(code: RefusalCode, message: string): ProtocolError {
  return { code: 'refused', message, refusal: { code, message } };
}

/** Sorts by time, and is short enough to type. */
function newRunId(now: Date): string {
  return `b${now.getTime().toString(36)}${randomBytes(2).toString('hex')}`;
}
