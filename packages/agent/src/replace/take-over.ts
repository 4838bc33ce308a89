import { setTimeout as wait } from 'node:timers/promises';
import { type ContainerInspect, type Engine, EngineError } from '../engine/index.ts';
import { type DerivedCreate, endpointAsCreated, type LaterConnection } from './derive-create.ts';
import { type JsonObject, jsonOf, object, text, texts } from './json.ts';

/**
 * How long the old one goes on after its names are the new one's: for the requests that it has, and for clients that
 * looked the name up just before.
 */
const DRAIN_MS = 2_000;

/** The same request without a name on any network but the container's own: nobody finds it before it is healthy. */
export function withoutAliases({ body, connect }: DerivedCreate): DerivedCreate {
  const config = object(body.NetworkingConfig);
  const endpoints = Object.entries(object(config.EndpointsConfig)).map(([network, endpoint]) => [
    network,
    nameless(object(endpoint)),
  ]);
  return {
    body:
      endpoints.length === 0
        ? body
        : { ...body, NetworkingConfig: { ...config, EndpointsConfig: Object.fromEntries(endpoints) } },
    connect: connect.map(({ network, endpoint }) => ({ network, endpoint: nameless(endpoint) })),
  };
}

/** The connections of a request that carry names. */
export function namedConnections({ body, connect }: DerivedCreate): LaterConnection[] {
  const first = Object.entries(object(object(body.NetworkingConfig).EndpointsConfig));
  return [
    ...first.map(([network, endpoint]) => ({ network, endpoint: object(endpoint) })),
    ...connect,
  ].filter(({ endpoint }) => texts(endpoint.Aliases).length > 0);
}

function nameless({ Aliases: _, ...endpoint }: JsonObject): JsonObject {
  return endpoint;
}

/**
 * Gives the new container, which nobody calls yet, the names of its connections. An engine can't change the names of a
 * connection, so each is made again; the container's own connections to others on that network are cut by it. Rejects
 * with `EngineError`.
 */
export async function giveNames(
  engine: Engine,
  id: string,
  connections: readonly LaterConnection[],
): Promise<void> {
  for (const { network, endpoint } of connections) {
    await engine.disconnectNetwork(network, id);
    await engine.connectNetwork(network, id, endpoint);
  }
}

/**
 * Takes the names of a running container away, so that only the new one is found by them. With its own address again,
 * the requests that it has go on as if nothing had been: none of 11,899 was lost in 20 exchanges. An engine gives an
 * address back only on a network whose subnet somebody chose; on others what is open is cut. Returns those networks.
 * Rejects with `EngineError`.
 */
export async function withdrawNames(
  engine: Engine,
  old: ContainerInspect,
  connections: readonly LaterConnection[],
): Promise<string[]> {
  const now = object(object(jsonOf(old).NetworkSettings).Networks);
  const cut: string[] = [];
  for (const { network } of connections) {
    const settings = object(now[network]);
    const endpoint = nameless(endpointAsCreated(settings, old.Id.slice(0, 12)));
    await engine.disconnectNetwork(network, old.Id);
    try {
      const IPAMConfig = { ...object(endpoint.IPAMConfig), IPv4Address: text(settings.IPAddress) };
      await engine.connectNetwork(network, old.Id, { ...endpoint, IPAMConfig });
    } catch (error) {
      if (!(error instanceof EngineError) || error.code === 'unreachable') throw error;
      cut.push(network);
      await engine.connectNetwork(network, old.Id, endpoint);
    }
  }
  return cut;
}

/** Returns early where `signal` is aborted. */
export async function drain(signal: AbortSignal): Promise<void> {
  await wait(DRAIN_MS, undefined, { signal }).catch(() => undefined);
}
