import { dependencyCycle } from './dependency-order.ts';
import { didYouMean } from './nearest.ts';
import { type Problem, shorten } from './problems-of.ts';
import type { SourcePath } from './source-path.ts';

/**
 * What names something in the file that is not there, and containers that are there twice. It looks at the file as it was
 * read, so that these are told together with what is wrong in its shape; what has a wrong shape is passed over.
 */
export function brokenReferences(file: unknown): Problem[] {
  const problems: Problem[] = [];
  const agents = new Set(entriesOf(file, 'agents').map(([name]) => name));
  const containers = new Map<string, string>();
  const checkName = (value: unknown, known: ReadonlySet<string>, what: string, path: SourcePath) => {
    if (typeof value !== 'string' || value === '' || known.has(value)) return;
    problems.push({
      path,
      about: 'value',
      message: `there is no ${what} "${shorten(value)}"${didYouMean(value, known)}`,
      expected:
        known.size === 0 ? `a name under ${what}s, which has none` : `one of ${[...known].join(', ')}`,
    });
  };

  for (const [service, serviceValue] of entriesOf(file, 'services')) {
    const at = ['services', service];
    const builds = new Set(entriesOf(serviceValue, 'builds').map(([name]) => name));
    for (const [build, value] of entriesOf(serviceValue, 'builds')) {
      checkName(field(value, 'agent'), agents, 'agent', [...at, 'builds', build, 'agent']);
    }
    for (const [map, mapValue] of entriesOf(serviceValue, 'maps')) {
      for (const [server, value] of entriesOf(mapValue, 'servers')) {
        const path = [...at, 'maps', map, 'servers', server];
        const agent = field(value, 'agent');
        checkName(agent, agents, 'agent', [...path, 'agent']);
        const list = field(value, 'containers');
        problems.push(...brokenDependencies(Array.isArray(list) ? list : [], path));
        for (const [index, container] of (Array.isArray(list) ? list : []).entries()) {
          const here = [...path, 'containers', index];
          checkName(field(container, 'build'), builds, 'build', [...here, 'build']);
          const name = field(container, 'name');
          if (typeof name !== 'string' || typeof agent !== 'string') continue;
          // An engine has one container of a name, so two tasks would replace each other's.
          const key = JSON.stringify([agent, name]);
          const other = containers.get(key);
          const where = `the server ${server} of ${service}/${map}`;
          if (other === undefined) containers.set(key, where);
          else {
            problems.push({
              path: [...here, 'name'],
              about: 'value',
              message: `the container "${shorten(name)}" is on the agent ${agent} twice`,
              expected: `another name; ${other} has it already`,
            });
          }
        }
      }
    }
  }
  return problems;
}

/** What `depends_on` names that is no other container of the server, and containers that wait for each other. */
function brokenDependencies(list: readonly unknown[], path: SourcePath): Problem[] {
  const names = list.map((container) => field(container, 'name')).filter((name) => typeof name === 'string');
  const needs = list.map((container) => {
    const given = field(container, 'depends_on');
    return Array.isArray(given) ? given : [];
  });
  const at = (index: number) => [...path, 'containers', index, 'depends_on'];
  const unknown = needs.flatMap((given, index): Problem[] =>
    [...given.entries()].flatMap(([place, need]): Problem[] => {
      if (typeof need !== 'string' || need === '' || names.includes(need)) return [];
      const others = names.filter((name) => name !== field(list[index], 'name'));
      return [
        {
          path: [...at(index), place],
          about: 'value',
          message: `this server has no container "${shorten(need)}"${didYouMean(need, others)}`,
          expected:
            others.length === 0 ? 'no depends_on: it has one container only' : `one of ${others.join(', ')}`,
        },
      ];
    }),
  );
  const cycle = dependencyCycle(
    list.flatMap((container, index) => {
      const name = field(container, 'name');
      if (typeof name !== 'string') return [];
      return [{ name, dependsOn: (needs[index] ?? []).filter((need) => typeof need === 'string') }];
    }),
  );
  if (cycle === undefined) return unknown;
  const [first = ''] = cycle;
  const index = list.findIndex((container) => field(container, 'name') === first);
  return [
    ...unknown,
    {
      path: at(index),
      about: 'value',
      message: `containers wait for each other: ${cycle.map(shorten).join(' → ')}`,
      expected: 'an order in which each comes after what it depends on',
    },
  ];
}

function field(value: unknown, key: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined;
}

function entriesOf(value: unknown, key: string): [string, unknown][] {
  const found = field(value, key);
  return typeof found === 'object' && found !== null && !Array.isArray(found) ? Object.entries(found) : [];
}
