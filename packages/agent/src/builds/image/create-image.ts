import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import { type BuildEngine, type EngineAuth, EngineError } from '../../engine/index.ts';
import { textAsSeen } from '../log/index.ts';
import { buildFailure, type ImageFailure } from './build-failure.ts';
import { buildByBuildkit } from './buildkit-build.ts';
import { buildClassic } from './classic-build.ts';
import { resolveInside } from './context-files.ts';
import { DockerfileText } from './dockerfile.ts';
import { readDockerfile, readIgnoreFile } from './dockerfile-of.ts';
import { type Builder, findClassic } from './find-builder.ts';
import { IgnoreRules } from './ignore-rules.ts';
import type { ImageListener, MaskedListener } from './image-events.ts';

/** In characters; the protocol takes no more of a name, an error or a line, and of a reason. */
const MAX_TEXT = 2_000;
const MAX_MESSAGE = 10_000;

export interface ImageRequest {
  /** The checked-out folder. Nothing outside of it is read. */
  source: string;
  /** A folder of the source; the source itself unless given. */
  context?: string | undefined;
  /** The Dockerfile's path in the source, or its text. `Dockerfile` in the context unless given. */
  dockerfile?: { path: string } | { text: string } | undefined;
  args?: Readonly<Record<string, string>> | undefined;
  target?: string | undefined;
  labels?: Readonly<Record<string, string>> | undefined;
  /** `name:tag` each; at least one. */
  tags: readonly string[];
  /** Values by the ids of `RUN --mount=type=secret,id=…`. */
  secrets?: ReadonlyMap<string, Uint8Array> | undefined;
  /** An SSH agent's socket for `RUN --mount=type=ssh`. */
  sshAuthSock?: string | undefined;
  /** The classic one, also where the engine has a better one. */
  builder?: Builder | undefined;
  /** Login for an image's registry; undefined for none. */
  auth?: ((image: string) => Promise<EngineAuth | undefined>) | undefined;
}

export interface CreatedImage {
  /** `sha256:…`. */
  imageId: string;
  builder: Builder;
}

/** All that a builder needs, found and checked. */
export interface PreparedImage extends ImageRequest {
  contextFolder: string;
  text: string;
  /** The text of the ignore file beside the Dockerfile. */
  ignore: string | undefined;
  /** The text of the ignore file that counts, and its rules. */
  ignoreText: string;
  exclude: IgnoreRules;
  parsed: DockerfileText;
  sharedKey: string;
}

/**
 * CREATE IMAGE. What can be refused is refused before anything is built: no builder (`no-builder`), a mount that the
 * engine's builder can't do (`needs-buildkit`), a Dockerfile or context that
 * the source does not have. Other errors: see `ImageFailureCode`. Ended by `signal`, the engine's build is over when
 * this returns, and leaves no container and no image.
 */
export async function createImage(
  engine: BuildEngine,
  request: ImageRequest,
  listener: ImageListener,
  signal: AbortSignal,
): Promise<Result<CreatedImage, ImageFailure>> {
  const mask = listener.mask ?? ((text: string) => text);
  // Masked first and cut then: half of a secret would not be known for one.
  const short = (text: string) => mask(textAsSeen(text)).slice(0, MAX_TEXT);
  const masked: MaskedListener = {
    mask,
    onVertex(vertex) {
      const { error } = vertex;
      listener.onVertex?.({
        ...vertex,
        name: short(vertex.name),
        ...(error !== undefined && { error: short(error) }),
      });
    },
    onOutput: (output) => listener.onOutput?.(output),
  };
  const created = await create(engine, request, masked, signal);
  if (created.ok) return created;
  const { line, ...failure } = created.error;
  return err({
    ...failure,
    message: mask(failure.message).slice(0, MAX_MESSAGE),
    ...(line && { line: { ...line, text: short(line.text) } }),
  });
}

async function create(
  engine: BuildEngine,
  request: ImageRequest,
  listener: MaskedListener,
  signal: AbortSignal,
): Promise<Result<CreatedImage, ImageFailure>> {
  if (signal.aborted) return err(cancelled());
  const prepared = await prepare(request);
  if (!prepared.ok) return prepared;
  try {
    // By trying: to ask first would open a session for the question alone.
    const built =
      request.builder === 'classic'
        ? undefined
        : await buildByBuildkit(engine, prepared.value, listener, signal);
    if (built !== undefined) return built;
    const classic = await findClassic(engine, signal);
    if (!classic.ok) return classic;
    const mount = prepared.value.parsed.firstMount();
    if (mount !== undefined || request.sshAuthSock !== undefined || (request.secrets?.size ?? 0) > 0) {
      const where = mount === undefined ? '' : `\nDockerfile:${mount.number}: ${mount.text}`;
      return err({
        code: 'needs-buildkit',
        message: `This engine has the classic builder only, which mounts no secrets and no SSH agent (RUN --mount). Name an agent whose engine has BuildKit, or leave the mounts out.${where}`,
        ...(mount && { line: mount }),
      });
    }
    return await buildClassic(engine, prepared.value, listener, signal);
  } catch (error) {
    if (signal.aborted) return err(cancelled());
    if (error instanceof EngineError) {
      if (error.code === 'unreachable') return err({ code: 'engine-unreachable', message: error.message });
      // The classic builder reads the Dockerfile before it answers.
      return err(buildFailure(error.message, prepared.value.parsed));
    }
    throw error;
  }
}

export function cancelled(): ImageFailure {
  return { code: 'cancelled', message: 'Creating the image was cancelled.' };
}

async function prepare(request: ImageRequest): Promise<Result<PreparedImage, ImageFailure>> {
  const context = request.context ?? '.';
  const folder = await resolveInside(request.source, context);
  if (!folder.ok) return folder;
  const dockerfile = request.dockerfile ?? { path: join(context, 'Dockerfile') };
  const found =
    'text' in dockerfile
      ? ok({ text: dockerfile.text, ignore: undefined })
      : await readDockerfile(request.source, dockerfile.path);
  if (!found.ok) return found;
  const { text, ignore } = found.value;
  const ignoreText = await readIgnoreFile(folder.value, ignore);
  const exclude = IgnoreRules.read(ignoreText);
  if (!exclude.ok) return exclude;
  const sharedKey = createHash('sha256').update(folder.value).digest('hex');
  return ok({
    ...request,
    contextFolder: folder.value,
    text,
    ignore,
    ignoreText,
    exclude: exclude.value,
    parsed: new DockerfileText(text),
    sharedKey,
  });
}
