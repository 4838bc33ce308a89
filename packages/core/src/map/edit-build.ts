import { isMap, parseDocument, type YAMLMap } from 'yaml';
import { type BuildDefinition, canonical, type LockedField } from '../build/index.ts';
import { err, type Failure, ok, type Result } from '../result/index.ts';
import { buildNode } from './build-node.ts';
import type { MapFile, ServiceDefinition } from './map-file.ts';
import { parseMapFile } from './parse-map-file.ts';
import { applySplices, type Splice, spliceMap } from './splice.ts';

export type EditErrorCode =
  | 'invalid-map'
  | 'unknown-service'
  | 'unknown-build'
  | 'build-exists'
  | 'field-locked'
  | 'invalid-build'
  | 'cannot-edit';

/** What to change of a build: each part in full as it should be; `null` takes away what need not be there. */
export type BuildChanges = Partial<Pick<BuildDefinition, 'source' | 'image' | 'agent'>> & {
  command?: BuildDefinition['command'] | null;
  keep?: number | null;
};

/**
 * The text of a map file with a build changed in it. Only keys whose values differ are written: every other byte is as it
 * was, comments, order and form included. What it returns was read again, and is the same map with that one change.
 *
 * Errors: `invalid-map` where the text is no map file (the first problem is told), `unknown-service`, `unknown-build`,
 * `field-locked` where a locked field would change, `invalid-build` where the changed build is none, with what is wrong;
 * `cannot-edit` where the file shares the build's text with others by aliases: that is for a text editor.
 */
export function editBuild(
  text: string,
  target: { service: string; build: string },
  changes: BuildChanges,
  options: { locked?: readonly LockedField[] } = {},
): Result<string, Failure<EditErrorCode>> {
  const read = readMap(text);
  if (!read.ok) return read;
  const found = findService(read.value, target.service);
  if (!found.ok) return found;
  const before = found.value.builds.find(({ name }) => name === target.build);
  if (before === undefined) {
    const names = found.value.builds.map(({ name }) => name).join(', ') || 'none';
    return fail(
      'unknown-build',
      `The service ${target.service} has no build ${target.build}. It has ${names}.`,
    );
  }
  const after = changed(before, changes);
  if (options.locked?.includes('image.name') === true && after.image.name !== before.image.name) {
    return fail(
      'field-locked',
      `The image of ${target.build} stays ${before.image.name}, because the build has run: its images are found by it. Make a build of another name for another image.`,
    );
  }
  const node = nodeAt(text, ['services', target.service, 'builds', target.build]);
  const splices = node && spliceMap(text, node, buildNode(before), buildNode(after));
  return checked(
    text,
    splices,
    withBuilds(read.value, target.service, (builds) =>
      builds.map((build) => (build.name === target.build ? after : build)),
    ),
    target.build,
  );
}

/**
 * The text of a map file with one build more, behind those that the service has. Errors: as those of `editBuild`, and
 * `build-exists`.
 */
export function addBuild(
  text: string,
  service: string,
  definition: BuildDefinition,
): Result<string, Failure<EditErrorCode>> {
  const read = readMap(text);
  if (!read.ok) return read;
  const found = findService(read.value, service);
  if (!found.ok) return found;
  const { builds } = found.value;
  if (builds.some(({ name }) => name === definition.name)) {
    return fail(
      'build-exists',
      `The service ${service} has a build ${definition.name} already. Choose another name.`,
    );
  }
  const node = nodeAt(text, ['services', service]);
  const known = Object.fromEntries(builds.map((build) => [build.name, buildNode(build)]));
  const more = { ...known, [definition.name]: buildNode(definition) };
  const has = node?.has('builds') === true;
  // The maps are not looked at: they are there in both, and equal.
  const rest = { maps: {} };
  const splices =
    node && spliceMap(text, node, { ...(has && { builds: known }), ...rest }, { builds: more, ...rest });
  return checked(
    text,
    splices,
    withBuilds(read.value, service, (list) => [...list, definition]),
    definition.name,
  );
}

