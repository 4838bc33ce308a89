import type { MapDefinition, ServiceDefinition } from '@towline/core/map';
import { err, ok, type Result } from '@towline/core/result';

export interface PickedMap {
  service: ServiceDefinition;
  map: MapDefinition;
}

/** The service that `--service` names; not needed where there is only one. Errors: `usage`. */
export function pickService(
  services: readonly ServiceDefinition[],
  wanted: string | undefined,
): Result<ServiceDefinition> {
  return pick(services, wanted, 'service', 'The map');
}

/** The map that `--service` and `--map` name; neither is needed where there is only one. Errors: `usage`. */
export function pickMap(
  services: readonly ServiceDefinition[],
  wanted: { service?: string | undefined; map?: string | undefined },
): Result<PickedMap> {
  const service = pickService(services, wanted.service);
  if (!service.ok) return service;
  const map = pick(service.value.maps, wanted.map, 'map', `The service ${service.value.name}`);
  return map.ok ? ok({ service: service.value, map: map.value }) : map;
}

function pick<T extends { name: string }>(
  from: readonly T[],
  wanted: string | undefined,
  what: 'service' | 'map',
  owner: string,
): Result<T> {
  const names = from.map(({ name }) => name).join(', ');
  if (from.length === 0) return err({ code: 'usage', message: `${owner} has no ${what}.` });
  if (wanted === undefined) {
    const [only, second] = from;
    if (only !== undefined && second === undefined) return ok(only);
    return err({
      code: 'usage',
      message: `${owner} has several ${what}s: choose with --${what} one of ${names}.`,
    });
  }
  const found = from.find(({ name }) => name === wanted);
  if (found !== undefined) return ok(found);
  return err({ code: 'usage', message: `${owner} has no ${what} ${wanted}. It has ${names}.` });
}
