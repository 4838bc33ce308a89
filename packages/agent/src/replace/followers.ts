import { dependencyCycle, inDependencyOrder } from '@towline/core/map';
import type { Tie } from './ties.ts';

/** A container and what it hangs on, by id. */
export interface TiedContainer {
  id: string;
  name: string;
  ties: readonly Tie[];
}

/**
 * Everything that hangs on one of the containers `exchanged` (ids), directly or over others, each after what it hangs on
 * itself; less those that are exchanged anyway. What hangs on a container that is created again has to be as well.
 */
export function followersOf(
  all: readonly TiedContainer[],
  exchanged: readonly string[],
): readonly TiedContainer[] {
  const gone = new Set(exchanged);
  const found = new Set<TiedContainer>();
  for (let before = -1; before < found.size; ) {
    before = found.size;
    for (const container of all) {
      if (gone.has(container.id) || !container.ties.some(({ to }) => gone.has(to))) continue;
      gone.add(container.id);
      found.add(container);
    }
  }
  const needs = [...found].map((container) => ({
    container,
    name: container.id,
    dependsOn: container.ties.map(({ to }) => to),
  }));
  return inDependencyOrder(needs).map(({ container }) => container);
}

/** One of the containers that an update exchanges, in the order of the map. */
export interface OrderedUnit {
  container: string;
  /** What it hangs on, by name. */
  ties: readonly Tie[];
  /** The containers that the map says come before it. */
  after: readonly string[];
}

/**
 * The order in which all of an update's containers are exchanged: those that were chosen as they are given, each of the
 * others right behind what it hangs on, so that it is away no longer than it must. Where the map's order and what hangs
 * on what contradict each other, the engine takes only one of the two.
 */
export function exchangeOrder<T extends OrderedUnit>(chosen: readonly T[], followers: readonly T[]): T[] {
  const listed = [...chosen];
  for (const follower of followers) {
    const last = Math.max(
      ...follower.ties.map(({ to }) => listed.findIndex(({ container }) => container === to)),
    );
    listed.splice(last + 1, 0, follower);
  }
  const needing = (more: (unit: T) => readonly string[]) =>
    listed.map((unit) => ({
      unit,
      name: unit.container,
      dependsOn: [...unit.ties.map(({ to }) => to), ...more(unit)],
    }));
  const all = needing(({ after }) => after);
  const ordered = dependencyCycle(all) === undefined ? all : needing(() => []);
  return inDependencyOrder(ordered).map(({ unit }) => unit);
}
