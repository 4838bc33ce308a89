import type { BuildDefinition } from '../build/index.ts';
import type { UpdateOrder } from '../job/index.ts';
import type { Probe } from '../protocol/index.ts';

/** The application map file, read and checked: what `parseMapFile` makes of `towline.yaml`. */
export interface MapFile {
  agents: readonly AgentDefinition[];
  services: readonly ServiceDefinition[];
}

export interface AgentDefinition {
  name: string;
  /** As written: `unix:///path`, `ssh://[user@]host[:port][/socket]`, `wss://host:port`, `ws://` on loopback. */
  url: string;
  /** Where its token is: over TCP it wants one. */
  token?: { file: string } | { env: string };
  /** The path of the certificates that may sign the agent's; those that the system trusts unless given. */
  ca?: string;
  /** `sha256:` and 64 digits: the agent's certificate is this one. */
  pin?: string;
  /** The certificate that this end shows, and its key; paths. */
  client?: { cert: string; key: string };
}

export interface ServiceDefinition {
  name: string;
  builds: readonly BuildDefinition[];
  maps: readonly MapDefinition[];
}

/** An application map: a named set of servers of a service. */
export interface MapDefinition {
  name: string;
  servers: readonly ServerDefinition[];
}

export interface ServerDefinition {
  name: string;
  agent: string;
  containers: readonly ContainerDefinition[];
}

interface ContainerBase {
  name: string;
  /** The image's name without tag or digest; for a built image the name that its build gives it. */
  image: string;
  /** How to create it where it does not exist: keys of the Compose Specification (`runDefinitionSchema`). */
  run?: Readonly<Record<string, unknown>>;
  /** How the agent asks it whether it serves, where it has no healthcheck. */
  probe?: Probe;
  /** Seconds without an exit or restart that count as healthy where there is neither healthcheck nor probe. */
  settle?: number;
  /** Which of the old and the new one ends or begins first; the old one ends first unless it is said. */
  update?: UpdateOrder;
  /** The containers of its server that are exchanged before it. */
  dependsOn?: readonly string[];
}

export type ContainerDefinition =
  | (ContainerBase & { kind: 'common' })
  | (ContainerBase & { kind: 'built'; build: string });

/** What is wrong in a map file, and where. */
export interface MapProblem {
  /** From 1. */
  line: number;
  /** From 1. */
  column: number;
  /** Such as `services.shop.maps.demo.servers.web.containers[0].image`; empty for the file as a whole. */
  path: string;
  /** What is wrong, in a sentence. */
  message: string;
  /** What should stand there. */
  expected: string;
}
