/** What other containers of its server a container needs. */
export interface Dependent {
  name: string;
  dependsOn?: readonly string[] | undefined;
}

/**
 * Containers in the order in which they are exchanged: each after what it depends on, else as they are given. A name that
 * is none of them counts for nothing. Those that wait for each other in a circle come last, as they are given: the map
 * file has none, because `dependencyCycle` is a problem there.
 */
export function inDependencyOrder<T extends Dependent>(containers: readonly T[]): T[] {
  if (!containers.some(({ dependsOn = [] }) => dependsOn.length > 0)) return [...containers];
  const left = new Set(containers);
  const names = new Set(containers.map(({ name }) => name));
  const ordered: T[] = [];
  while (left.size > 0) {
    const next = [...left].find(({ dependsOn = [] }) => !dependsOn.some((name) => names.has(name)));
    if (next === undefined) return [...ordered, ...left];
    left.delete(next);
    names.delete(next.name);
    ordered.push(next);
  }
  return ordered;
}

/** What a container needs, directly or over others; without itself. */
export function allNeeds(containers: readonly Dependent[], name: string): string[] {
  const needs = new Map(containers.map(({ name, dependsOn = [] }) => [name, dependsOn]));
  const found = new Set<string>();
  const visit = (from: string) => {
    for (const need of needs.get(from) ?? []) {
      if (found.has(need)) continue;
      found.add(need);
      visit(need);
    }
  };
  visit(name);
  found.delete(name);
  return [...found];
}

/**
 * The names of containers that wait for each other, the first again at the end (`a`, `b`, `a`); undefined where there are
 * none.
 */
export function dependencyCycle(containers: readonly Dependent[]): string[] | undefined {
  const needs = new Map(containers.map(({ name, dependsOn = [] }) => [name, dependsOn]));
  const cleared = new Set<string>();
  const visit = (name: string, path: readonly string[]): string[] | undefined => {
    const at = path.indexOf(name);
    if (at >= 0) return [...path.slice(at), name];
    if (cleared.has(name)) return undefined;
    for (const need of needs.get(name) ?? []) {
      const cycle = visit(need, [...path, name]);
      if (cycle !== undefined) return cycle;
    }
    cleared.add(name);
    return undefined;
  };
  for (const { name } of containers) {
    const cycle = visit(name, []);
    if (cycle !== undefined) return cycle;
  }
  return undefined;
}
