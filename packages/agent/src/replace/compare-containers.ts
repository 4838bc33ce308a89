import type { SettingChange } from '@towline/core/job';
import {
  type CreateBody,
  linkAsCreated,
  nameOfNetwork,
  OWN_LABELS,
  primaryNetwork,
} from './derive-create.ts';
import { type Json, type JsonObject, list, object, same, text, texts } from './json.ts';

export interface Compared {
  /** The old container's whole inspect, and that of its image. */
  old: JsonObject;
  oldImage: JsonObject;
  /** The new one's, created and not started; without one it is told what the request comes to. */
  next?: JsonObject;
  newImage: JsonObject;
  /** What the new one is created with. */
  body: CreateBody;
  /** Whether it gets its aliases later, as one does that starts first. */
  namesLater?: boolean;
}

/**
 * What is not the same in the new container as in the old one, by setting, sorted. What is a container's own (its ids,
 * its addresses, a generated hostname) is left out, and so is what the two spell differently and mean alike. Pure.
 */
export function compareContainers(given: Compared): SettingChange[] {
  const { old, oldImage, next, newImage, body, namesLater = false } = given;
  const place = text(old.Name).replace(/^\//, '');
  const before = settingsOf(old, place);
  const after = next === undefined ? settingsAsked(body, newImage) : settingsOf(next, place);
  const asked = hostSettings(object(body.HostConfig), {});
  const oldDefaults = configSettings(object(oldImage.Config));
  const newDefaults = configSettings(object(newImage.Config));
  const changes: SettingChange[] = [];
  for (const setting of [...new Set([...before.keys(), ...after.keys()])].toSorted()) {
    const from = before.get(setting);
    const to = after.get(setting);
    if (from === to) continue;
    if (namesLater && / alias /.test(setting)) continue;
    // Only what is created has mounts and networks of its own.
    if (next === undefined && /^(Mount|Network) /.test(setting)) continue;
    // One that is not asked for is the machine's or made up.
    if (next === undefined && setting === 'Hostname' && to === undefined) continue;
    // Said otherwise by rule: a name in the place of an id, a volume by the name that the engine gave it.
    if (to !== undefined && asked.get(setting) === to) continue;
    const byImage =
      (from === undefined || from === oldDefaults.get(setting)) &&
      (to === undefined || to === newDefaults.get(setting) || setting.startsWith('Mount '));
    changes.push({
      setting: cut(setting),
      ...(from !== undefined && { from: shown(setting, from, byImage) }),
      ...(to !== undefined && { to: shown(setting, to, byImage) }),
      by: byImage ? 'image' : 'engine',
    });
  }
  return changes;
}

/** A setting's name to its value, in words that are equal where the values are. */
type Settings = ReadonlyMap<string, string>;

function settingsOf(container: JsonObject, place: string): Settings {
  const config = object(container.Config);
  const hostConfig = object(container.HostConfig);
  const networks = object(object(container.NetworkSettings).Networks);
  const id = text(container.Id).slice(0, 12);
  const name = text(container.Name).replace(/^\//, '');
  const shared = text(hostConfig.NetworkMode).startsWith('container:');
  const hostname = text(config.Hostname);
  return new Map([
    ...configSettings(config),
    ...(hostname !== '' && hostname !== id && !shared ? [['Hostname', hostname] as const] : []),
    ...hostSettings(hostConfig, networks),
    ...mountSettings(container),
    // Podman shows those of the container whose network it shares.
    ...Object.entries(shared ? {} : networks).flatMap(([network, settings]) =>
      networkSettings(network, object(settings), [id, name, hostname, place]),
    ),
  ]);
}

/** The engine's nanoseconds, as people write them. */
function seconds(nanoseconds: Json | undefined): string {
  return typeof nanoseconds === 'number' ? `${nanoseconds / 1e9}s` : words(nanoseconds);
}

/** What a create request comes to on an image, as far as it can be told before: the engine's own merge of the two. */
function settingsAsked(body: CreateBody, image: JsonObject): Settings {
  const config = object(image.Config);
  const own = Object.entries(object(body.Healthcheck)).filter(([, value]) => !isNothing(value));
  const Healthcheck = { ...object(config.Healthcheck), ...Object.fromEntries(own) };
  // No container has its image's shell: that is for the image's own build.
  const settings = new Map(configSettings({ ...config, Shell: undefined, Healthcheck }));
  // An entrypoint of one's own makes the engine forget the image's command; one that is empty text is none.
  if (body.Entrypoint !== undefined) {
    settings.delete('Cmd');
    settings.delete('Entrypoint');
  }
  const Entrypoint = same(body.Entrypoint, ['']) ? undefined : body.Entrypoint;
  for (const [setting, value] of configSettings({ ...body, Entrypoint, Healthcheck: undefined })) {
    settings.set(setting, value);
  }
  if (text(body.Hostname) !== '') settings.set('Hostname', text(body.Hostname));
  for (const [setting, value] of hostSettings(object(body.HostConfig), {})) settings.set(setting, value);
  return settings;
}

/** Each of these is one setting. */
const WHOLE = [
  'Cmd',
  'Entrypoint',
  'Shell',
  'User',
  'WorkingDir',
  'StopSignal',
  'StopTimeout',
  'Domainname',
  'MacAddress',
  'Tty',
  'OpenStdin',
  'StdinOnce',
  'NetworkDisabled',
] as const;
/** Each entry of these is one. */
const BY_KEY = ['Labels', 'Volumes', 'ExposedPorts'] as const;

function configSettings(config: JsonObject): Settings {
  const settings = new Map<string, string>();
  for (const entry of texts(config.Env)) {
    const at = entry.indexOf('=');
    settings.set(`Env ${at < 0 ? entry : entry.slice(0, at)}`, at < 0 ? '' : entry.slice(at + 1));
  }
  for (const field of WHOLE) {
    if (!isNothing(config[field])) settings.set(field, words(config[field]));
  }
  // The engine fills in what is not said of it from the image, part by part; beside NONE the rest means nothing.
  const { Test, ...timing } = object(config.Healthcheck);
  if (!isNothing(Test)) settings.set('Healthcheck', words(Test));
  for (const [part, value] of Object.entries(texts(Test)[0] === 'NONE' ? {} : timing)) {
    if (!isNothing(value))
      settings.set(`Healthcheck ${part}`, part === 'Retries' ? words(value) : seconds(value));
  }
  for (const field of BY_KEY) {
    for (const [key, value] of Object.entries(object(config[field]))) {
      if (!key.startsWith(OWN_LABELS)) settings.set(`${field} ${key}`, words(value));
    }
  }
  return settings;
}

/** `Mounts` says what these came to. */
const MOUNTED: ReadonlySet<string> = new Set(['Binds', 'Mounts', 'VolumesFrom']);

function hostSettings(hostConfig: JsonObject, networks: JsonObject): Settings {
  const settings = new Map<string, string>();
  for (const [field, value] of Object.entries(hostConfig)) {
    if (MOUNTED.has(field) || isNothing(value)) continue;
    if (field === 'Links') {
      for (const link of texts(value)) {
        const [target = '', alias = ''] = linkAsCreated(link).split(':');
        settings.set(`Link ${alias}`, target);
      }
    } else if (field === 'NetworkMode') {
      settings.set(field, primaryNetwork(nameOfNetwork(text(value), networks)));
    } else {
      settings.set(field, words(value));
    }
  }
  return settings;
}

function mountSettings(container: JsonObject): [string, string][] {
  return list(container.Mounts)
    .map(object)
    .map((mount) => {
      const what = mount.Type === 'volume' ? text(mount.Name) : text(mount.Source);
      const access = mount.RW === false ? 'read-only' : 'read and write';
      return [
        `Mount ${text(mount.Destination)}`,
        `${text(mount.Type)} ${what}, ${access}`.replace('  ', ' '),
      ];
    });
}

function networkSettings(network: string, endpoint: JsonObject, own: readonly string[]): [string, string][] {
  const { IPv4Address, IPv6Address } = object(endpoint.IPAMConfig);
  return [
    [`Network ${network}`, 'connected'],
    ...[IPv4Address, IPv6Address]
      .map(text)
      .filter((address) => address !== '')
      .map((address): [string, string] => [`Network ${network} address ${address}`, 'fixed']),
    ...texts(endpoint.Aliases)
      .filter((alias) => !own.includes(alias))
      .map((alias): [string, string] => [`Network ${network} alias ${alias}`, 'known']),
  ];
}

/** The engine says false, 0, null, an empty value, and nothing at all alike. */
function isNothing(value: Json | undefined): boolean {
  if (value === undefined || value === null || value === '' || value === 0 || value === false) return true;
  if (Array.isArray(value)) return value.length === 0;
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function words(value: Json | undefined): string {
  return typeof value === 'string' ? value : JSON.stringify(value, sortedKeys);
}

function sortedKeys(_: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(Object.entries(value).toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

/** Less than an event takes: a label's key may be as long as somebody likes. */
const MAX_SHOWN = 200;

function cut(value: string): string {
  return value.length > MAX_SHOWN ? `${value.slice(0, MAX_SHOWN - 1)}…` : value;
}

/** What a person set may be a secret; what an image has is there for everybody to see. */
function shown(setting: string, value: string, byImage: boolean): string {
  return setting.startsWith('Env ') && !byImage ? '(not shown)' : cut(value);
}
