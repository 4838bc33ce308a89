import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type BuildDefinition,
  type BuildError,
  type BuildEventBody,
  type BuildRun,
  type BuildStepKind,
  buildKey,
  buildStepName,
  reasonLine,
} from '@towline/core/build';
import { err, type Failure, ok, type Result } from '@towline/core/result';
import { type BuildEngine, type Engine, paceProgress } from '../engine/index.ts';
import type { Registry } from '../registry/index.ts';
import { words } from '../store/index.ts';
import type { StopReason } from './active-run.ts';
import { runCommand } from './command/index.ts';
import { download, type GitAccess, type GitSource, resolveCommit } from './download/index.ts';
import { createImage, pushImage } from './image/index.ts';
import { ImageLog } from './image-log.ts';
import { type StepLog, textAsSeen } from './log/index.ts';
import { OutputLog } from './output-log.ts';
import { removeFolder } from './remove-folder.ts';
import { type BuildFolders, type BuildName, cachePath, sourcePath } from './run-folders.ts';
import { createMasker, fileNameOf, type Masker } from './secrets/index.ts';
import { openSshAgent } from './ssh-agent.ts';
import { noteForeign, takeOverFiles } from './take-over-files.ts';

/** On every image that a run made: its build, as `service/build`, and its run's id. */
const IMAGE_BUILD_LABEL = 'io.towline.image.build';
const IMAGE_RUN_LABEL = 'io.towline.image.run';
/** A reason is for a person to read; the log has all. */
const MAX_MESSAGE = 8_000;
const MAX_LINE = 1_000;
/** A search of the log is bounded in time; so many of them find an error in the largest. */
const SEARCHES = 20;

export interface RunOptions {
  engine: Engine;
  buildEngine: BuildEngine;
  registry: Registry;
  folders: BuildFolders;
  /** The label of what this agent makes on the engine. */
  owner: string;
  service: string;
  run: BuildRun;
  definition: BuildDefinition;
  /** The values of the definition's secrets, by their names. */
  secrets: ReadonlyMap<string, string>;
  /** What earlier runs left, for a run of one step alone. */
  earlier: { commit?: BuildRun['commit']; imageId?: string | undefined };
  /** Aborted when the run is to end. */
  signal: AbortSignal;
  emit(body: BuildEventBody): void;
  emitDurably(body: BuildEventBody): Promise<void>;
  /** Opens the log of a step, and shows it to whoever follows. */
  openLog(step: BuildStepKind, masker: Masker | undefined): Promise<StepLog>;
}

export type RunOutcome =
  | { state: 'DONE' }
  | { state: 'CANCELLED' }
  /** The agent ends. Its step has not been told to have: what interrupted it is the run's to say. */
  | { state: 'INTERRUPTED' }
  | { state: 'ERROR'; error: BuildError };

interface StepFailure extends Failure {
  /** The Dockerfile's. */
  line?: { number: number; text: string };
}

/** A source with its secrets in it. */
export function gitSourceOf({ source }: BuildDefinition, secrets: ReadonlyMap<string, string>): GitSource {
  const { git, ref, submodules, credentials } = source;
  const secret = (name: string) => secrets.get(name) ?? '';
  const access = (): GitAccess | undefined => {
    switch (credentials?.kind) {
      case 'password':
        return { kind: 'password', user: credentials.user, password: secret(credentials.secret) };
      case 'token':
        return { kind: 'token', token: secret(credentials.secret) };
      case 'ssh':
        return { kind: 'ssh' };
      case undefined:
        return undefined;
    }
  };
  const found = access();
  return {
    url: git,
    ref,
    ...(submodules !== undefined && { submodules }),
    ...(found !== undefined && { credentials: found }),
  };
}

/**
 * Performs the steps of a run, one after the other, and emits every event of it between `started` and `ended`. What it
 * ends with leaves no container, and an image only where all of it was done.
 */
export async function performRun(options: RunOptions): Promise<RunOutcome> {
  return await new Performance(options).perform();
}

class Performance {
  readonly #options: RunOptions;
  readonly #name: BuildName;
  readonly #masker: Masker | undefined;
  readonly #mask: { mask: (text: string) => string } | undefined;
  readonly #ref: string;
  #commit: BuildRun['commit'];
  #tagged = false;

