import { randomUUID } from 'node:crypto';
import { err, ok, type Result } from '@towline/core/result';
import * as z from 'zod';
import type { BuildEngine } from '../../engine/index.ts';
import { buildFailure, type ImageFailure } from './build-failure.ts';
import { BuildkitProgress } from './buildkit-progress.ts';
import { openBuildkitSession } from './buildkit-session.ts';
import { type CreatedImage, cancelled, type PreparedImage } from './create-image.ts';
import type { MaskedListener } from './image-events.ts';
import { outputQueue } from './output-queue.ts';

const TRACE = 'moby.buildkit.trace';
const IMAGE_ID = 'moby.image.id';
/** For the engine to end a build that it was told to end. */
const CANCEL_PATIENCE_MS = 10_000;

const entrySchema = z.object({
  id: z.string().optional(),
  aux: z
    .union([z.string(), z.object({ ID: z.string() })])
    .optional()
    .catch(undefined),
  error: z.string().optional().catch('the engine reported an error without saying which'),
  errorDetail: z.object({ message: z.string().optional() }).optional().catch({}),
});

/**
 * Builds by the engine's BuildKit, which asks for files and secrets over a session of ours. Undefined where it has none:
 * nothing was built.
 */
export async function buildByBuildkit(
  engine: BuildEngine,
  image: PreparedImage,
  listener: MaskedListener,
  signal: AbortSignal,
): Promise<Result<CreatedImage, ImageFailure> | undefined> {
  // The connections outlive the signal for as long as the engine takes to end the build.
  const connections = new AbortController();
  const session = await openBuildkitSession(
    engine,
    {
      context: image.contextFolder,
      dockerfile: image.text,
      dockerfileIgnore: image.ignore,
      exclude: image.exclude,
      secrets: image.secrets ?? new Map(),
      sshAuthSock: image.sshAuthSock,
      auth: async (host) => await image.auth?.(`${host === 'registry-1.docker.io' ? 'docker.io' : host}/any`),
      sharedKey: image.sharedKey,
    },
    connections.signal,
  );
  if (session === undefined) return undefined;
  const buildId = randomUUID();
  let late: NodeJS.Timeout | undefined;
  const stop = () => {
    engine.cancelBuild(buildId).catch(() => connections.abort(signal.reason));
    late = setTimeout(() => connections.abort(signal.reason), CANCEL_PATIENCE_MS);
  };
  const output = outputQueue(listener);
  const progress = new BuildkitProgress((vertex) => listener.onVertex?.(vertex), output.add, listener.mask);
  signal.addEventListener('abort', stop, { once: true });
  try {
    if (signal.aborted) return err(cancelled());
    const entries = await engine.build({
      query: {
        version: '2',
        remote: 'client-session',
        session: session.id,
        buildid: buildId,
        dockerfile: 'Dockerfile',
        rm: '1',
        t: image.tags,
        buildargs: JSON.stringify(image.args ?? {}),
        labels: JSON.stringify(image.labels ?? {}),
        ...(image.target !== undefined && { target: image.target }),
      },
      signal: connections.signal,
    });
    let imageId: string | undefined;
    let problem: string | undefined;
    for await (const value of entries) {
      const entry = entrySchema.safeParse(value);
      if (!entry.success) continue;
      const { id, aux, error, errorDetail } = entry.data;
      if (id === TRACE && typeof aux === 'string') progress.addEncoded(aux);
      if (id === IMAGE_ID && typeof aux === 'object') imageId = aux.ID;
      if (error !== undefined || errorDetail !== undefined)
        problem = errorDetail?.message || error || 'the engine reported an error without saying which';
      await output.drained();
    }
    progress.end();
    await output.drained();
    if (problem === undefined && imageId !== undefined) {
      if (!signal.aborted) return ok({ imageId, builder: 'buildkit' });
      // It was done before it could be ended.
      for (const tag of image.tags) await engine.removeImage(tag);
    }
    if (signal.aborted) return err(cancelled());
    const { failed } = progress;
    const message = session.transferProblem() ?? problem ?? 'the engine’s answer broke off';
    return err(
      buildFailure(
        message,
        image.parsed,
        failed && {
          name: failed.vertex.name,
          line: image.parsed.lineOfVertex(failed.vertex.name),
          error: failed.vertex.error ?? message,
          lastLines: failed.lastLines,
        },
      ),
    );
  } finally {
    clearTimeout(late);
    signal.removeEventListener('abort', stop);
    progress.end();
    session.close();
    connections.abort();
  }
}
