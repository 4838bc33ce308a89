import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  createGitServers,
  type GitHttpServer,
  type GitRepository,
  type Host,
  type RunningAgentProcess,
  sharedSandbox,
  startAgent,
} from '@towline/test/sandbox';
import { type Fleet, openFleet, readMapFile } from '@towline/tui/fleet';
import { type CliPlace, createPlace } from './towline-process.ts';

export interface BuildPlace extends CliPlace {
  registry: string;
  hosts: { a: Host; b: Host };
  /** The agents of the map, `alpha` on host a and `beta` on host b. */
  agents: { alpha: RunningAgentProcess; beta: RunningAgentProcess };
  /** The home of alpha's user, with its SSH keys and known hosts. */
  alphaHome: string;
  repository: GitRepository;
  /** Gives the repository out as well, where `downloadOverHttp` was called: an answer that it holds holds the build. */
  git: GitHttpServer;
  downloadOverHttp(): Promise<void>;
  /** The image of the build `storefront`. */
  image: string;
  /** The name of a container as the map and the engine have it. */
  nameOf(short: string): string;
  /** A Dockerfile whose image serves for as long as it may. */
  dockerfile(...more: string[]): string;
  /** The tag that a container's engine has it at. */
  runs(host: 'a' | 'b', short: string): Promise<string | undefined>;
  /** A fleet of the map as it is now. */
  fleet(): Promise<Fleet>;
  /** Starts the agent alpha again, where it was. */
  restartAlpha(): Promise<void>;
}

/**
 * Two agents, a git repository with one commit, and a map. `storefront` is built on alpha and goes through the registry:
 * containers `front` of server `web` on alpha, beside the common image `gateway`, and `front-too` of `shop` on beta.
 * `inner` is built on alpha and has no registry: `inside` of `inner` on alpha, and `outside` of `far` on beta.
 */
export async function createBuildPlace(): Promise<BuildPlace> {
  const { registry, hosts } = await sharedSandbox();
  const place = await createPlace();
  const suffix = place.dir.slice(-6).toLowerCase();
  const nameOf = (short: string) => `clib-${short}-${suffix}`;
  const image = `${registry}/clib-${suffix}/storefront`;
  const homeOf = (name: string) => join(place.dir, name, 'home');
  const start = (host: Host, name: string) =>
    startAgent({ host, dir: join(place.dir, name), home: homeOf(name) });
  const [alpha, beta] = await Promise.all([start(hosts.a, 'alpha'), start(hosts.b, 'beta')]);
  const agents = { alpha, beta };
  const servers = await createGitServers();
  const [repository, git] = await Promise.all([servers.repository('storefront'), servers.http()]);
  const dockerfile = (...more: string[]) =>
    [`FROM ${registry}/test/faulty:ok`, 'COPY page /page', ...more, ''].join('\n');
  await repository.commit({
    message: 'Open the shop',
    files: { Dockerfile: dockerfile(), page: 'one\n' },
  });
  const source = { git: repository.url, ref: 'main' };
  const built = (short: string, build: string) => ({ name: nameOf(short), build, settle: 0, run: {} });
  const server = (agent: string, ...containers: object[]) => ({ agent, containers });
  await place.writeMap({
    agents: { alpha: { url: `unix://${alpha.socket}` }, beta: { url: `unix://${beta.socket}` } },
    services: {
      shop: {
        builds: {
          storefront: { source, image: { name: image, version: '1.4.0' }, agent: 'alpha' },
          inner: { source, image: { name: `clib-${suffix}/inner`, version: '1.0.0' }, agent: 'alpha' },
        },
        maps: {
          demo: {
            servers: {
              web: server(
                'alpha',
                { name: nameOf('gateway'), image: `${registry}/test/faulty`, settle: 0, run: {} },
                built('front', 'storefront'),
              ),
              shop: server('beta', built('front-too', 'storefront')),
              inner: server('alpha', built('inside', 'inner')),
              far: server('beta', built('outside', 'inner')),
            },
          },
        },
      },
    },
  });
  return {
    ...place,
    registry,
    hosts,
    agents,
    alphaHome: homeOf('alpha'),
    repository,
    git,
    async downloadOverHttp() {
      const map = await readFile(place.mapFile, 'utf8');
      await place.writeMap(map.replaceAll(repository.url, git.url('storefront')));
    },
    image,
    nameOf,
    dockerfile,
    async runs(host, short) {
      const format = '{{.Config.Image}}';
      const found = await hosts[host].docker('inspect', '--format', format, nameOf(short)).catch(() => '');
      return found.trim().split(':').at(-1) || undefined;
    },
    async fleet() {
      const read = await readMapFile(place.mapFile);
      if (!read.ok) throw new Error(read.error.message);
      const source = { kind: 'file' as const, path: place.mapFile, ...read.value };
      const fleet = openFleet({ source, readOnly: false, env: {}, version: '0.0.0' });
      await fleet.settled();
      return fleet;
    },
    async restartAlpha() {
      agents.alpha = await start(hosts.a, 'alpha');
    },
    async close() {
      await Promise.all([agents.alpha.stop(), agents.beta.stop()]);
      for (const host of [hosts.a, hosts.b]) {
        const names = await host.docker('ps', '-aq', '--filter', `name=-${suffix}`);
        const ids = names.split('\n').filter(Boolean);
        if (ids.length > 0) await host.docker('rm', '-f', ...ids);
        const images = await host.docker('images', '-q', '--filter', `reference=*clib-${suffix}/*`);
        const inRegistry = await host.docker('images', '-q', '--filter', `reference=*/clib-${suffix}/*`);
        const all = [...new Set(`${images}\n${inRegistry}`.split('\n').filter(Boolean))];
        if (all.length > 0) await host.docker('rmi', '-f', ...all);
      }
      await servers.close();
      await place.close();
    },
  };
}