  constructor(options: RunOptions) {
    const { service, definition, secrets, run, earlier } = options;
    this.#options = options;
    this.#name = { service, build: definition.name };
    const masker = secrets.size === 0 ? undefined : createMasker(secrets.values());
    this.#masker = masker;
    this.#mask = masker && { mask: (text) => masker.text(text) };
    this.#ref = `${definition.image.name}:${run.tag}`;
    this.#commit = earlier.commit;
  }

  async perform(): Promise<RunOutcome> {
    const outcome = await this.#steps();
    if (outcome.state !== 'DONE' && this.#tagged) {
      const { buildEngine, emit } = this.#options;
      // An engine that is away keeps it until the build's next run is done.
      const removed = await buildEngine.removeImage(this.#ref).catch(() => false);
      if (removed) emit({ type: 'image-removed' });
    }
    return outcome;
  }

  async #steps(): Promise<RunOutcome> {
    for (const { kind } of this.#options.run.steps) {
      if (this.#options.signal.aborted) return this.#stopped();
      const outcome = await this.#step(kind);
      if (outcome.state !== 'DONE') return outcome;
    }
    return { state: 'DONE' };
  }

  #stopped(): RunOutcome {
    const ends = this.#options.signal.reason === ('agent-ends' satisfies StopReason);
    return { state: ends ? 'INTERRUPTED' : 'CANCELLED' };
  }

  async #step(step: BuildStepKind): Promise<RunOutcome> {
    const { emitDurably, openLog, signal } = this.#options;
    let log: StepLog | undefined;
    let failure: StepFailure | undefined;
    try {
      log = await openLog(step, this.#masker);
      await emitDurably({ type: 'step-started', step });
      const done = await this.#do(step, log);
      failure = done.ok ? undefined : done.error;
    } catch (error) {
      failure = { code: 'internal', message: `${buildStepName(step)} failed: ${words(error)}` };
    }
    if (failure === undefined) {
      await this.#endLog(log);
      await emitDurably({ type: 'step-ended', step, state: 'DONE' });
      return { state: 'DONE' };
    }
    if (signal.aborted && this.#stopped().state === 'INTERRUPTED') {
      await this.#endLog(log);
      return { state: 'INTERRUPTED' };
    }
    if (signal.aborted) {
      log?.line(`${buildStepName(step)} was cancelled.`);
      await this.#endLog(log);
      await emitDurably({ type: 'step-ended', step, state: 'CANCELLED' });
      return { state: 'CANCELLED' };
    }
    const error = await this.#errorOf(failure, log);
    await emitDurably({ type: 'step-ended', step, state: 'ERROR', error });
    return { state: 'ERROR', error };
  }

