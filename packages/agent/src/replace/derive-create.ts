import type { Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import { type Json, type JsonObject, list, object, same, text, texts } from './json.ts';

/** A body for `POST /containers/create`, as the engine's API has it. */
export type CreateBody = JsonObject;

/** A network to connect after the create and before the start (API below 1.44 takes one at create only). */
export interface LaterConnection {
  network: string;
  endpoint: JsonObject;
}

export interface DerivedCreate {
  body: CreateBody;
  connect: readonly LaterConnection[];
}

export interface DeriveInput {
  /** The old container's whole inspect. */
  container: JsonObject;
  /** The inspect of the image that it was made of, looked up by its ID. */
  oldImage: JsonObject;
  /** The new image's reference or ID. */
  image: string;
  /** Labels to add, ours. */
  labels: Readonly<Record<string, string>>;
  /** The engine's API version, such as `1.41`. */
  apiVersion: string;
  /** The name, without a slash, of the container with this id or name; undefined where there is none. */
  nameOf: (idOrName: string) => string | undefined;
  /** Whether one that the engine deletes when it stops may be exchanged. */
  allowAutoRemove?: boolean | undefined;
  /** The mounts, as its inspect has them, of the container with this id or name. */
  mountsOf: (idOrName: string) => readonly JsonObject[];
}

/** Labels under this prefix are the agent's own: never carried over from the old container. */
export const OWN_LABELS = 'io.towline.';

/**
 * What the new container is to be created with: what a person chose for the old one (its configuration less that of
 * its own image) on top of the new image's defaults. Pure. The rules are the table "From inspect to create" of the
 * design; each guards against a loss that somebody reported.
 *
 * Errors: `auto-remove` (stopping the old one would delete it), `dead-reference` (it shares a namespace with a
 * container that is gone).
 */
export function deriveCreate(input: DeriveInput): Result<DerivedCreate, Refusal> {
  const { container, nameOf } = input;
  const name = text(container.Name).replace(/^\//, '');
  const id = text(container.Id);
  const config = object(container.Config);
  const imageConfig = object(input.oldImage.Config);
  const hostConfig = { ...object(container.HostConfig) };

  if (hostConfig.AutoRemove === true && input.allowAutoRemove !== true) {
    return refuse(
      'auto-remove',
      name,
      `${name} was created with --rm: stopping it deletes it, with all that it wrote outside of volumes, and it could only be restored by creating it again. Create it without --rm, or allow it: the commands \`execute\`, \`rollback\` and \`batch\` take \`--allow-auto-remove\`.`,
    );
  }

  for (const field of ['NetworkMode', 'IpcMode', 'PidMode'] as const) {
    const shared = sharedContainer(text(hostConfig[field]));
    if (shared === undefined) continue;
    const target = nameOf(shared);
    if (target === undefined) return deadReference(name, field, shared);
    hostConfig[field] = `container:${target}`;
  }
  const volumesFrom = texts(hostConfig.VolumesFrom);
  if (volumesFrom.length > 0) {
    const named: string[] = [];
    for (const entry of volumesFrom) {
      const [shared = '', ...mode] = entry.split(':');
      const target = nameOf(shared);
      if (target === undefined) return deadReference(name, 'VolumesFrom', shared);
      named.push([target, ...mode].join(':'));
    }
    hostConfig.VolumesFrom = named;
  }

  const networks = object(object(container.NetworkSettings).Networks);
  const networkMode = nameOfNetwork(text(hostConfig.NetworkMode), networks);
  if (networkMode !== '') hostConfig.NetworkMode = networkMode;
  const sharesNetwork = networkMode.startsWith('container:');
  const ownHostname = !(networkMode === 'host' || hostConfig.UTSMode === 'host' || sharesNetwork);

  const body: JsonObject = { Image: input.image };
  const env = subtractList(config.Env, imageConfig.Env);
  if (env.length > 0) body.Env = env;
  Object.assign(body, subtractCommand(config, imageConfig));
  body.Labels = {
    ...withoutOwn(subtractMap(object(config.Labels), object(imageConfig.Labels))),
    ...input.labels,
  };
  for (const field of ['Healthcheck', 'User', 'WorkingDir', 'StopSignal', 'Shell'] as const) {
    if (!isEmpty(config[field]) && !same(config[field], imageConfig[field])) body[field] = config[field];
  }
  // Beside NONE the engine shows the image's interval and retries: nobody chose those.
  if (texts(object(config.Healthcheck).Test)[0] === 'NONE') body.Healthcheck = { Test: ['NONE'] };
  // The engine merges these two with the image's, entry by entry, so they are taken apart by entry.
  const volumes = subtractMap(object(config.Volumes), object(imageConfig.Volumes));
  if (Object.keys(volumes).length > 0) body.Volumes = volumes;
  if (!sharesNetwork) {
    const exposed = {
      ...subtractMap(object(config.ExposedPorts), object(imageConfig.ExposedPorts)),
      ...Object.fromEntries(Object.keys(object(hostConfig.PortBindings)).map((port) => [port, {}])),
    };
    if (Object.keys(exposed).length > 0) body.ExposedPorts = exposed;
  }
  for (const field of ['StopTimeout', 'Tty', 'OpenStdin', 'StdinOnce'] as const) {
    if (config[field] !== undefined && config[field] !== null) body[field] = config[field];
  }
  // A generated hostname is the short ID of the old container; the new one gets its own.
  if (ownHostname && !isEmpty(config.Hostname) && config.Hostname !== id.slice(0, 12)) {
    body.Hostname = config.Hostname;
  }
  if (ownHostname && !isEmpty(config.Domainname)) body.Domainname = config.Domainname;
  if (config.NetworkDisabled === true) body.NetworkDisabled = true;

  const links = texts(hostConfig.Links);
  if (links.length > 0) hostConfig.Links = links.map(linkAsCreated);
  const mounts = list(hostConfig.Mounts);
  if (mounts.length > 0) hostConfig.Mounts = mounts.map((mount) => withItsVolume(object(mount), container));
  const borrowed = volumesFrom.flatMap((entry) => input.mountsOf(entry.split(':')[0] ?? ''));
  const binds = [...texts(hostConfig.Binds), ...anonymousVolumes(container, hostConfig, borrowed)];
  if (binds.length > 0) hostConfig.Binds = binds;
  if (sharesNetwork) {
    for (const field of NETWORK_FIELDS) delete hostConfig[field];
  }
  body.HostConfig = hostConfig;

  if (sharesNetwork || networkMode === 'host' || networkMode === 'none') {
    return { ok: true, value: { body, connect: [] } };
  }
  const asked = primaryNetwork(networkMode);
  // One that was taken off the network that it was created on, and Podman's, which says bridge of them all.
  const primary = Object.hasOwn(networks, asked) ? asked : (Object.keys(networks)[0] ?? asked);
  if (primary !== asked) hostConfig.NetworkMode = primary;
  const endpoints = Object.entries(networks).map(([network, settings]): [string, JsonObject] => [
    network,
    withOwnName(network, name, endpointAsCreated(object(settings), id.slice(0, 12))),
  ]);
  const atOnce = apiAtLeast(input.apiVersion, 1, 44);
  const mac = text(config.MacAddress);
  if (mac !== '') {
    const endpoint = endpoints.find(([network]) => network === primary)?.[1];
    if (atOnce && endpoint !== undefined) endpoint.MacAddress = mac;
    else body.MacAddress = mac;
  }
  const first = atOnce ? endpoints : endpoints.filter(([network]) => network === primary);
  const connect = atOnce
    ? []
    : endpoints
        .filter(([network]) => network !== primary)
        .map(([network, endpoint]) => ({ network, endpoint }));
  if (first.length > 0) body.NetworkingConfig = { EndpointsConfig: Object.fromEntries(first) };
  return { ok: true, value: { body, connect } };
}

/** What the engine refuses, or what means nothing, beside another container's network. */
const NETWORK_FIELDS = [
  'PortBindings',
  'PublishAllPorts',
  'Dns',
  'DnsOptions',
  'DnsSearch',
  'ExtraHosts',
  'Links',
] as const;

/** A saved endpoint as a create or a connect takes it: what was chosen, never what the engine gave. */
export function endpointAsCreated(settings: JsonObject, shortId: string): JsonObject {
  const endpoint: JsonObject = {};
  if (!isEmpty(settings.IPAMConfig)) endpoint.IPAMConfig = settings.IPAMConfig;
  const aliases = texts(settings.Aliases).filter((alias) => alias !== shortId);
  if (aliases.length > 0) endpoint.Aliases = aliases;
  if (!isEmpty(settings.Links)) endpoint.Links = texts(settings.Links).map(linkAsCreated);
  if (!isEmpty(settings.DriverOpts)) endpoint.DriverOpts = settings.DriverOpts;
  if (typeof settings.GwPriority === 'number' && settings.GwPriority !== 0) {
    endpoint.GwPriority = settings.GwPriority;
  }
  return endpoint;
}

/**
 * Others on a network of one's own making find a container by its name. The new one gets its name only behind the gate;
 * until then the alias stands for it, or the service would be away by name for as long as the gate takes.
 */
function withOwnName(network: string, name: string, endpoint: JsonObject): JsonObject {
  if (BUILT_IN_NETWORKS.has(network)) return endpoint;
  return { ...endpoint, Aliases: [...new Set([...texts(endpoint.Aliases), name])] };
}

/** On these the engine takes no aliases. */
const BUILT_IN_NETWORKS = new Set(['bridge', 'host', 'none', 'default', 'podman']);

/** Whether an API version such as `1.41` is at least `major.minor`. */
function apiAtLeast(version: string, major: number, minor: number): boolean {
  const [theirMajor = 0, theirMinor = 0] = version.split('.').map(Number);
  return theirMajor > major || (theirMajor === major && theirMinor >= minor);
}

/**
 * Entrypoint goes if it is the image's; Cmd only together with it, because an explicit Entrypoint makes the engine
 * forget the image's Cmd. An empty Entrypoint over an image that has one was chosen (`--entrypoint ""`), and is said to
 * the engine as one empty word.
 */
function subtractCommand(config: JsonObject, image: JsonObject): JsonObject {
  const command: JsonObject = {};
  const dropEntrypoint = same(texts(config.Entrypoint), texts(image.Entrypoint));
  if (!dropEntrypoint) {
    command.Entrypoint = isEmpty(config.Entrypoint) ? [''] : config.Entrypoint;
  }
  if (!isEmpty(config.Cmd) && !(dropEntrypoint && same(texts(config.Cmd), texts(image.Cmd)))) {
    command.Cmd = config.Cmd;
  }
  return command;
}

/**
 * Volumes that the engine made because the image or a `-v /path` asked for one: nothing but the running container
 * knows their names, and a new container would get empty ones.
 */
function anonymousVolumes(
  container: JsonObject,
  hostConfig: JsonObject,
  borrowed: readonly JsonObject[],
): string[] {
  const named = new Set([
    ...texts(hostConfig.Binds).map((bind) => bind.split(':')[1] ?? bind),
    ...list(hostConfig.Mounts).map((mount) => text(object(mount).Target)),
    ...Object.keys(object(hostConfig.Tmpfs)),
  ]);
  const isBorrowed = ({ Name, Destination }: JsonObject) =>
    borrowed.some((mount) => mount.Name === Name && mount.Destination === Destination);
  return list(container.Mounts)
    .map(object)
    .filter((mount) => mount.Type === 'volume' && !named.has(text(mount.Destination)) && !isBorrowed(mount))
    .map((mount) => {
      const mode = text(mount.Mode) !== '' ? text(mount.Mode) : mount.RW === false ? 'ro' : 'rw';
      return `${text(mount.Name)}:${text(mount.Destination)}:${mode}`;
    });
}

/** A `--mount type=volume` without a source got a volume of the engine's making: it is named, or it would be lost. */
function withItsVolume(mount: JsonObject, container: JsonObject): JsonObject {
  if (mount.Type !== 'volume' || text(mount.Source) !== '') return mount;
  const made = list(container.Mounts)
    .map(object)
    .find(({ Type, Destination }) => Type === 'volume' && Destination === mount.Target);
  return made === undefined ? mount : { ...mount, Source: text(made.Name) };
}

function subtractList(from: Json | undefined, what: Json | undefined): string[] {
  const gone = new Set(texts(what));
  return texts(from).filter((entry) => !gone.has(entry));
}

function subtractMap(from: JsonObject, what: JsonObject): JsonObject {
  return Object.fromEntries(
    Object.entries(from).filter(([key, value]) => !(Object.hasOwn(what, key) && same(value, what[key]))),
  );
}

function withoutOwn(labels: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(labels).filter(([key]) => !key.startsWith(OWN_LABELS)));
}

/** `/db:/web/alias`, as inspect has a link, is `db:alias` for a create. */
export function linkAsCreated(link: string): string {
  const [target = '', alias = ''] = link.split(':');
  return `${target.replace(/^\//, '')}:${alias.split('/').at(-1) ?? ''}`;
}

function sharedContainer(mode: string): string | undefined {
  return mode.startsWith('container:') ? mode.slice('container:'.length) : undefined;
}

/** The network that a NetworkMode which is one names; without a word it is the engine's own. */
export function primaryNetwork(mode: string): string {
  return mode === '' || mode === 'default' ? 'bridge' : mode;
}

/** NetworkMode may hold a network's id; the endpoints are keyed by name. */
export function nameOfNetwork(mode: string, networks: JsonObject): string {
  if (Object.hasOwn(networks, mode)) return mode;
  const byId = Object.entries(networks).find(
    ([, settings]) => mode !== '' && text(object(settings).NetworkID) === mode,
  );
  return byId?.[0] ?? mode;
}

function isEmpty(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '') return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function deadReference(name: string, field: string, shared: string): Result<never, Refusal> {
  return refuse(
    'dead-reference',
    name,
    `${name} shares ${field} with the container ${shared.slice(0, 12)}, which is gone. Recreate ${name} by hand with one that exists.`,
  );
}

function refuse(code: Refusal['code'], container: string, message: string): Result<never, Refusal> {
  return { ok: false, error: { code, message, container } };
}
