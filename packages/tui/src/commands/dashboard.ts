import type { Command } from 'commander';
import { openFleet } from '../fleet/index.ts';
import { passphraseAsker } from './ask-passphrase.ts';
import { type Context, fail, inColour, mapFileOf, type Run } from './context.ts';
import { status } from './status.ts';
import { mapSource } from './with-fleet.ts';

/** What `towline` does when it is told nothing. */
export const DASHBOARD = 'dashboard';

export function addDashboard(program: Command, run: Run): void {
  program
    .command(DASHBOARD, { hidden: true })
    .description('draw the dashboard; without a terminal, `towline status`')
    .action(() => run(dashboard));
}

async function dashboard(context: Context): Promise<number> {
  const { options, output, stdin, env, version } = context;
  // Drawing takes both ends: keys come from one, and the screen goes to the other.
  if (options.json || !output.resultTty || stdin.isTTY !== true) return status(context);
  const source = await mapSource(context, mapFileOf(context));
  if ('exitCode' in source) return fail(context, source);
  const fleet = openFleet({
    source,
    readOnly: options.readOnly === true,
    env,
    version,
    askPassphrase: passphraseAsker(context, 'in-store' as const),
  });
  try {
    // The screens cost more to load than all of the commands together.
    const { openDashboard } = await import('../screens/index.ts');
    const { service, map } = options;
    return await openDashboard({
      fleet,
      noColor: !inColour(context),
      ...(service !== undefined && { service }),
      ...(map !== undefined && { map }),
    });
  } finally {
    await fleet.close();
  }
}
