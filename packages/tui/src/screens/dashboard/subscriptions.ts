import { subscribed } from '../build-log/index.ts';
import type { World } from '../world.ts';
import type { Subscription } from './message.ts';
import type { Model } from './model.ts';

/** The streams that what is open needs. Leaving a screen ends the watching, never the job or the run. */
export function subscriptionsOf(model: Model, world: World): Subscription[] {
  return model.over.flatMap((over): Subscription[] => {
    if (over.type === 'job') return [{ type: 'job', agent: over.state.agent, id: over.state.id }];
    if (over.type === 'logs') {
      const { agent, container, attempt, tail } = over.state;
      // What is opened while its agent connects begins when that is there.
      const waits = world.fleet.agents[agent]?.link.state === 'connecting';
      return waits ? [] : [{ type: 'logs', agent, container, attempt, tail }];
    }
    if (over.type === 'build-log') {
      const { run, log, search } = subscribed(over.state, world);
      return [
        { type: 'build-run', ...run },
        ...(log === undefined ? [] : [{ type: 'build-log' as const, ...log }]),
        ...(search === undefined ? [] : [{ type: 'seek' as const, ...search }]),
      ];
    }
    return [];
  });
}
