import { stringify } from 'yaml';
import { BUILD_VERSION } from './storefront.ts';

/**
 * The demo's containers: on which server, and from which version to which its batch goes. A version is what the
 * container's page names, and of an image that is not built here it is the tag.
 */
export const CONTAINERS = [
  { server: 'web', host: 'alpha', name: 'gateway', port: 8080, older: '1.1.0', newer: '1.2.0' },
  {
    server: 'web',
    host: 'alpha',
    name: 'storefront',
    port: 8081,
    build: 'storefront',
    older: '2.2.0',
    newer: '2.2.1',
  },
  { server: 'cache', host: 'beta', name: 'cache', port: 8080, older: '7.2.0', newer: '7.4.0' },
] as const;

export type DemoContainer = (typeof CONTAINERS)[number];

/** The two machines, each with the agent of the same name. */
export const HOSTS = ['alpha', 'beta'] as const;

export interface DemoMapInput {
  registry: string;
  /** The agents', by name. */
  sockets: Readonly<Record<string, string>>;
  /** The storefront's git repository. */
  git: string;
}

/** The application map file. */
export function demoMap({ registry, sockets, git }: DemoMapInput): string {
  const agents = Object.fromEntries(HOSTS.map((host) => [host, { url: `unix://${sockets[host] ?? ''}` }]));
  const builds = {
    storefront: {
      source: { git, ref: 'main' },
      command: { image: `${registry}/shop/base:1.0`, run: 'sh build.sh' },
      image: { name: `${registry}/shop/storefront`, version: BUILD_VERSION, args: { REGISTRY: registry } },
      agent: 'alpha',
    },
  };
  const servers = Object.fromEntries(
    CONTAINERS.map(({ server, host }) => [
      server,
      {
        agent: host,
        containers: CONTAINERS.filter((container) => container.server === server).map((container) => ({
          name: container.name,
          ...('build' in container
            ? { build: container.build }
            : { image: `${registry}/shop/${container.name}` }),
          // A small shop: one second without an exit is enough to see that it serves.
          settle: 1,
          run: { ports: [`${container.port}:8080`], restart: 'unless-stopped' },
        })),
      },
    ]),
  );
  const head = '# The map of the demo: two machines, each with an engine and an agent of its own.\n';
  return head + stringify({ agents, services: { shop: { builds, maps: { demo: { servers } } } } });
}

/** The words of `towline batch` that set every container to its older or newer version; what is built here is built. */
export function settings(version: 'older' | 'newer'): string[] {
  return CONTAINERS.flatMap((container) => [
    '--set',
    `${container.server}/${container.name}=${'build' in container ? 'build' : `tag:${container[version]}`}`,
  ]);
}
