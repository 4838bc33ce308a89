import { viewerOf } from '@towline/core/plan';
import { readOnlyRefusal, viewerRefusal } from '@towline/core/rules';
import type { World } from './world.ts';

/**
 * Why nothing can be changed on an agent, in a sentence; undefined where something can. `to` is what was wanted, as in `to
 * execute`.
 */
export function whyReadOnly(world: World, agent: string, to: string): string | undefined {
  if (world.readOnly) return readOnlyRefusal(to).message;
  const viewer = viewerOf(world.fleet.agents[agent]);
  return viewer === undefined ? undefined : viewerRefusal(agent, viewer).message;
}

/** Why what is chosen for a server of the map could not be executed by this end, whatever it is. */
export function whyNotChoose(server: string, world: World): string | undefined {
  const agent = world.pipeline?.servers.find(({ name }) => name === server)?.agent;
  return agent === undefined ? undefined : whyReadOnly(world, agent, 'execute');
}

/** What the keys do in a list of versions to choose from, or why Enter does nothing there: for both there is no room. */
export function chooseText(server: string, world: World): string {
  if (whyNotChoose(server, world) === undefined) return 'Enter chooses, / filters, Esc closes';
  return world.readOnly ? 'read-only: none can be chosen' : 'none can be chosen by a viewer';
}

/** What is said of it in the title, where it is so: of all agents, or of how many. */
export function viewerMark({ fleet }: World): string | undefined {
  const all = Object.values(fleet.agents);
  const viewed = all.filter((agent) => viewerOf(agent) !== undefined);
  const [first] = viewed;
  if (first === undefined) return undefined;
  if (viewed.length === all.length) return 'viewer';
  return viewed.length === 1 ? `viewer on ${first.name}` : `viewer on ${viewed.length} agents`;
}
