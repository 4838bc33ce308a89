import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { installDependencies, NODE } from './dependencies.mjs';
import { installEnginePackages } from './engine-packages.mjs';
import { ROOT, runProgram, Stopped, say } from './program.mjs';

/** Everything that a command of the checkout needs; quick where it is there already. */
export async function setup({ engine, podman = false }) {
  await installDependencies();
  if (engine) await installEnginePackages({ podman });
  say('building towline and towline-agent');
  if ((await program('scripts/build.mjs', [])) !== 0) {
    throw new Stopped('The build failed; the reason is above.');
  }
}

/** Runs one of the checkout's programs on Node 24, and returns its exit code. */
export async function program(file, args) {
  if (!existsSync(join(ROOT, file))) throw new Stopped(`${file} is not in this checkout.`);
  return await runProgram(NODE, [file, ...args], { handlesSignals: true });
}
