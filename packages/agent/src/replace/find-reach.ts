import type { Probe } from '@towline/core/protocol';
import type { Engine } from '../engine/index.ts';
import { jsonOf } from './json.ts';
import { type NetworkView, type Reach, reachOf, viewOfContainer } from './probe-reach.ts';

/** A chain of containers that share a network is as long as somebody made it; an engine allows no circle. */
const LONGEST_CHAIN = 10;

/** `reachOf`, with what it needs looked up. Rejects with `EngineError`. */
export async function findReach(
  engine: Engine,
  rootless: boolean,
  from: NetworkView,
  check: Probe['check'],
): Promise<Exclude<Reach, { kind: 'as' }>> {
  let view = from;
  for (let at = 0; at < LONGEST_CHAIN; at++) {
    const { networks } = view;
    const drivers = new Map(
      await Promise.all(networks.map(async ({ name }) => [name, await engine.networkDriver(name)] as const)),
    );
    const reach = reachOf(view, check, { rootless, driverOf: (name) => drivers.get(name) });
    if (reach.kind !== 'as') return reach;
    const found = await engine.inspectContainer(reach.container);
    // One that this very update creates before it.
    if (found === undefined) return { kind: 'later' };
    view = viewOfContainer(jsonOf(found));
  }
  return { kind: 'never', why: 'whose network it shares can’t be found out' };
}
