import { familiarName, parseReference } from '../image/index.ts';
import type { ObservedContainer } from '../protocol/index.ts';
import type { ContainerDefinition, ServerDefinition, ServiceDefinition } from './map-file.ts';

/** The service and the agent of a map that was made from what an engine runs. */
export const LOCAL = 'local';

/** What a replacement names the new container before it serves, and the old one afterwards. */
const OWN_NAME = /\.(?:next|prev)\.[^.]+$/;

/**
 * The containers of one engine as an application map, for `towline` without a map file: a server per Compose project, and
 * one for each container of no project, in the order of their names. All images are common ones, and nothing says how to
 * create them. Containers that a replacement keeps beside the one that serves are left out.
 *
 * `map` is the map's name: the engine's.
 */
export function mapFromContainers(containers: readonly ObservedContainer[], map: string): ServiceDefinition {
  const shown = containers.filter(({ name }) => !OWN_NAME.test(name));
  const projects = Map.groupBy(
    shown.filter((container) => container.composeProject !== undefined),
    (container) => container.composeProject ?? '',
  );
  const names = new Set(projects.keys());
  const servers: ServerDefinition[] = [...projects].map(([name, members]) => serverOf(name, members));
  for (const container of shown.toSorted(byName)) {
    if (container.composeProject !== undefined) continue;
    const name = freeName(container.name, names);
    names.add(name);
    servers.push(serverOf(name, [container]));
  }
  return { name: LOCAL, builds: [], maps: [{ name: map, servers: servers.toSorted(byName) }] };
}

/** A container may have the name of a project; the project has it first. */
function freeName(wanted: string, taken: ReadonlySet<string>): string {
  let name = wanted;
  for (let count = 2; taken.has(name); count++) name = `${wanted}-${count}`;
  return name;
}

function serverOf(name: string, containers: readonly ObservedContainer[]): ServerDefinition {
  return {
    name,
    agent: LOCAL,
    containers: containers.toSorted(byName).map(
      (container): ContainerDefinition => ({
        name: container.name,
        kind: 'common',
        image: imageName(container.image),
      }),
    ),
  };
}

/** The image without its tag; as the engine has it where it has no name (it was made of an id, or is not called that any more). */
function imageName(image: string): string {
  const reference = parseReference(image);
  return reference.ok ? familiarName(reference.value) : image;
}

function byName(a: { name: string }, b: { name: string }): number {
  return a.name < b.name ? -1 : a.name > b.name ? 1 : 0;
}
