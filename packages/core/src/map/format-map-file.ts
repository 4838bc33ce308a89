import { Document } from 'yaml';
import { parseReference } from '../image/index.ts';
import { agentNode } from './agent-definition.ts';
import { buildNode } from './build-node.ts';
import type { AgentDefinition, ContainerDefinition, ServiceDefinition } from './map-file.ts';
import { probeNode } from './probe.ts';

const HEADER = ` The application map file of Towline: which containers are deployed together, on which machine.
 Check it with: towline map check
`;

/**
 * A service and its agents as a map file, for `towline map init`. What it returns parses again to the same definitions.
 * A container whose image has no name can't be deployed by tag: it is left out, and a comment says so. So is a server of
 * which nothing is left.
 */
export function formatMapFile(service: ServiceDefinition, agents: readonly AgentDefinition[]): string {
  const nameless: string[] = [];
  const maps = service.maps.map((map) => [
    map.name,
    {
      servers: Object.fromEntries(
        map.servers.flatMap((server) => {
          const containers = server.containers.filter((container) => {
            const named = hasImageName(container);
            if (!named) nameless.push(`${server.name}/${container.name}`);
            return named;
          });
          if (containers.length === 0) return [];
          return [[server.name, { agent: server.agent, containers: containers.map(containerNode) }]];
        }),
      ),
    },
  ]);
  const document = new Document(
    {
      agents: Object.fromEntries(agents.map((agent) => [agent.name, agentNode(agent)])),
      services: {
        [service.name]: {
          ...(service.builds.length > 0 && {
            builds: Object.fromEntries(service.builds.map((build) => [build.name, buildNode(build)])),
          }),
          maps: Object.fromEntries(maps),
        },
      },
    },
    // Equal parts are written out where they are, not as aliases of each other.
    { aliasDuplicateObjects: false },
  );
  const left = nameless.map((name) => ` Left out, because its image has no name: ${name}\n`).join('');
  document.commentBefore = `${HEADER}${left}`.trimEnd();
  return document.toString({ lineWidth: 0 });
}

function hasImageName(container: ContainerDefinition): boolean {
  return container.kind === 'built' || parseReference(container.image).ok;
}

function containerNode(container: ContainerDefinition): object {
  const { name, run, probe, settle, update, dependsOn } = container;
  return {
    name,
    ...(container.kind === 'built' ? { build: container.build } : { image: container.image }),
    ...(run !== undefined && { run }),
    ...(probe !== undefined && { probe: probeNode(probe) }),
    ...(settle !== undefined && { settle }),
    ...(update !== undefined && { update }),
    ...(dependsOn !== undefined && { depends_on: dependsOn }),
  };
}
