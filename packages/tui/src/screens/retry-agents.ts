import type { Request } from './request.ts';
import type { World } from './world.ts';

/** Agents whose links are not there and wait: for their time, or for somebody who mends what is wrong. */
export function agentsAway({ fleet }: World): string[] {
  return Object.values(fleet.agents).flatMap(({ name, link }) =>
    link.state === 'lost' || link.state === 'incompatible' ? [name] : [],
  );
}

/** Why there is no agent to try again; undefined where there is one. */
export function whyNotRetry(world: World): string | undefined {
  return agentsAway(world).length > 0 ? undefined : 'Every agent is connected, or is being connected to.';
}

/** Tries all of them, and says so: what comes of it takes its time. */
export function retryRequests(world: World): readonly Request[] {
  const text = whyNotRetry(world) ?? `Trying ${agentsAway(world).join(', ')} again.`;
  const notice: Request = { type: 'notice', tone: 'plain', text };
  return whyNotRetry(world) === undefined ? [{ type: 'retry-agents' }, notice] : [notice];
}
