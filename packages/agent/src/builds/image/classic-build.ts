import { randomBytes } from 'node:crypto';
import { parseReference } from '@towline/core/image';
import { err, ok, type Result } from '@towline/core/result';
import { type BuildEngine, type EngineAuth, registryHeader } from '../../engine/index.ts';
import { buildFailure, type ImageFailure } from './build-failure.ts';
import { ClassicProgress } from './classic-progress.ts';
import { type ContextFile, contextFiles, textFile } from './context-files.ts';
import { tarOf } from './context-tar.ts';
import { type CreatedImage, cancelled, type PreparedImage } from './create-image.ts';
import { forOldEngines, type IgnoreRules } from './ignore-rules.ts';
import type { MaskedListener } from './image-events.ts';
import { outputQueue } from './output-queue.ts';

const IGNORE = '.dockerignore';
/** For the engine to remove the container of a step that was ended. */
const REMOVE_PATIENCE_MS = 10_000;

/** Builds by the classic builder: the context goes as a tar, and each step is a container and an image between. */
export async function buildClassic(
  engine: BuildEngine,
  image: PreparedImage,
  listener: MaskedListener,
  signal: AbortSignal,
): Promise<Result<CreatedImage, ImageFailure>> {
  const output = outputQueue(listener);
  const progress = new ClassicProgress((vertex) => listener.onVertex?.(vertex), output.add, listener.mask);
  // A name that no file has. The engine leaves out what the ignore file in the tar names: it is in no image.
  const name = `.dockerfile.${randomBytes(10).toString('hex')}`;
  const body = tarOf(
    withFiles(image.contextFolder, image.exclude, [
      textFile(name, image.text),
      textFile(IGNORE, `${forOldEngines(image.ignoreText)}\n${name}\n`),
    ]),
  );
  let done = false;
  try {
    const entries = await engine.build({
      query: {
        version: '1',
        dockerfile: name,
        rm: '1',
        forcerm: '1',
        t: image.tags,
        buildargs: JSON.stringify(image.args ?? {}),
        labels: JSON.stringify(image.labels ?? {}),
        ...(image.target !== undefined && { target: image.target }),
      },
      headers: { 'X-Registry-Config': registryHeader(await logins(image)) },
      body,
      signal,
    });
    for await (const value of entries) {
      progress.add(value);
      await output.drained();
    }
    const { imageId, error } = progress;
    progress.end(error === undefined ? 'DONE' : 'ERROR', error);
    await output.drained();
    if (error === undefined && imageId !== undefined) {
      done = true;
      return ok({ imageId, builder: 'classic' });
    }
    const message = error ?? 'the engine’s answer broke off';
    const last = progress.lastStep;
    return err(
      buildFailure(
        message,
        image.parsed,
        last && {
          name: last.name,
          line: image.parsed.lineOfStep(last.step),
          error: message,
          lastLines: last.lastLines,
        },
      ),
    );
  } catch (error) {
    if (!signal.aborted) throw error;
    progress.end('CANCELLED');
    await output.drained();
    return err(cancelled());
  } finally {
    body.destroy();
    if (!done) await discard(engine, progress.made);
  }
}

function* withFiles(
  folder: string,
  exclude: IgnoreRules,
  more: readonly ContextFile[],
): Generator<ContextFile> {
  const paths = new Set(more.map(({ path }) => path));
  for (const file of contextFiles(folder, exclude)) {
    if (!paths.has(file.path)) yield file;
  }
  yield* more;
}

/** Logins for the registries of the images that it is built on, by their hosts. */
async function logins({ parsed, auth }: PreparedImage): Promise<Record<string, EngineAuth>> {
  const found: Record<string, EngineAuth> = {};
  for (const base of parsed.baseImages()) {
    const reference = parseReference(base);
    if (!reference.ok) continue;
    const login = await auth?.(base);
    const { domain } = reference.value;
    if (login !== undefined) found[login.serveraddress ?? domain] = login;
  }
  return found;
}

/** Newest first: one that another is built on can't be removed. The last one's container may take a moment to go. */
async function discard(engine: BuildEngine, made: readonly string[]): Promise<void> {
  const until = Date.now() + REMOVE_PATIENCE_MS;
  for (const image of made.toReversed()) {
    while (!(await engine.removeImage(image).catch(() => true)) && Date.now() < until)
      await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
