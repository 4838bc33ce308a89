import { type BuildRun, type BuiltImage, isRunEnded, whyNoImage } from '@towline/core/build';
import { namesRegistry } from '@towline/core/image';
import { versionOf } from '@towline/core/plan';
import type { ContainerSpec } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import type { ImageMode, Refusal, TaskBuild, Version } from '@towline/core/rules';

/** What jobs ask of the builds of their own agent. */
export interface OwnBuilds {
  /** What Latest resolves to. */
  latest(build: { service: string; build: string }): BuiltImage | undefined;
  /** The run that has a tag. */
  runOf(build: { service: string; build: string }, tag: string): BuildRun | undefined;
  /** Calls on every change of a run; returns what ends it. */
  onRun(listener: (run: BuildRun) => void): () => void;
}

/** Of an agent that builds nothing. */
export const NO_BUILDS: OwnBuilds = {
  latest: () => undefined,
  runOf: () => undefined,
  onRun: () => () => undefined,
};

/** What the rules look at of the built images of a server, by container. */
export function builtFacts(
  service: string,
  containers: readonly ContainerSpec[],
  own: OwnBuilds,
): { latest: Record<string, Version>; builds: Record<string, TaskBuild> } {
  const latest: [string, Version][] = [];
  const builds: [string, TaskBuild][] = [];
  for (const { name, image, kind, build } of containers) {
    if (kind !== 'built' || build === undefined) continue;
    const newest = build.here ? own.latest({ service, build: build.name }) : undefined;
    const version = build.here ? newest && versionOf(newest) : build.latest;
    if (version !== undefined) {
      const { tag, digest } = version;
      latest.push([name, { tag, ...(digest !== undefined && { digest }) }]);
    }
    const agent = build.here ? 'this agent' : 'another agent';
    builds.push([name, { name: build.name, agent, delivered: build.here || namesRegistry(image) }]);
  }
  return { latest: Object.fromEntries(latest), builds: Object.fromEntries(builds) };
}

/** An image that is on this engine and in no registry; its id where the run that made it is known. */
export interface LocalImage {
  imageId?: string;
}

/**
 * Where a built image is to be had: undefined for the registry that its name names. Errors, where it is known that it can't be
 * had: `build-failed` where it was built for this and made no image, `no-successful-image` for another that is not there.
 * One that is being built for this is not there yet, and nothing stands against it.
 */
export function localImageOf(
  service: string,
  { name, image, kind, build }: ContainerSpec,
  { mode, tag }: { mode: ImageMode; tag: string },
  own: OwnBuilds,
): Result<LocalImage | undefined, Refusal> {
  if (kind !== 'built' || build?.here !== true) return ok(undefined);
  const run = own.runOf({ service, build: build.name }, tag);
  if (run === undefined) return ok(namesRegistry(image) ? undefined : {});
  const builtForThis = mode === 'build-deploy';
  if (builtForThis && !isRunEnded(run.state)) return ok(undefined);
  const why = whyNoImage(run);
  const { imageId } = run;
  if (why !== undefined || imageId === undefined) {
    return err({
      code: builtForThis ? 'build-failed' : 'no-successful-image',
      message: `${why} Choose another image, or run the build again.`,
      container: name,
    });
  }
  if (run.pushed !== undefined) return ok(undefined);
  if (run.imageRemoved !== true) return ok({ imageId });
  return err({
    code: 'no-successful-image',
    message: `The image ${image}:${tag} was removed from this agent, and it is in no registry. Choose another, or run the build again.`,
    container: name,
  });
}
