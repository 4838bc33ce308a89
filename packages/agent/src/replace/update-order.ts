import type { UpdateOrder } from '@towline/core/job';
import { err, ok, type Result } from '@towline/core/result';
import type { Refusal } from '@towline/core/rules';
import type { DerivedCreate } from './derive-create.ts';
import { type JsonObject, list, object, text, texts } from './json.ts';

/**
 * The order for one container: the map's, `stop-first` unless it says otherwise, and always for an old one that does not
 * run, for then there is nothing that serves meanwhile. `old` is its whole inspect, `derived` what the new one is created
 * with. Errors: `start-first-forbidden`, naming all that the two would take from each other.
 */
export function updateOrder(
  asked: UpdateOrder | undefined,
  old: JsonObject,
  derived: DerivedCreate,
): Result<UpdateOrder, Refusal> {
  if (asked !== 'start-first' || object(old.State).Running !== true) return ok('stop-first');
  const reasons = whatForbids(derived);
  if (reasons.length === 0) return ok('start-first');
  const container = text(old.Name).replace(/^\//, '');
  return err({
    code: 'start-first-forbidden',
    message: `${container} can't be updated start-first: ${reasons.join(', and ')}. Change that, or write \`update: stop-first\` in the map file.`,
    container,
  });
}

/** What only one of two containers can have at a time, as parts of a sentence. */
function whatForbids({ body, connect }: DerivedCreate): string[] {
  const hostConfig = object(body.HostConfig);
  const mode = text(hostConfig.NetworkMode);
  const endpoints = [
    ...Object.entries(object(object(body.NetworkingConfig).EndpointsConfig)),
    ...connect.map(({ network, endpoint }) => [network, endpoint] as const),
  ];
  const reasons: string[] = [];
  if (mode === 'host') reasons.push('it is on the host’s own network');
  if (mode.startsWith('container:')) {
    reasons.push(`it shares the network of ${mode.slice('container:'.length)}`);
  }
  // One that the engine chooses counts as well: who calls it would go to the old one until it ends.
  const ports = Object.keys(object(hostConfig.PortBindings));
  if (ports.length > 0) reasons.push(`it publishes ${ports.join(', ')} on the host`);
  else if (hostConfig.PublishAllPorts === true) reasons.push('it publishes all its ports on the host');
  for (const [network, endpoint] of endpoints) {
    const { IPAMConfig, MacAddress } = object(endpoint);
    const { IPv4Address, IPv6Address } = object(IPAMConfig);
    const address = text(IPv4Address) || text(IPv6Address);
    if (address !== '') reasons.push(`it has the static address ${address} on ${network}`);
    if (text(MacAddress) !== '') reasons.push(`it has the fixed MAC address ${text(MacAddress)}`);
  }
  if (text(body.MacAddress) !== '') reasons.push(`it has the fixed MAC address ${text(body.MacAddress)}`);
  const written = writtenMounts(hostConfig);
  if (written.length > 0) reasons.push(`both would write to ${written.join(', ')}`);
  return reasons;
}

/**
 * Where a container writes what outlives it: binds and volumes, anonymous ones included, that are not read-only. Nobody
 * but its image knows whether two may write at once, so none is taken to be harmless. A tmpfs is each one's own.
 */
function writtenMounts(hostConfig: JsonObject): string[] {
  const binds = texts(hostConfig.Binds)
    .map((bind) => bind.split(':'))
    .filter(([, , mode = '']) => !mode.split(',').includes('ro'))
    .map(([source = '', target = source]) => target);
  const mounts = list(hostConfig.Mounts)
    .map(object)
    .filter((mount) => mount.Type !== 'tmpfs' && mount.ReadOnly !== true)
    .map((mount) => text(mount.Target));
  const borrowed = texts(hostConfig.VolumesFrom)
    .map((entry) => entry.split(':'))
    .filter(([, mode = '']) => !mode.split(',').includes('ro'))
    .map(([from = '']) => `the volumes of ${from}`);
  return [...binds, ...mounts, ...borrowed];
}
