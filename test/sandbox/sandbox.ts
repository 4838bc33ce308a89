import { randomBytes } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { endDaemon, listDaemons } from './daemon.ts';
import { removeAllContainers } from './engine-api.ts';
import {
  attachHost,
  type DockerHost,
  type Host,
  type HostPlace,
  hostNamespace,
  sandboxCgroup,
  startHost,
} from './host.ts';
import { enter, entries, isAbandoned, type LedgerEntry, strike } from './ledger.ts';
import { removePodmanCgroups, startPodmanHost } from './podman-host.ts';
import { markProcess } from './process-mark.ts';
import { type SandboxRegistry, startRegistry } from './registry.ts';
import { namespacesWith, removeCgroup, removeFolder, removeHostRemains, unmountUnder } from './remains.ts';

/** Machines of its own, each with an engine, and a registry that all of them reach. */
export interface Sandbox {
  id: string;
  dir: string;
  registry: SandboxRegistry;
  createHost(name: string): Promise<DockerHost>;
  /** One with Podman for its engine; where `podmanSupport` says that there can be one. */
  createPodmanHost(name: string): Promise<Host>;
  /** Leaves nothing: no process, mount, network namespace, cgroup or folder. */
  close(): Promise<void>;
}

export interface SandboxOptions {
  /** A short path: a Unix socket's ends at 107 bytes. By default a new folder of the machine's own for such. */
  dir?: string;
  /** The sandbox stays when this process ends, for as long as this folder is there. */
  keptFor?: string;
  onStep?: (line: string) => void;
}

/** `DIR/NAME/docker.sock` with a name of a few letters, and an agent's socket beside it. */
export const LONGEST_DIR = 80;

export async function createSandbox(options: SandboxOptions = {}): Promise<Sandbox> {
  const onStep = options.onStep ?? (() => {});
  const id = randomBytes(4).toString('hex');
  const dir = resolve(options.dir ?? join(tmpdir(), `tl-${id}`));
  if (Buffer.byteLength(dir) > LONGEST_DIR) {
    throw new Error(`The folder ${dir} is too long for the sockets in it: ${LONGEST_DIR} bytes at most.`);
  }
  const owner = await markProcess(process.pid);
  const entry: LedgerEntry = {
    id,
    dir,
    ...(options.keptFor === undefined
      ? owner !== undefined && { owner }
      : { keptFor: resolve(options.keptFor) }),
  };
  await enter(entry);
  try {
    await mkdir(dir, { recursive: true, mode: 0o700 });
    onStep('starting a registry');
    const registry = await startRegistry(dir);
    const create = async <T extends Host>(name: string, start: (place: HostPlace) => Promise<T>) => {
      onStep(`starting the engine of ${name}`);
      const place = { sandboxId: id, sandboxDir: dir, name };
      const host = await start(place);
      await registry.addHost(name, hostNamespace(place));
      return host;
    };
    return {
      id,
      dir,
      registry,
      createHost: (name) => create(name, startHost),
      createPodmanHost: (name) => create(name, startPodmanHost),
      close: () => removeSandbox(entry),
    };
  } catch (error) {
    await removeSandbox(entry);
    throw error;
  }
}

/** Removes the sandboxes that killed runs left. Returns their folders. */
export async function sweep(): Promise<string[]> {
  const removed: string[] = [];
  for (const entry of await entries()) {
    if (!(await isAbandoned(entry))) continue;
    await removeSandbox(entry);
    removed.push(entry.dir);
  }
  return removed;
}

/** The sandboxes that stay for a folder's sake: one, or what an interrupted start left beside it. */
export async function sandboxesKeptFor(folder: string): Promise<{ id: string; dir: string }[]> {
  return (await entries()).filter((entry) => entry.keptFor === resolve(folder));
}

/** Removes them; whoever made them. */
export async function removeSandboxesKeptFor(folder: string): Promise<void> {
  for (const entry of await entries()) {
    if (entry.keptFor === resolve(folder)) await removeSandbox(entry);
  }
}

/** A handle on a host of a sandbox that another process made. */
export function hostOf(sandbox: { id: string; dir: string }, name: string): Host {
  return attachHost({ sandboxId: sandbox.id, sandboxDir: sandbox.dir, name });
}

async function removeSandbox(entry: LedgerEntry): Promise<void> {
  const prefix = hostNamespace({ sandboxId: entry.id, sandboxDir: entry.dir, name: '' });
  const namespaces = await namespacesWith(prefix);
  const names = namespaces.map((namespace) => namespace.slice(prefix.length));
  await Promise.all(
    names.map((name) => removeAllContainers(hostOf({ id: entry.id, dir: entry.dir }, name).socket)),
  );
  // Agents first, then what they stand on: an engine stops its containers through its containerd.
  const daemons = await listDaemons(entry.dir);
  const inOrder = ['agent-', 'dockerd-', 'containerd-', ''];
  for (const kind of inOrder) {
    const next = daemons.filter((name) => inOrder.find((prefix) => name.startsWith(prefix)) === kind);
    // The first process of a Podman host has nothing to put in order, and takes no notice of TERM.
    const signalOf = (name: string) => (name.startsWith('machine-') ? 'SIGKILL' : undefined);
    await Promise.all(next.map((name) => endDaemon(entry.dir, name, signalOf(name))));
  }
  await removeCgroup(sandboxCgroup(entry.id));
  for (const name of names) await removePodmanCgroups(join(entry.dir, name));
  for (const [at, namespace] of namespaces.entries()) {
    await removeHostRemains({ namespace, folder: join(entry.dir, names[at] ?? '') });
  }
  await unmountUnder(entry.dir);
  await removeFolder(entry.dir);
  await strike(entry.id);
}
