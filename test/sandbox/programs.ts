import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { run } from './command.ts';

/** Where the set-up of a test run put the bundles; its workers have it from there. */
const BUNDLES = 'TOWLINE_TEST_BUNDLES';

const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** The files that Node runs as `towline` and `towline-agent`. */
export interface ProgramFiles {
  towline: string;
  agent: string;
  /** Where Node keeps what it compiled of the bundles; the sources are compiled each time. */
  compileCache?: string;
}

/**
 * The bundles of this test run, as they are shipped, where its set-up made some; the sources where not. A start from
 * source takes two to three times as long, and the engine tests start hundreds.
 */
export function programFiles(): ProgramFiles {
  const bundles = process.env[BUNDLES];
  return bundles === undefined
    ? { towline: join(ROOT, 'packages/tui/src/main.ts'), agent: join(ROOT, 'packages/agent/src/main.ts') }
    : {
        towline: join(bundles, 'packages/tui/bin/towline.js'),
        agent: join(bundles, 'packages/agent/bin/towline-agent.js'),
        compileCache: join(bundles, 'compile-cache'),
      };
}

/** Bundles both programs from their sources as they are now, into this folder, for all that this process starts. */
export async function bundlePrograms(folder: string): Promise<void> {
  await run(process.execPath, [join(ROOT, 'scripts/build.mjs'), folder]);
  process.env[BUNDLES] = folder;
}
