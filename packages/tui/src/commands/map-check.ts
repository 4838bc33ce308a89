import type { MapFile } from '@towline/core/map';
import type { Command } from 'commander';
import { readMapFile } from '../fleet/index.ts';
import { agentAddress } from '../link/index.ts';
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
  const warnings = warningsOf(read.value.map);
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

/** What the file may say and this version can't do yet: the file is good all the same. */
function warningsOf({ agents }: MapFile): string[] {
  return agents.flatMap(({ name, url }) => {
    const address = agentAddress(url);
    return address.ok ? [] : [`agents.${name}: ${address.error.message}`];
  });
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
