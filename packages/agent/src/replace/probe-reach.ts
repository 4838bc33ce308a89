import type { Probe } from '@towline/core/protocol';
import type { AskedPlace } from './ask.ts';
import { type DerivedCreate, primaryNetwork } from './derive-create.ts';
import { type JsonObject, list, object, text } from './json.ts';

/** How a container is on the network, as far as whoever is on the engine's host has to know. */
export interface NetworkView {
  /** The engine's NetworkMode. */
  mode: string;
  /** Its address there; undefined before it has one. */
  networks: readonly { name: string; address?: string | undefined }[];
  /** By `8080/tcp`, where the host listens for it; its port undefined before the engine has chosen one. */
  published: Readonly<Record<string, readonly { host: string; port?: number | undefined }[]>>;
}

export type Reach =
  | { kind: 'at'; place: AskedPlace }
  /** It can be reached, and has no address yet. */
  | { kind: 'later' }
  /** At the address of the container, by name or id, whose network it shares. */
  | { kind: 'as'; container: string }
  /** `why` is a sentence without its end. */
  | { kind: 'never'; why: string };

export interface ReachFacts {
  /** Its containers are in a network of their own, that its host sees by published ports alone. */
  rootless: boolean;
  /** The driver of a network; undefined for one that is still to be made, as a bridge. */
  driverOf: (network: string) => string | undefined;
}

/**
 * How a program on the engine's host gets to a port of a container: at the container's own address, because a published
 * port leads to the engine's proxy, which takes every connection whether anybody listens behind it or not. A published
 * port is the second choice, where a container's addresses are not the host's to reach.
 */
export function reachOf(view: NetworkView, check: Probe['check'], facts: ReachFacts): Reach {
  const { mode, networks, published } = view;
  const { port } = check;
  if (mode.startsWith('container:')) return { kind: 'as', container: mode.slice('container:'.length) };
  if (mode === 'none') return { kind: 'never', why: 'it is on no network' };
  const near = facts.rootless
    ? []
    : networks.filter(({ name }) => !OUT_OF_REACH.has(facts.driverOf(name) ?? ''));
  if (mode === 'host' && !facts.rootless) return { kind: 'at', place: { host: LOOPBACK, port } };
  if (near.length > 0) {
    const address = near.find((network) => network.address !== undefined)?.address;
    return address === undefined ? { kind: 'later' } : { kind: 'at', place: { host: address, port } };
  }
  const open = published[`${port}/tcp`]?.[0];
  if (open !== undefined && check.kind === 'tcp') {
    return {
      kind: 'never',
      why: 'only its published port can be reached, and there the engine itself takes every connection (an http probe can tell)',
    };
  }
  if (open !== undefined) {
    if (open.port === undefined) return { kind: 'later' };
    return { kind: 'at', place: { host: hostOf(open.host), port: open.port } };
  }
  if (facts.rootless) {
    return {
      kind: 'never',
      why: `its engine is rootless, so only published ports can be reached, and it publishes no ${port}/tcp`,
    };
  }
  const names = networks.map(({ name }) => `${name} (${facts.driverOf(name) ?? 'no driver'})`);
  return { kind: 'never', why: `its host has no way into ${names.join(', ') || 'its networks'}` };
}

const LOOPBACK = '127.0.0.1';

/** A host can't reach what hangs on its own card beside it, nor what spans machines. */
const OUT_OF_REACH: ReadonlySet<string> = new Set(['macvlan', 'ipvlan', 'overlay', 'null']);

/** Where the host asks itself, for an address that means all of them. */
function hostOf(address: string): string {
  if (address === '' || address === '0.0.0.0') return LOOPBACK;
  return address === '::' ? '::1' : address;
}

/** Of one that is still to be created. */
export function viewOfRequest({ body, connect }: DerivedCreate): NetworkView {
  const hostConfig = object(body.HostConfig);
  const primary = primaryNetwork(text(hostConfig.NetworkMode));
  const endpoints = Object.keys(object(object(body.NetworkingConfig).EndpointsConfig));
  const names = new Set([...endpoints, primary, ...connect.map(({ network }) => network)]);
  return {
    mode: primary,
    networks: [...names].map((name) => ({ name })),
    published: portsOf(object(hostConfig.PortBindings)),
  };
}

/** Of one that is there. */
export function viewOfContainer(container: JsonObject): NetworkView {
  const settings = object(container.NetworkSettings);
  const networks = Object.entries(object(settings.Networks)).map(([name, network]) => {
    const { IPAddress, GlobalIPv6Address } = object(network);
    return { name, address: text(IPAddress) || text(GlobalIPv6Address) || undefined };
  });
  const hostConfig = object(container.HostConfig);
  const bound = portsOf(object(settings.Ports));
  return {
    mode: text(hostConfig.NetworkMode),
    networks,
    published: { ...portsOf(object(hostConfig.PortBindings)), ...bound },
  };
}

function portsOf(bindings: JsonObject): NetworkView['published'] {
  const ports = Object.entries(bindings).map(([name, bound]) => [
    name,
    list(bound).map((binding) => {
      const { HostIp, HostPort } = object(binding);
      const port = Number(text(HostPort));
      // One port or the first of a range, which the engine chooses from.
      return { host: text(HostIp), port: Number.isInteger(port) && port > 0 ? port : undefined };
    }),
  ]);
  return Object.fromEntries(ports);
}
