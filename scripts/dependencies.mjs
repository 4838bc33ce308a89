import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT, runProgram, Stopped, say } from './program.mjs';

const PNPM = 'pnpm@10.34.9';
const STAMP = join(ROOT, 'node_modules', '.towline-setup');
/** What the installation is made of: where one of these changes, it is made again. */
const SOURCES = [
  'pnpm-lock.yaml',
  'pnpm-workspace.yaml',
  'package.json',
  'packages/core/package.json',
  'packages/agent/package.json',
  'packages/tui/package.json',
  'test/package.json',
];

/** Lines of the installation that look like trouble, and are none. */
const HARMLESS = [
  // pnpm tells npm, which the package `node` calls, more than npm knows; npm speaks of its own updates there.
  /npm (warn Unknown env config|notice)/,
  // Its program is not there yet when pnpm first links it; pnpm links it again.
  /Failed to create bin at .*node_modules.node.node_modules/,
];

/** The Node that everything but this set-up runs on. */
export const NODE = join(ROOT, 'node_modules', 'node', 'bin', 'node');

/** Installs the locked dependencies, unless they are there. */
export async function installDependencies() {
  const [major = '0'] = process.versions.node.split('.');
  if (Number(major) < 20) {
    throw new Stopped(`This is Node ${process.version}; Towline's set-up needs Node 20 or later.`);
  }
  if (!needsRepair()) return;
  say('installing the dependencies, Node 24 among them (once, some 20 seconds)');
  rmSync(STAMP, { force: true });
  // What an interrupted installation left is not mended but made anew: pnpm would link a `node` that is not there,
  // and no `npm run` could start any more.
  if (!nodeRuns()) removeModules();
  const words = ['--yes', PNPM, 'install', '--frozen-lockfile', '--config.confirmModulesPurge=false'];
  const code = await runProgram('npx', words, { leaveOut: HARMLESS });
  if (code !== 0) {
    throw new Stopped(
      'The dependencies could not be installed; the reason is above. Where it says that the network or the registry can’t be reached: set npm’s proxy or registry (`npm config set proxy …`, `npm config set registry …`) and run this again.',
    );
  }
  if (!nodeRuns()) {
    throw new Stopped(
      `Node 24 was installed but does not run here (${NODE}). It needs Linux with glibc on x64 or arm64, or macOS.`,
    );
  }
  linkNode();
  writeFileSync(STAMP, stamp());
}

/**
 * pnpm links `node` by a shell script that stays between: a signal to what `npx towline-agent` started would end the
 * shell, and not the agent.
 */
function linkNode() {
  const link = join(ROOT, 'node_modules', '.bin', 'node');
  rmSync(link, { force: true });
  symlinkSync(join('..', 'node', 'bin', 'node'), link);
}

/** Whether the dependencies are not as the lock file has them, or not all there. */
export function needsRepair() {
  try {
    return readFileSync(STAMP, 'utf8') !== stamp() || !nodeRuns();
  } catch {
    return true;
  }
}

function nodeRuns() {
  try {
    return execFileSync(NODE, ['--version'], { encoding: 'utf8', stdio: 'pipe' }).startsWith('v24.');
  } catch {
    return false;
  }
}

function removeModules() {
  const folders = ['.', 'packages/core', 'packages/agent', 'packages/tui', 'test'];
  for (const folder of folders) rmSync(join(ROOT, folder, 'node_modules'), { recursive: true, force: true });
}

function stamp() {
  const hash = createHash('sha256');
  for (const file of SOURCES) hash.update(readFileSync(join(ROOT, file))).update('\0');
  return `${PNPM} ${process.platform}-${process.arch} ${hash.digest('hex')}\n`;
}