function changed(before: BuildDefinition, changes: BuildChanges): BuildDefinition {
  const { command, keep, ...rest } = before;
  const nextCommand = changes.command === undefined ? command : (changes.command ?? undefined);
  const nextKeep = changes.keep === undefined ? keep : (changes.keep ?? undefined);
  return {
    ...rest,
    ...(changes.source !== undefined && { source: changes.source }),
    ...(changes.image !== undefined && { image: changes.image }),
    ...(changes.agent !== undefined && { agent: changes.agent }),
    ...(nextCommand !== undefined && { command: nextCommand }),
    ...(nextKeep !== undefined && { keep: nextKeep }),
  };
}

/** The text with its pieces replaced, if it is the map that was meant. */
function checked(
  text: string,
  splices: Splice[] | undefined,
  expected: MapFile,
  build: string,
): Result<string, Failure<EditErrorCode>> {
  if (splices === undefined) return cannotEdit(build);
  const result = applySplices(text, splices);
  const read = parseMapFile(result);
  if (!read.ok) {
    const [problem] = read.error;
    // A problem of the values is the operator's to put right; one of the text is not of their making.
    return problem === undefined || problem.path === ''
      ? cannotEdit(build)
      : fail(
          'invalid-build',
          `${problem.path.replace(/^.*?\.builds\./, '')}: ${problem.message}; expected ${problem.expected}.`,
        );
  }
  return canonical(read.value) === canonical(expected) ? ok(result) : cannotEdit(build);
}

function cannotEdit(build: string): Result<never, Failure<EditErrorCode>> {
  return fail(
    'cannot-edit',
    `The build ${build} is written in a form that can't be changed here without touching the rest, such as an alias (*name). Change it in the file, with a text editor.`,
  );
}

function withBuilds(
  map: MapFile,
  service: string,
  change: (builds: readonly BuildDefinition[]) => readonly BuildDefinition[],
): MapFile {
  return {
    ...map,
    services: map.services.map((one) => {
      if (one.name !== service) return one;
      const builds = change(one.builds);
      const images = new Map(builds.map(({ name, image }) => [name, image.name]));
      return {
        ...one,
        builds,
        maps: one.maps.map((each) => ({
          ...each,
          servers: each.servers.map((server) => ({
            ...server,
            containers: server.containers.map((container) =>
              container.kind === 'built'
                ? { ...container, image: images.get(container.build) ?? container.image }
                : container,
            ),
          })),
        })),
      };
    }),
  };
}

function readMap(text: string): Result<MapFile, Failure<EditErrorCode>> {
  const read = parseMapFile(text);
  if (read.ok) return read;
  const [problem] = read.error;
  const where =
    problem === undefined
      ? ''
      : ` Line ${problem.line}: ${problem.path === '' ? '' : `${problem.path}: `}${problem.message}.`;
  return fail('invalid-map', `The map file is not one that can be changed.${where} Put it right first.`);
}

function findService(map: MapFile, service: string): Result<ServiceDefinition, Failure<EditErrorCode>> {
  const found = map.services.find(({ name }) => name === service);
  if (found !== undefined) return ok(found);
  const names = map.services.map(({ name }) => name).join(', ');
  return fail('unknown-service', `The map file has no service ${service}. It has ${names}.`);
}

/** The map that stands at a path itself; one that is only meant by an alias stands somewhere else. */
function nodeAt(text: string, path: readonly string[]): YAMLMap | undefined {
  const document = parseDocument(text, {
    prettyErrors: false,
    merge: true,
    stringKeys: true,
    uniqueKeys: false,
  });
  const node = document.getIn(path, true);
  return isMap(node) ? node : undefined;
}

function fail(code: EditErrorCode, message: string): Result<never, Failure<EditErrorCode>> {
  return err({ code, message });
}
