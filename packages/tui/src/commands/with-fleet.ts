import type { ServiceDefinition } from '@towline/core/map';
import { buildPipeline, observeBuild, type Pipeline, type PipelineBuild, whyAway } from '@towline/core/plan';
import { type Fleet, type MapFileFailure, type MapSource, openFleet, readMapFile } from '../fleet/index.ts';
import { localAgent } from '../link/index.ts';
import { askOnStderr, passphraseAsker } from './ask-passphrase.ts';
import { type CommandFailure, type Context, fail, mapFileOf, usage } from './context.ts';
import { type PickedMap, pickMap, pickService } from './pick-map.ts';

/** A fleet that has told what it knows, for as long as `work` takes. */
export async function withFleet(
  context: Context,
  work: (fleet: Fleet, source: MapSource) => Promise<number>,
): Promise<number> {
  const source = await mapSource(context, mapFileOf(context));
  if ('exitCode' in source) return fail(context, source);
  const { env, version, options } = context;
  const fleet = openFleet({
    source,
    readOnly: options.readOnly === true,
    env,
    version,
    askPassphrase: passphraseAsker(context, askOnStderr(context)),
  });
  try {
    await fleet.settled();
    return await work(fleet, source);
  } finally {
    await fleet.close();
  }
}

/** The map that the options name, with what its agents told. */
export interface OpenMap extends PickedMap {
  fleet: Fleet;
  source: MapSource;
  /** The table as of now. */
  pipeline(): Pipeline;
}

export function withMap(context: Context, work: (open: OpenMap) => Promise<number>): Promise<number> {
  return withFleet(context, async (fleet, source) => {
    if (source.kind === 'local') {
      const away = localEngineAway(fleet);
      if (away !== undefined) return fail(context, away);
    }
    const { service, map } = context.options;
    const picked = pickMap(fleet.store.getState().services, { service, map });
    if (!picked.ok) return fail(context, usage(picked.error.message));
    const { readOnly } = fleet;
    const pipeline = () =>
      buildPipeline({ ...picked.value, agents: fleet.store.getState().agents, readOnly });
    return work({ fleet, source, ...picked.value, pipeline });
  });
}

/** A service with its builds, as their agents last said. */
export interface OpenBuilds {
  fleet: Fleet;
  service: ServiceDefinition;
  builds: readonly PipelineBuild[];
}

/** What is of builds needs a service and no map. */
export function withBuilds(context: Context, work: (open: OpenBuilds) => Promise<number>): Promise<number> {
  return withFleet(context, async (fleet, source) => {
    if (source.kind === 'local') {
      return fail(context, {
        code: 'no-map-file',
        message:
          'Builds are defined in a map file, and there is none here. Name one with --file; `towline map init` writes one.',
        exitCode: 1,
      });
    }
    const { services, agents } = fleet.store.getState();
    const service = pickService(services, context.options.service);
    if (!service.ok) return fail(context, usage(service.error.message));
    const { name, builds } = service.value;
    return work({
      fleet,
      service: service.value,
      builds: builds.map((build) => observeBuild(name, build, agents[build.agent])),
    });
  });
}

/** The build of that name, or why there is none. */
export function findBuild({ builds, service }: OpenBuilds, name: string): PipelineBuild | CommandFailure {
  const found = builds.find(({ definition }) => definition.name === name);
  const names = builds.map(({ definition }) => definition.name).join(', ') || 'none';
  return found ?? usage(`The service ${service.name} has no build ${name}. It has ${names}.`);
}

/** The file, read and checked; without one the engine of this machine. */
export async function mapSource(
  context: Pick<Context, 'env'>,
  path: string | undefined,
): Promise<MapSource | CommandFailure> {
  if (path === undefined) {
    const agent = localAgent({ env: context.env });
    return agent.ok ? { kind: 'local', agent: agent.value } : { ...agent.error, exitCode: 1 };
  }
  const read = await readMapFile(path);
  return read.ok ? { kind: 'file', path, ...read.value } : mapFileFailed(path, read.error);
}

export function mapFileFailed(path: string, { code, message, problems }: MapFileFailure): CommandFailure {
  return {
    code,
    message,
    exitCode: 1,
    details: problems.map(({ line, column, path: at, message: what, expected }) => {
      const where = at === '' ? '' : `${at}: `;
      return `${path}:${line}:${column}: ${where}${what}; expected ${expected}`;
    }),
    json: { file: path, problems },
  };
}

/** Nothing is known of a local engine that can't be reached, not even a map to show. */
export function localEngineAway(fleet: Fleet): CommandFailure | undefined {
  const [agent] = Object.values(fleet.store.getState().agents);
  if (agent === undefined || agent.known) return undefined;
  const away = whyAway(agent.name, agent);
  const reason = away?.state === 'Unreachable' ? away.reason : 'it has not answered yet';
  return {
    code: 'agent-unreachable',
    message: `There is no map file, so it is the engine of this machine that is shown, and it can't be seen: ${reason.replace(/(?<![.?!])$/, '.')} Name a map file with --file, or another engine with DOCKER_HOST.`,
    exitCode: 5,
  };
}
