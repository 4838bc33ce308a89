import type { Engine } from '../engine/index.ts';
import type { CreateBody } from './derive-create.ts';
import { text } from './json.ts';

/**
 * The request of a container that stays of its image: by the image's name (`body.Image`), so that its version is seen; by
 * its id where the name has gone to another image, or is gone. Rejects with `EngineError`.
 */
export async function ofItsImage(engine: Engine, body: CreateBody, imageId: string): Promise<CreateBody> {
  const named = await engine.inspectImage(text(body.Image));
  return named?.Id === imageId ? body : { ...body, Image: imageId };
}
