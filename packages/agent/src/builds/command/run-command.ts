import { mkdir } from 'node:fs/promises';
import { parseReference } from '@towline/core/image';
import { err, type Failure, ok, type Result } from '@towline/core/result';
import { type BuildEngine, type Engine, type EngineAuth, EngineError } from '../../engine/index.ts';
import { LastLines, LineBlocks, type OutputText } from '../output/index.ts';
import { BUILD_LABEL, builderContainer, type CommandRequest, OWNER_LABEL } from './builder-container.ts';
import { removeSecretFiles, writeSecretFiles } from './secret-files.ts';

/** Of each stream: the order between two pipes is anybody's guess, and the reason must not be lost by it. */
const LAST_LINES = 10;
/** A shell's own words for these. */
const NOT_EXECUTABLE = 126;
const NOT_FOUND = 127;
const KILLED = 137;

export type CommandFailureCode =
  | 'build-command-failed'
  | 'out-of-memory'
  | 'disk-full'
  | 'builder-image'
  | 'builder-container'
  | 'no-memory-folder'
  | 'cancelled'
  | 'engine-unreachable';

export interface CommandListener {
  /** Where it returns a promise, the command waits for it. The text is masked. */
  onOutput?(output: OutputText): void | Promise<void>;
  /** Of the pull of the builder's image. */
  onProgress?(current: number, total: number | undefined, detail: string): void;
  /** Replaces what is secret in a text. */
  mask?(text: string): string;
}

export interface CommandEngines {
  engine: Engine;
  build: BuildEngine;
  /** Login for the builder image's registry. */
  auth?: ((image: string) => Promise<EngineAuth | undefined>) | undefined;
}

/**
 * BUILD: runs a command in a builder container, with the source and the caches mounted. When this returns the container
 * is gone, with its anonymous volumes, however it ended.
 */
export async function runCommand(
  engines: CommandEngines,
  request: CommandRequest,
  listener: CommandListener,
  signal: AbortSignal,
): Promise<Result<void, Failure<CommandFailureCode>>> {
  const mask = listener.mask ?? ((text: string) => text);
  if (signal.aborted) return err(cancelled());
  const image = await haveImage(engines, request.image, listener, signal);
  if (!image.ok) return image;
  // The engine mounts what is there, and makes nothing.
  for (const { folder } of request.caches ?? []) await mkdir(folder, { recursive: true });
  const files = await writeSecretFiles(request.owner, request.secrets ?? []);
  if (!files.ok) return err({ code: 'no-memory-folder', message: files.error.message });
  let id: string | undefined;
  try {
    const body = builderContainer(request, files.value.paths);
    const name = `towline-build-${request.run.toLowerCase().replace(/[^a-z0-9_.-]/g, '-')}`;
    id = (await engines.engine.createContainer(name, body)).id;
    return await follow(engines, id, { ...listener, mask }, signal);
  } catch (error) {
    if (signal.aborted) return err(cancelled());
    if (!(error instanceof EngineError)) throw error;
    if (error.code === 'unreachable') return err({ code: 'engine-unreachable', message: error.message });
    const message = `The builder container can't be run: ${mask(error.message)}`;
    return err({ code: 'builder-container', message });
  } finally {
    await files.value.remove();
    // An engine that is away keeps it until the next start of the agent.
    if (id !== undefined) await engines.build.discardContainer(id).catch(() => undefined);
  }
}

/** At the agent's start: removes what it left when it was killed. Returns the ids of the runs that they were of. */
export async function removeBuilderContainers(build: BuildEngine, owner: string): Promise<string[]> {
  await removeSecretFiles(owner);
  const left = (await build.containersWith(BUILD_LABEL)).filter(
    ({ labels }) => labels[OWNER_LABEL] === owner,
  );
  for (const { id } of left) await build.discardContainer(id);
  return left.map(({ labels }) => labels[BUILD_LABEL] ?? '');
}

async function follow(
  { engine, build }: CommandEngines,
  id: string,
  { onOutput, mask }: CommandListener & { mask(text: string): string },
  signal: AbortSignal,
): Promise<Result<void, Failure<CommandFailureCode>>> {
  // Both before the start: nothing that is written, and no exit, comes too early to be noticed.
  const output = await build.attach(id, signal);
  const { exited } = await build.wait(id, signal);
  await engine.startContainer(id);
  const last = { stdout: new LastLines(LAST_LINES), stderr: new LastLines(LAST_LINES) };
  let pending: Promise<void>[] = [];
  const blocks = (stream: OutputText['stream']) =>
    new LineBlocks((raw) => {
      const text = mask(raw);
      last[stream].add(text);
      const told = onOutput?.({ stream, text });
      if (told !== undefined) pending.push(told);
    });
  const streams = { stdout: blocks('stdout'), stderr: blocks('stderr') };
  for await (const { stream, bytes } of output) {
    streams[stream].write(bytes);
    if (pending.length > 0) {
      await Promise.all(pending);
      pending = [];
    }
  }
  streams.stdout.end();
  streams.stderr.end();
  await Promise.all(pending);
  const code = await exited;
  if (code === 0) return ok(undefined);
  const state = (await engine.inspectContainer(id))?.State;
  const lines = [...last.stdout.lines, ...last.stderr.lines];
  const said = lines.map((line) => `\n${line}`).join('');
  if (state?.OOMKilled === true) {
    const message = `The build command was ended: the machine has no memory left for it.${said}`;
    return err({ code: 'out-of-memory', message });
  }
  const ended = `The build command ended with exit code ${code}${hintOf(code)}.`;
  if (/no space left on device|disk quota exceeded/i.test(said)) {
    const message = `${ended} The disk is full: free some space on the agent's machine.${said}`;
    return err({ code: 'disk-full', message });
  }
  const message = `${ended}${said}`;
  return err({ code: 'build-command-failed', message });
}

async function haveImage(
  { engine, auth }: CommandEngines,
  image: string,
  listener: CommandListener,
  signal: AbortSignal,
): Promise<Result<void, Failure<CommandFailureCode>>> {
  const reference = parseReference(image);
  if (!reference.ok) return err({ code: 'builder-image', message: reference.error.message });
  try {
    if ((await engine.inspectImage(image)) !== undefined) return ok(undefined);
  } catch (error) {
    if (!(error instanceof EngineError)) throw error;
    const code = error.code === 'unreachable' ? 'engine-unreachable' : 'builder-image';
    return err({ code, message: error.message });
  }
  const { onProgress } = listener;
  const pulled = await engine.pull(image, {
    signal,
    auth: await auth?.(image),
    ...(onProgress && { onProgress }),
  });
  if (pulled.ok) return pulled;
  const { code, message } = pulled.error;
  if (code === 'cancelled') return err(cancelled());
  if (code === 'engine-unreachable') return err({ code, message });
  return err({ code: 'builder-image', message: `The builder's image can't be had. ${message}` });
}

function cancelled(): Failure<'cancelled'> {
  return { code: 'cancelled', message: 'The build command was cancelled.' };
}

function hintOf(code: number): string {
  switch (code) {
    case NOT_EXECUTABLE:
      return ' (what it runs is not executable)';
    case NOT_FOUND:
      return ' (the image has no such program)';
    case KILLED:
      return ' (it was killed)';
    default:
      return '';
  }
}
