import { repositoryOf } from '@towline/core/image';
import type { ObservedContainer } from '@towline/core/protocol';
import { CONTAINER_STATES } from '@towline/core/protocol';
import type { ContainerInspect, ImageInspect } from './engine.ts';
import { parseImageName } from './image-name.ts';

/**
 * What the screen and the rules know of a container, from its inspect and its image's. The tag is the one that it was
 * created with, or else one that its image has; the digest is the one that its image's registry knows it by. Pure.
 */
export function observeContainer(
  container: ContainerInspect,
  image: ImageInspect | undefined,
): ObservedContainer {
  const created = container.Config.Image;
  // `docker run 0123456789ab` keeps the shortened id, which looks like a name.
  const isId = container.Image.startsWith(`sha256:${created}`) || container.Image.startsWith(created);
  const name = isId ? undefined : parseImageName(created);
  const repository = name === undefined ? undefined : repositoryOf(name);
  // A bare name is `latest` by definition, whatever else its image is called by now.
  const tag =
    name?.tag ??
    (name !== undefined && name.digest === undefined
      ? 'latest'
      : nameOf(image?.RepoTags, repository, (found) => found.tag));
  const digest = nameOf(image?.RepoDigests, repository, (found) => found.digest);
  return {
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...observeState(container),
  };
}

/** The same container once more, with what was known of its image before. */
export function observeAgain(container: ContainerInspect, before: ObservedContainer): ObservedContainer {
  const { tag, digest } = before;
  return {
    ...(tag !== undefined && { tag }),
    ...(digest !== undefined && { digest }),
    ...observeState(container),
  };
}

/** All but what its image's names say. */
function observeState(container: ContainerInspect): Omit<ObservedContainer, 'tag' | 'digest'> {
  const health = healthOf(container);
  const state = stateOf(container.State.Status);
  const composeProject = container.Config.Labels?.['com.docker.compose.project'];
  return {
    id: container.Id,
    name: container.Name.replace(/^\//, ''),
    image: container.Config.Image,
    imageId: container.Image,
    state,
    ...(health !== undefined && { health }),
    // A container that runs or never ran has no exit code, though the engine says 0.
    ...((state === 'exited' || state === 'dead') && { exitCode: container.State.ExitCode }),
    createdAt: container.Created,
    ...(isTime(container.State.StartedAt) && { startedAt: container.State.StartedAt }),
    ...(composeProject !== undefined && { composeProject }),
    ...(container.HostConfig.AutoRemove === true && { autoRemove: true }),
  };
}

/** The part that is asked for of the first of an image's names that is of this repository, or of any where none is known. */
function nameOf(
  names: readonly string[] | null | undefined,
  repository: string | undefined,
  part: (name: { tag?: string; digest?: string }) => string | undefined,
): string | undefined {
  for (const text of names ?? []) {
    const name = parseImageName(text);
    if (name === undefined || (repository !== undefined && repositoryOf(name) !== repository)) continue;
    const found = part(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

function healthOf(container: ContainerInspect): ObservedContainer['health'] {
  switch (container.State.Health?.Status) {
    case 'starting':
      return 'starting';
    case 'healthy':
      return 'healthy';
    case 'unhealthy':
      return 'unhealthy';
    default:
      return undefined;
  }
}

function stateOf(status: string): ObservedContainer['state'] {
  return CONTAINER_STATES.find((state) => state === status) ?? 'dead';
}

/** The engine writes the year 1 for what never was. */
function isTime(text: string | undefined): boolean {
  return text !== undefined && text !== '' && !text.startsWith('0001-');
}
