import type { MapFile } from '@towline/core/map';
import type { Command } from 'commander';
import { readMapFile } from '../fleet/index.ts';
import { agentAddress, type ProofPlace, proofPlace, proofProblems } from '../link/index.ts';
import { type Context, fail, mapFileOf, printJson, type Run } from './context.ts';
import { mapFileFailed } from './with-fleet.ts';

export function addMapCheck(map: Command, run: Run): void {
  map
    .command('check')
    .description('check the map file; every problem with its line and path')
    .action(() => run(mapCheck));
}

async function mapCheck(context: Context): Promise<number> {
  const path = mapFileOf(context);
  if (path === undefined) {
    return fail(context, {
      code: 'no-map-file',
      message: 'There is no map file to check. Name one with --file, or write one with `towline map init`.',
      exitCode: 1,
    });
  }
  const read = await readMapFile(path);
  if (!read.ok) return fail(context, mapFileFailed(path, read.error));
  const counts = countsOf(read.value.map);
  const warnings = await warningsOf(read.value.map, proofPlace(path, context.env));
  if (context.options.json) await printJson(context, { file: path, ok: true, ...counts, warnings });
  else {
    const said = Object.entries(counts).map(
      ([what, count]) => `${count} ${count === 1 ? what.slice(0, -1) : what}`,
    );
    await context.output.result(`${path} is fine: ${said.join(', ')}.`);
  }
  for (const warning of warnings) context.output.note(`towline: warning: ${warning}`);
  return 0;
}

/** What keeps an agent out of reach from here, as far as it is known without asking it: the file is good all the same. */
async function warningsOf({ agents }: MapFile, place: ProofPlace): Promise<string[]> {
  const all = agents.map(async (agent) => {
    const address = agentAddress(agent.url);
    if (!address.ok) return [`agents.${agent.name}: ${address.error.message}`];
    const problems = address.value.kind === 'ws' ? await proofProblems(agent, place) : [];
    return problems.map((problem) => `agents.${agent.name}: ${problem}`);
  });
  return (await Promise.all(all)).flat();
}

function countsOf({ agents, services }: MapFile) {
  const maps = services.flatMap((service) => service.maps);
  const servers = maps.flatMap((map) => map.servers);
  return {
    agents: agents.length,
    services: services.length,
    maps: maps.length,
    servers: servers.length,
    containers: servers.flatMap((server) => server.containers).length,
    builds: services.flatMap(({ builds }) => builds).length,
  };
}
