import type { Command } from 'commander';
import { bytes } from '../components/quantity.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { whyAway } from './find-run.ts';
import { findBuild, type OpenBuilds, withBuilds } from './with-fleet.ts';

interface CleanOptions {
  source?: boolean;
  cache?: boolean;
}

export function addBuildClean(build: Command, run: Run): void {
  build
    .command('clean')
    .description('clear what a build keeps from run to run: its source, its caches, or both')
    .argument('<build>', 'its name in the map file')
    .option('--source', 'its source alone: it is cloned again')
    .option('--cache', 'its caches alone')
    .action((name: string, options: CleanOptions) =>
      run((context) => withBuilds(context, (open) => clean(context, open, name, options))),
    );
}

async function clean(
  context: Context,
  open: OpenBuilds,
  name: string,
  { source = false, cache = false }: CleanOptions,
): Promise<number> {
  const build = findBuild(open, name);
  if ('exitCode' in build) return fail(context, build);
  const away = whyAway(build);
  if (away !== undefined) return fail(context, away);
  const { agent } = build.definition;
  const both = source === cache;
  const what: ('source' | 'cache')[] = [];
  if (source || both) what.push('source');
  if (cache || both) what.push('cache');
  const cleaned = await open.fleet.cleanBuild(agent, { service: open.service.name, build: name, what });
  if (!cleaned.ok) return fail(context, callFailed(cleaned.error));
  const { freed } = cleaned.value;
  if (context.options.json) await printJson(context, { build: name, agent, cleared: what, freed });
  else
    await context.output.result(`${name}: ${what.join(' and ')} cleared on ${agent}, ${bytes(freed)} freed.`);
  return 0;
}
