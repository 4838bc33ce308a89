import type * as z from 'zod';
import { familiarName, parseReference } from '../image/index.ts';
import { err, ok, type Result } from '../result/index.ts';
import { toAgent } from './agent-definition.ts';
import { brokenReferences } from './broken-references.ts';
import { toBuild } from './build-node.ts';
import type { ContainerDefinition, MapFile, MapProblem, ServiceDefinition } from './map-file.ts';
import { mapFileSchema } from './map-schema.ts';
import { toProbe } from './probe.ts';
import { problemsOf } from './problems-of.ts';
import { parseSource } from './source.ts';
import { formatPath } from './source-path.ts';

/** A larger file is refused before it is parsed, and need not be read further than this. In bytes. */
export const MAX_MAP_FILE_BYTES = 1024 * 1024;

/** More than this nobody reads; the last one told says how many were left out. */
const MAX_PROBLEMS = 100;

/**
 * Reads an application map file. Every problem that it has is told at once, in the order of the lines: YAML that does not
 * parse, keys that are unknown, missing or there twice, values of a wrong kind, names that lead nowhere, containers that
 * are on one agent twice. Nothing in the text makes it throw.
 */
export function parseMapFile(text: string): Result<MapFile, MapProblem[]> {
  const bytes = utf8Length(text, MAX_MAP_FILE_BYTES);
  if (bytes > MAX_MAP_FILE_BYTES) return err([tooLarge()]);
  const parsed = parseSource(text);
  if ('problems' in parsed) return err(inOrder(parsed.problems));
  const { value, locate } = parsed.source;
  if (value === null || value === undefined) {
    return err([
      {
        line: 1,
        column: 1,
        path: '',
        message: 'the file is empty',
        expected: 'a map with agents and services',
      },
    ]);
  }
  const checked = mapFileSchema.safeParse(value);
  const problems = [...problemsOf(checked.error?.issues ?? [], value), ...brokenReferences(value)];
  if (problems.length > 0 || !checked.success) {
    return err(
      inOrder(
        problems.map(({ path, about, message, expected }) => ({
          ...locate(path, about),
          path: formatPath(path),
          message,
          expected,
        })),
      ),
    );
  }
  // The schema took it, so it has the shape of the schema's input; `run` is kept as it was written, for the agent.
  return ok(toMapFile(value as z.input<typeof mapFileSchema>));
}

/** `towline.yaml:12:9: services.shop.maps: unknown key "imagee", did you mean "image"?; expected one of …`. */
export function describeProblem(problem: MapProblem, fileName: string): string {
  const { line, column, path, message, expected } = problem;
  return `${fileName}:${line}:${column}: ${path === '' ? '' : `${path}: `}${message}; expected ${expected}`;
}

/** What to say of a file that is larger than `MAX_MAP_FILE_BYTES`, for those who do not read it to its end. */
export function tooLarge(): MapProblem {
  return {
    line: 1,
    column: 1,
    path: '',
    message: 'the file is larger than 1 MB',
    expected: 'a map file, which is a few KB',
  };
}

function inOrder(problems: MapProblem[]): MapProblem[] {
  const sorted = problems.toSorted((a, b) => a.line - b.line || a.column - b.column);
  const told = sorted.slice(0, MAX_PROBLEMS);
  const last = told.at(-1);
  if (last === undefined || sorted.length === told.length) return told;
  const more = sorted.length - told.length;
  return [...told.slice(0, -1), { ...last, message: `${last.message} (and ${more} more problems after it)` }];
}

/** Counts no further than it must to tell that the text is too long. */
function utf8Length(text: string, limit: number): number {
  if (text.length > limit) return text.length;
  let bytes = 0;
  for (const char of text) {
    const code = char.codePointAt(0) ?? 0;
    bytes += code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  }
  return bytes;
}

type Input = z.input<typeof mapFileSchema>;
type ServiceInput = Input['services'][string];
type ContainerInput = ServiceInput['maps'][string]['servers'][string]['containers'][number];

function toMapFile({ agents, services }: Input): MapFile {
  return {
    agents: Object.entries(agents).map(([name, agent]) => toAgent(name, agent)),
    services: Object.entries(services).map(([name, service]) => toService(name, service)),
  };
}

function toService(name: string, { builds = {}, maps }: ServiceInput): ServiceDefinition {
  const definitions = Object.entries(builds).map(([build, input]) => toBuild(build, input));
  const images = new Map(definitions.map((build) => [build.name, build.image.name]));
  return {
    name,
    builds: definitions,
    maps: Object.entries(maps).map(([map, { servers }]) => ({
      name: map,
      servers: Object.entries(servers).map(([server, { agent, containers }]) => ({
        name: server,
        agent,
        containers: containers.map((container) => toContainer(container, images)),
      })),
    })),
  };
}

function toContainer(
  { name, image, build, run, probe, settle, update, depends_on: dependsOn }: ContainerInput,
  images: ReadonlyMap<string, string>,
): ContainerDefinition {
  const base = {
    name,
    ...(run !== undefined && { run }),
    ...(probe !== undefined && { probe: toProbe(probe) }),
    ...(settle !== undefined && { settle }),
    ...(update !== undefined && { update }),
    ...(dependsOn !== undefined && { dependsOn }),
  };
  return build === undefined
    ? { ...base, kind: 'common', image: withoutDefaults(image ?? '') }
    : { ...base, kind: 'built', build, image: images.get(build) ?? '' };
}

/** `docker.io/library/nginx` is written `nginx` everywhere. */
function withoutDefaults(image: string): string {
  const reference = parseReference(image);
  return reference.ok ? familiarName(reference.value) : image;
}
