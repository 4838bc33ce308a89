import { err, ok, type Result } from '@towline/core/result';
import type { BuildEngine, EngineAuth } from '../../engine/index.ts';

export interface PushRequest {
  /** Without a tag. */
  name: string;
  tag: string;
}

/** What a push asks the registry. */
export interface PushRegistry {
  engineAuth(image: string): Promise<EngineAuth | undefined>;
  manifest(image: string, tag: string): Promise<Result<{ digest: string; size?: number }>>;
}

export interface PushedImage {
  /** What the registry has under the tag now. */
  digest: string;
  /** Compressed bytes of its layers, where the registry says so. */
  size?: number;
}

/**
 * PUSH: the engine pushes, and the registry is asked whether the tag is what was pushed. Errors: those of
 * `BuildEngine.push`, those of `Registry.manifest`, and `push-failed` where the registry has something else.
 */
export async function pushImage(
  engine: BuildEngine,
  registry: PushRegistry,
  { name, tag }: PushRequest,
  onProgress: (current: number, total: number | undefined, detail: string) => void,
  signal: AbortSignal,
): Promise<Result<PushedImage>> {
  const ref = `${name}:${tag}`;
  const pushed = await engine.push(ref, { onProgress, signal, auth: await registry.engineAuth(name) });
  if (!pushed.ok) return pushed;
  const there = await registry.manifest(name, tag);
  if (!there.ok) return there;
  const { digest, size } = there.value;
  if (digest !== pushed.value.digest) {
    return err({
      code: 'push-failed',
      message: `The registry has another image as ${ref} than the one that was pushed (${digest}, not ${pushed.value.digest}). Somebody else pushes the same tag: run the build again.`,
    });
  }
  return ok({ digest, ...(size !== undefined && { size }) });
}
