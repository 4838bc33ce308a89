import { mkdir, writeFile } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { formatMapFile, LOCAL } from '@towline/core/map';
import type { Command } from 'commander';
import { openFleet } from '../fleet/index.ts';
import { localAgent } from '../link/index.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { localEngineAway } from './with-fleet.ts';

interface MapInitOptions {
  force?: boolean;
}

export function addMapInit(map: Command, run: Run): void {
  map
    .command('init')
    .description("write a map file from what this machine's engine runs")
    .option('--force', 'overwrite the file that is there')
    .action((options: MapInitOptions) => run((context) => mapInit(context, options)));
}

async function mapInit(context: Context, { force = false }: MapInitOptions): Promise<number> {
  const { env, version, options, cwd } = context;
  const path = resolve(cwd, options.file ?? (env.TOWLINE_FILE || 'towline.yaml'));
  const local = localAgent({ env });
  if (!local.ok) return fail(context, { ...local.error, exitCode: 1 });
  const agent = local.value;
  const fleet = openFleet({ source: { kind: 'local', agent }, readOnly: true, env, version });
  try {
    await fleet.settled();
    const away = localEngineAway(fleet);
    if (away !== undefined) return fail(context, away);
    const [service] = fleet.store.getState().services;
    const servers = service?.maps.flatMap((map) => map.servers) ?? [];
    if (service === undefined || servers.length === 0) {
      return fail(context, {
        code: 'nothing-to-write',
        message: "This machine's engine has no containers yet: there is nothing to write down.",
        exitCode: 1,
      });
    }
    const text = formatMapFile(service, [{ name: LOCAL, url: agent.url }]);
    const problem = await write(path, text, force);
    if (problem !== undefined)
      return fail(context, { code: 'map-file-not-written', message: problem, exitCode: 1 });
    const containers = servers.reduce((sum, server) => sum + server.containers.length, 0);
    if (options.json) await printJson(context, { file: path, servers: servers.length, containers });
    else {
      await context.output.result(`Wrote ${path}: ${containers} containers on ${servers.length} servers.`);
    }
    return 0;
  } finally {
    await fleet.close();
  }
}

/** Why it could not, for people; undefined where it could. */
async function write(path: string, text: string, force: boolean): Promise<string | undefined> {
  try {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text, { flag: force ? 'w' : 'wx' });
    return undefined;
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
      return `${path} is there already. Say --force to overwrite it, or name another with --file.`;
    }
    return `${path} can't be written: ${error instanceof Error ? error.message : String(error)}.`;
  }
}
