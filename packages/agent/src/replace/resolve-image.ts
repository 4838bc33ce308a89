import { err, ok, type Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import type { Engine, EngineInfo, ImageInspect } from '../engine/index.ts';
import type { Manifest, Registry } from '../registry/index.ts';

/** Of which image a container is to be. */
export interface ChosenImage {
  container: string;
  /** The image's name without the tag. */
  image: string;
  tag: string;
  /** The two together. */
  ref: string;
  /** Of an image that this engine has and no registry: its id, where that is known. */
  local?: { imageId?: string };
  /** What a kept container ran, for a rollback: it is on this engine, whatever the tag names by now. */
  kept?: { imageId: string };
}

/** Which image that is now. */
export interface ResolvedImage {
  /** The registry's digest of the tag. */
  digest?: string;
  /** Of one that the engine has, and that is not to be pulled. */
  present?: ImageInspect;
  manifest?: Manifest;
  /** Where it comes from, where that is worth a word. */
  message?: string;
}

export interface ImageSources {
  engine: Engine;
  registry: Registry;
  info: EngineInfo;
  /** Ends the waiting for a registry that does not answer. */
  signal?: AbortSignal;
}

/** Asks the registry, or for an image that is to be on this engine, the engine. Rejects with `EngineError`. */
export async function resolveImage(
  sources: ImageSources,
  chosen: ChosenImage,
): Promise<Result<ResolvedImage, Refusal>> {
  if (chosen.kept !== undefined) return await resolveKept(sources.engine, chosen, chosen.kept.imageId);
  if (chosen.local !== undefined) return await resolveLocal(sources.engine, chosen, chosen.local);
  const { container, image, tag, ref } = chosen;
  const found = await sources.registry.manifest(image, tag, sources.signal);
  if (!found.ok) return err({ code: refusalOf(found.error.code), message: found.error.message, container });
  const { digest, platforms } = found.value;
  const own = platformOf(sources.info);
  if (platforms !== undefined && !platforms.some((name) => name === own || name.startsWith(`${own}/`))) {
    return err({
      code: 'wrong-platform',
      message: `${ref} is there for ${platforms.join(', ')}, and this engine runs ${own}. Choose a tag that has it.`,
      container,
    });
  }
  return ok({ digest, manifest: found.value });
}

/** It ran here, so nobody else is asked: a registry that is down is no reason to stay with what does not work. */
async function resolveKept(
  engine: Engine,
  { container, image, ref }: ChosenImage,
  imageId: string,
): Promise<Result<ResolvedImage, Refusal>> {
  const present = await engine.inspectImage(imageId);
  if (present === undefined) {
    return err({
      code: 'no-successful-image',
      message: `The image that ${container} ran before was removed from the engine meanwhile. Choose a version: \`towline versions\` lists them.`,
      container,
    });
  }
  const digest = present.RepoDigests?.find((name) => name.startsWith(`${image}@`))?.split('@')[1];
  return ok({
    present,
    ...(digest !== undefined && { digest }),
    message: `${ref} as it ran here before`,
  });
}

/** Built on this engine, and pushed nowhere. */
async function resolveLocal(
  engine: Engine,
  { container, ref }: ChosenImage,
  { imageId }: { imageId?: string },
): Promise<Result<ResolvedImage, Refusal>> {
  const present = await engine.inspectImage(ref);
  if (present === undefined) {
    return err({
      code: 'no-successful-image',
      message: `${ref} was built on this agent, and its image is gone from the engine; it is in no registry. Choose another, or run the build again.`,
      container,
    });
  }
  if (imageId !== undefined && present.Id !== imageId) {
    return err({
      code: 'no-successful-image',
      message: `Somebody gave the name ${ref} to another image than its build made. Choose another, or run the build again.`,
      container,
    });
  }
  return ok({ present });
}

/** The image itself where the engine has it under its name already, so that nothing is left to pull. */
export async function pulledBefore(
  engine: Engine,
  { ref }: Pick<ChosenImage, 'ref'>,
  digest: string | undefined,
): Promise<ImageInspect | undefined> {
  const found = await engine.inspectImage(ref);
  return found?.RepoDigests?.some((name) => name.endsWith(`@${digest}`)) ? found : undefined;
}

/** An image says for itself what it runs on where its tag names no list. An engine that emulates ran the old one as well. */
export function wrongPlatform(
  { Os, Architecture }: Pick<ImageInspect, 'Os' | 'Architecture'>,
  oldImage: Pick<ImageInspect, 'Architecture'> | undefined,
  info: EngineInfo,
  { container, ref }: Pick<ChosenImage, 'container' | 'ref'>,
): Refusal | undefined {
  const foreign = Os !== info.os || Architecture !== info.arch;
  if (!foreign || Architecture === oldImage?.Architecture) return undefined;
  return {
    code: 'wrong-platform',
    message: `${ref} is for ${Os}/${Architecture}, and this engine runs ${platformOf(info)}. Choose another tag.`,
    container,
  };
}

function platformOf({ os, arch }: EngineInfo): string {
  return `${os}/${arch}`;
}

function refusalOf(registryCode: string): Refusal['code'] {
  switch (registryCode) {
    case 'tag-not-found':
    case 'image-not-found':
      return 'tag-not-found';
    case 'bad-image':
      return 'invalid-tag';
    default:
      return 'registry-unavailable';
  }
}
