import { mkdir, rm, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import {
  acceptsConnections,
  createSandbox,
  hostOf,
  pushStandardImages,
  type Sandbox,
  sandboxesKeptFor,
  startAgent,
  sweep,
} from '@towline/test/sandbox';
import { demoMap, HOSTS, settings } from './demo-map.ts';
import { type DemoPlace, TOWLINE_AGENT } from './demo-place.ts';
import { createStorefront, releaseNewer } from './storefront.ts';
import { takeDown } from './take-down.ts';
import { towline } from './towline-command.ts';

export interface BringUpOptions {
  onStep: (line: string) => void;
  /** Asked for between steps; what is there by then is taken down. */
  signal: AbortSignal;
}

/** Whether the demo is up: every engine and every agent answers. */
export async function isUp(place: DemoPlace): Promise<boolean> {
  const [sandbox, ...more] = await sandboxesKeptFor(place.folder);
  if (sandbox === undefined || more.length > 0) return false;
  const sockets = HOSTS.flatMap((name) => [hostOf(sandbox, name).socket, agentSocket(sandbox.dir, name)]);
  const answers = await Promise.all(sockets.map(acceptsConnections));
  return answers.every((answer) => answer);
}

/**
 * Brings the demo up from nothing, and leaves it running: engines, registry, agents, a git repository, the map, and its
 * containers, which towline creates at their older versions, the storefront's built by it. Whatever was there of it before is taken down first. A failure takes
 * down what there is by then, and is thrown.
 */
export async function bringUp(place: DemoPlace, options: BringUpOptions): Promise<void> {
  await takeDown(place);
  await sweep();
  await mkdir(place.folder, { recursive: true });
  try {
    await build(place, options);
  } catch (error) {
    await takeDown(place);
    throw error;
  }
}

async function build(place: DemoPlace, { onStep, signal }: BringUpOptions): Promise<void> {
  const step = (line: string) => {
    signal.throwIfAborted();
    onStep(line);
  };
  const sandbox = await createSandbox({ dir: place.sandbox, keptFor: place.folder, onStep: step });
  if (dirname(place.sandbox) !== place.folder) await symlink(place.sandbox, join(place.folder, 'sandbox'));
  const hosts = await all(HOSTS.map((name) => sandbox.createHost(name)));
  step('putting the shop’s images into the registry');
  await pushStandardImages(sandbox);
  step('starting an agent for each engine');
  const agents = await all(
    hosts.map((host) =>
      startAgent({ host, dir: agentFolder(sandbox.dir, host.name), program: TOWLINE_AGENT }),
    ),
  );
  step('making a git repository of the storefront');
  const storefront = await createStorefront(join(sandbox.dir, 'storefront.git'));
  await writeMap(place, sandbox, agents, storefront.url);
  step(`building the storefront and creating the containers of ${place.mapFile} with towline`);
  const code = await towline(place, ['batch', ...settings('older'), '--yes']);
  signal.throwIfAborted();
  if (code !== 0) throw new Error(`The containers could not be created: towline ended with ${code}.`);
  await releaseNewer(storefront);
}

async function writeMap(
  place: DemoPlace,
  sandbox: Sandbox,
  agents: readonly { socket: string }[],
  git: string,
): Promise<void> {
  const sockets = Object.fromEntries(HOSTS.map((name, at) => [name, agents[at]?.socket ?? '']));
  await rm(place.mapFile, { force: true });
  await writeFile(place.mapFile, demoMap({ registry: sandbox.registry.host, sockets, git }));
}

/** Like Promise.all, and fails only when none of them works on. */
async function all<T>(promises: readonly Promise<T>[]): Promise<T[]> {
  await Promise.allSettled(promises);
  return await Promise.all(promises);
}

function agentFolder(sandboxDir: string, name: string): string {
  return join(sandboxDir, `${name}-agent`);
}

function agentSocket(sandboxDir: string, name: string): string {
  return join(agentFolder(sandboxDir, name), 'agent.sock');
}
