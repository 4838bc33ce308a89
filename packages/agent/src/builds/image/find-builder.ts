import { err, ok, type Result } from '@towline/core/result';
import type { BuildEngine } from '../../engine/index.ts';
import { EngineError } from '../../engine/index.ts';
import type { ImageFailure } from './build-failure.ts';
import { hasBuildkit } from './buildkit-session.ts';

/** What of an engine makes images: BuildKit, or the builder before it, which mounts neither secrets nor SSH agents. */
export type Builder = 'buildkit' | 'classic';

/**
 * Asks the engine by trying: its version says what it could do, and not what a proxy before it lets through, or what
 * another engine with Docker's API does of it. Nothing is built. Errors: `no-builder`, `engine-unreachable`, `cancelled`.
 */
export async function findBuilder(
  engine: BuildEngine,
  signal: AbortSignal,
): Promise<Result<Builder, ImageFailure>> {
  try {
    if (await hasBuildkit(engine, signal)) return ok('buildkit');
  } catch (error) {
    return err(whyNotAsked(error, signal));
  }
  return await findClassic(engine, signal);
}

/** Of an engine that has no BuildKit. */
export async function findClassic(
  engine: BuildEngine,
  signal: AbortSignal,
): Promise<Result<'classic', ImageFailure>> {
  try {
    const refusal = await refusalOfClassic(engine, signal);
    if (refusal === undefined) return ok('classic');
    return err({
      code: 'no-builder',
      message: `This engine makes no images: ${refusal}. Name an agent in the build's definition whose engine does.`,
    });
  } catch (error) {
    return err(whyNotAsked(error, signal));
  }
}

function whyNotAsked(error: unknown, signal: AbortSignal): ImageFailure {
  if (signal.aborted) return { code: 'cancelled', message: 'It was cancelled.' };
  if (error instanceof EngineError) return { code: 'engine-unreachable', message: error.message };
  throw error;
}

/** A build by an id that is not there and of nothing: what can build misses its Dockerfile. */
async function refusalOfClassic(engine: BuildEngine, signal: AbortSignal): Promise<string | undefined> {
  const query = { version: '1', dockerfile: 'Dockerfile' };
  try {
    for await (const _ of await engine.build({ query, signal })) break;
    return undefined;
  } catch (error) {
    if (!(error instanceof EngineError) || error.code === 'unreachable') throw error;
    const answered = error.statusCode === 400 || error.statusCode === 500;
    return answered && /dockerfile|build context|EOF/i.test(error.message) ? undefined : error.message;
  }
}
