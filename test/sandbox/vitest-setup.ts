import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { startAgent } from './agent-process.ts';
import { podmanSupport } from './engine-support.ts';
import { bundlePrograms } from './programs.ts';
import { createSandbox, type Sandbox, sweep } from './sandbox.ts';
import { pushStandardImages } from './standard-images.ts';

let sandbox: Sandbox | undefined;

/** Brings up what `sharedSandbox` gives to the engine tests, once for all of them. */
export async function setup(project: TestProject): Promise<void> {
  await sweep();
  sandbox = await createSandbox({ onStep: (line) => console.log(`engine tests: ${line}`) });
  const podman = (await podmanSupport()).ok ? 'p' : undefined;
  try {
    const [host] = await Promise.all([
      sandbox.createHost('a'),
      sandbox.createHost('b'),
      podman === undefined ? undefined : sandbox.createPodmanHost(podman),
      bundlePrograms(join(sandbox.dir, 'programs')),
    ]);
    await pushStandardImages(sandbox);
    // One that ends leaves what was compiled of it to the next; those that tests kill leave nothing.
    const agent = await startAgent({ host, dir: join(sandbox.dir, 'first') });
    await agent.stop();
  } catch (error) {
    await sandbox.close();
    throw error;
  }
  project.provide('sandbox', { id: sandbox.id, dir: sandbox.dir, registry: sandbox.registry.host, podman });
}

export async function teardown(): Promise<void> {
  await sandbox?.close();
}
