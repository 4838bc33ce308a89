import { join } from 'node:path';
import { type Host, type RunningAgentProcess, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { vi } from 'vitest';
import { shopMap } from './shop-map.ts';
import { type CliPlace, createPlace } from './towline-process.ts';

export interface ShopPlace extends CliPlace {
  registry: string;
  hosts: { a: Host; b: Host };
  /** The agents of the map, `alpha` on host a and `beta` on host b. */
  agents: { alpha: RunningAgentProcess; beta: RunningAgentProcess };
  /** The name of a container as the map and the engine have it. */
  nameOf(short: string): string;
  /** What `status` says of a container. */
  deployed(server: string, short: string): Promise<string | null>;
  /** Ends the new container of a job that brings the image `held` to `probe`, which is at its gate until then: the job fails. */
  failHeld(): Promise<void>;
  restartAlpha(): Promise<void>;
}

/** For those that never fail. */
const QUICKLY = { settle: 1 };

/**
 * Two agents and a map: server `web` on alpha with `gateway` and `storefront`, server `cache` on beta with `cache`, server
 * `faulty` on alpha with `probe`; created by nobody yet.
 */
export async function createShopPlace(): Promise<ShopPlace> {
  const { registry, hosts } = await sharedSandbox();
  const place = await createPlace();
  const suffix = place.dir.slice(-6).toLowerCase();
  const nameOf = (short: string) => `cli-${short}-${suffix}`;
  const start = (host: Host, name: string) => startAgent({ host, dir: join(place.dir, name) });
  const [alpha, beta] = await Promise.all([start(hosts.a, 'alpha'), start(hosts.b, 'beta')]);
  const agents = { alpha, beta };
  const container = (short: string, image: string, more: object = {}) => ({
    name: nameOf(short),
    image: `${registry}/${image}`,
    run: {},
    ...more,
  });
  await place.writeMap(
    shopMap(
      { alpha: alpha.socket, beta: beta.socket },
      {
        web: {
          agent: 'alpha',
          containers: [
            container('gateway', 'shop/gateway', QUICKLY),
            container('storefront', 'shop/storefront', QUICKLY),
          ],
        },
        cache: { agent: 'beta', containers: [container('cache', 'shop/cache', QUICKLY)] },
        faulty: { agent: 'alpha', containers: [container('probe', 'test/faulty')] },
      },
    ),
  );
  return {
    ...place,
    registry,
    hosts,
    agents,
    nameOf,
    async deployed(server, short) {
      const document = (await place.run('status', '--json')).json();
      return deployedIn(document, server, nameOf(short));
    },
    async failHeld() {
      const next = () => hosts.a.docker('ps', '-q', '--filter', `name=${nameOf('probe')}\\.next\\.`);
      const id = await vi.waitUntil(async () => (await next()).trim(), { timeout: 30_000 });
      await hosts.a.docker('kill', id);
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
      }
      await place.close();
    },
  };
}

interface StatusDocument {
  servers: { name: string; tasks: { container: string; deployed: { tag: string } | null }[] }[];
}

function deployedIn(document: unknown, server: string, container: string): string | null {
  const { servers } = document as StatusDocument;
  const tasks = servers.find(({ name }) => name === server)?.tasks ?? [];
  return tasks.find((task) => task.container === container)?.deployed?.tag ?? null;
}