  #do(step: BuildStepKind, log: StepLog): Promise<Result<void, StepFailure>> {
    switch (step) {
      case 'download':
        return this.#download(log);
      case 'build':
        return this.#build(log);
      case 'create-image':
        return this.#createImage(log);
      case 'push':
        return this.#push(log);
    }
  }

  async #download(log: StepLog): Promise<Result<void, StepFailure>> {
    const { definition, secrets, folders, signal, emit } = this.#options;
    const source = gitSourceOf(definition, secrets);
    const options = { source, folder: sourcePath(folders, this.#name), signal, log };
    await this.#takeOver();
    const { ref } = definition.source;
    const resolved = await resolveCommit(options);
    if (!resolved.ok) return resolved;
    const { commit } = resolved.value;
    // Told before the first byte is downloaded; what the commit says is known after.
    emit({ type: 'resolved-commit', ref, commit, subject: '', author: '', date: '' });
    const downloaded = await download({ ...options, commit });
    if (!downloaded.ok) return downloaded;
    this.#commit = { ...downloaded.value.commit, ref };
    emit({ type: 'resolved-commit', ...this.#commit });
    return ok(undefined);
  }

  async #build(log: StepLog): Promise<Result<void, StepFailure>> {
    const { definition, engine, buildEngine, registry, owner, run, folders, signal } = this.#options;
    const { command } = definition;
    if (command === undefined) throw new Error('the build has no command');
    const source = await this.#files();
    if (!source.ok) return source;
    const caches = cachePath(folders, this.#name);
    const output = new OutputLog(log);
    const progress = this.#progress('build', log);
    log.line(`In ${command.image}`);
    const sources = sourcePath(folders, this.#name);
    await noteForeign(sources);
    const ran = await runCommand(
      { engine, build: buildEngine, auth: (image) => registry.engineAuth(image) },
      {
        run: run.id,
        owner,
        image: command.image,
        command: command.run,
        source: source.value,
        workdir: command.workdir,
        caches: command.caches?.map((target) => ({ folder: join(caches, fileNameOf(target)), target })),
        environment: command.environment,
        secrets: command.secrets?.map(({ id, secret }) => ({ id, value: this.#secret(secret) })),
      },
      {
        onOutput(said) {
          // The image's download is over.
          progress.flush();
          return output.write(said.stream, said);
        },
        onProgress: progress.report,
        ...this.#mask,
      },
      signal,
    );
    progress.flush();
    output.flush();
    await this.#takeOver();
    // What it made until then would keep the disk full for all else on the machine; DOWNLOAD writes the files anew.
    if (!ran.ok && ran.error.code === 'disk-full') await removeFolder(source.value);
    return ran;
  }

  /** What a command made is its container's user's: an agent that is not root could neither read nor remove it. */
  async #takeOver(): Promise<void> {
    const { definition, engine, buildEngine, owner, run, folders } = this.#options;
    if (definition.command === undefined) return;
    const folder = sourcePath(folders, this.#name);
    await takeOverFiles(
      { engine, build: buildEngine },
      { run: run.id, owner, image: definition.command.image, folder, caches: cachePath(folders, this.#name) },
    );
  }

  async #createImage(log: StepLog): Promise<Result<void, StepFailure>> {
    const { image } = this.#options.definition;
    const source = await this.#files();
    if (!source.ok) return source;
    this.#tellEarlierCommit();
    const keys = image.ssh === true ? await openSshAgent() : undefined;
    if (keys?.ok === false) return keys;
    try {
      return await this.#createImageOf(source.value, keys?.value.socket, log);
    } finally {
      keys?.value.close();
    }
  }

  async #createImageOf(
    source: string,
    sshAuthSock: string | undefined,
    log: StepLog,
  ): Promise<Result<void, StepFailure>> {
    const { definition, engine, buildEngine, registry, signal, emit } = this.#options;
    const { image } = definition;
    const heard = new ImageLog(log);
    const created = await createImage(
      buildEngine,
      {
        source,
        context: image.context,
        dockerfile: dockerfileOf(image),
        args: image.args,
        target: image.target,
        labels: this.#labels(),
        tags: [this.#ref],
        secrets: new Map((image.secrets ?? []).map(({ id, secret }) => [id, this.#secret(secret)])),
        sshAuthSock,
        auth: (name) => registry.engineAuth(name),
      },
      {
        onOutput: (said) => heard.onOutput(said),
        onVertex: (vertex) => {
          heard.onVertex(vertex);
          emit({
            type: 'vertex',
            step: 'create-image',
            ...vertex,
            name: vertex.name.slice(0, 2_000),
            ...(vertex.error !== undefined && { error: vertex.error.slice(0, 2_000) }),
          });
        },
        ...this.#mask,
      },
      signal,
    );
    heard.flush();
    if (!created.ok) return created;
    this.#tagged = true;
    const { imageId } = created.value;
    const size = (await engine.inspectImage(imageId))?.Size;
    log.line(`${this.#ref} is ${imageId}`);
    emit({ type: 'image', imageId, ...(size !== undefined && { size }) });
    return ok(undefined);
  }

  async #push(log: StepLog): Promise<Result<void, StepFailure>> {
    const { definition, buildEngine, registry, run, signal, emit } = this.#options;
    const { name } = definition.image;
    if (!this.#tagged) {
      const tagged = await this.#tagEarlier();
      if (!tagged.ok) return tagged;
    }
    log.line(`Pushing ${this.#ref}`);
    const progress = this.#progress('push', log);
    const pushed = await pushImage(buildEngine, registry, { name, tag: run.tag }, progress.report, signal);
    progress.flush();
    if (!pushed.ok) return pushed;
    const { digest, size } = pushed.value;
    log.line(`${this.#ref} is ${digest} in the registry`);
    emit({ type: 'pushed', digest, ...(size !== undefined && { size }) });
    return ok(undefined);
  }

  /** PUSH alone: the build's newest image that is here goes under this run's tag as well. */
  async #tagEarlier(): Promise<Result<void, StepFailure>> {
    const { definition, engine, buildEngine, earlier, run, emit } = this.#options;
    const image = earlier.imageId === undefined ? undefined : await engine.inspectImage(earlier.imageId);
    if (image === undefined) {
      return err({
        code: 'no-image',
        message: `There is no image of ${definition.name} on this agent to push. Run all of the build.`,
      });
    }
    this.#tellEarlierCommit();
    await buildEngine.tagImage(image.Id, definition.image.name, run.tag);
    this.#tagged = true;
    emit({ type: 'image', imageId: image.Id, size: image.Size });
    return ok(undefined);
  }

  /** A run without DOWNLOAD works on the commit that an earlier one downloaded. */
  #tellEarlierCommit(): void {
    const { run, emit } = this.#options;
    if (run.steps.some(({ kind }) => kind === 'download') || this.#commit === undefined) return;
    emit({ type: 'resolved-commit', ...this.#commit });
  }

  /** The source's files, as the last DOWNLOAD left them. */
  async #files(): Promise<Result<string, StepFailure>> {
    const { folders, definition } = this.#options;
    const files = join(sourcePath(folders, this.#name), 'files');
    const there = await stat(files).then(
      (found) => found.isDirectory(),
      () => false,
    );
    if (there) return ok(files);
    return err({
      code: 'no-source',
      message: `The source of ${definition.name} is not on this agent. Run DOWNLOAD first, or all of the build.`,
    });
  }

  #labels(): Record<string, string> {
    const { run, definition } = this.#options;
    return {
      [IMAGE_BUILD_LABEL]: buildKey(this.#name),
      [IMAGE_RUN_LABEL]: run.id,
      'org.opencontainers.image.version': run.tag,
      'org.opencontainers.image.source': definition.source.git,
      ...(this.#commit !== undefined && { 'org.opencontainers.image.revision': this.#commit.commit }),
    };
  }

  #secret(name: string): Uint8Array {
    return Buffer.from(this.#options.secrets.get(name) ?? '');
  }

  #progress(step: BuildStepKind, log: StepLog) {
    let last = '';
    return paceProgress((current, total, detail) => {
      if (detail !== last && detail !== '') log.line(detail);
      last = detail;
      const of = total === undefined ? {} : { total };
      this.#options.emit({ type: 'step-progress', step, current, ...of, detail });
    });
  }

  /** The reason as it is kept, with where it is in the log. */
  async #errorOf({ code, message, line }: StepFailure, log: StepLog | undefined): Promise<BuildError> {
    // What an engine, a registry or a server says is among it.
    const seen = textAsSeen(message);
    const hidden = this.#mask?.mask(seen) ?? seen;
    const told = hidden.length > MAX_MESSAGE ? `${hidden.slice(0, MAX_MESSAGE)}…` : hidden;
    const first = log === undefined ? undefined : await this.#firstError(log);
    // What it quotes of the log is in there: only what is new is said at its end.
    const reason = reasonLine(told);
    const said = line === undefined ? [reason] : [reason, `Dockerfile:${line.number}: ${line.text}`];
    log?.line(`ERROR: ${said.join('\n')}`);
    await this.#endLog(log);
    if (log === undefined) return { code, message: told };
    // Where nothing looks like an error, it is the line that says so.
    const { seq, text } = first ?? { seq: log.lines() - said.length + 1, text: reason };
    return {
      code,
      message: told,
      line: {
        text: (line?.text ?? text).slice(0, MAX_LINE),
        ...(line !== undefined && { number: line.number }),
        ...(seq > 0 && { seq }),
      },
    };
  }

  async #firstError(log: StepLog): Promise<{ seq: number; text: string } | undefined> {
    await log.drained();
    let from = 1;
    for (let searches = 0; searches < SEARCHES; searches++) {
      const answer = await log.firstError(from);
      if (answer === 'nowhere') return undefined;
      if ('found' in answer) {
        const { entries } = await log.page({ from: answer.found, limit: 1 });
        return { seq: answer.found, text: entries[0]?.text ?? '' };
      }
      from = answer.next;
    }
    return undefined;
  }

  async #endLog(log: StepLog | undefined): Promise<void> {
    await log?.end();
  }
}

function dockerfileOf(image: BuildDefinition['image']): { path: string } | { text: string } | undefined {
  if (image.dockerfileInline !== undefined) return { text: image.dockerfileInline };
  return image.dockerfile === undefined ? undefined : { path: image.dockerfile };
}
