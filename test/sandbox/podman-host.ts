import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { SYSTEM_ENV } from './command.ts';
import { endDaemon, findDaemon, startDaemon } from './daemon.ts';
import { engineAnswers, removeAllContainers } from './engine-api.ts';
import {
  engineSocket,
  type Host,
  type HostPlace,
  hostFolder,
  hostNamespace,
  inNamespace,
  makeHostPlace,
  reachHost,
} from './host.ts';
import { isRunning } from './process-mark.ts';
import { removeCgroup, removeEmptyCgroup, removeHostRemains } from './remains.ts';

/** Where Podman and what it calls keep something whatever they are told. Each host has an empty one in its place. */
const FIXED_FOLDERS = ['/run/netns', '/run/libpod', '/run/containers', '/run/runc', '/run/crun'];

/**
 * One machine with Podman's API in place of dockerd. Its containers are nobody's children, so the host has process ids of
 * its own: when the first process of these ends, everything that Podman started ends with it.
 */
export async function startPodmanHost(place: HostPlace): Promise<Host> {
  await makeHostPlace(place);
  await writeConfiguration(place);
  const host = attachPodmanHost(place);
  await host.startEngine();
  return host;
}

export function attachPodmanHost(place: HostPlace): Host {
  const { name, sandboxId, sandboxDir } = place;
  const socket = engineSocket(place);
  return {
    name,
    sandboxId,
    sandboxDir,
    socket,
    ...reachHost(place),
    async stopEngine(signal) {
      await endDaemon(sandboxDir, serviceName(place), signal);
    },
    async startEngine() {
      const init = await startMachine(place);
      await startService(place, init);
    },
    async close() {
      await removeAllContainers(socket);
      await endDaemon(sandboxDir, serviceName(place));
      await endDaemon(sandboxDir, machineName(place), 'SIGKILL');
      await endDaemon(sandboxDir, `registry-${name}`);
      await removePodmanCgroups(hostFolder(place));
      await removeHostRemains({ namespace: hostNamespace(place), folder: hostFolder(place) });
    },
  };
}

/** Podman puts all containers of a machine under one cgroup, whoever's they are: those of this host are known by id. */
export async function removePodmanCgroups(folder: string): Promise<void> {
  const ids = await readdir(join(folder, 'root', 'overlay-containers')).catch(() => []);
  for (const id of ids.filter((name) => /^[0-9a-f]{64}$/.test(name))) {
    await removeCgroup(`libpod_parent/libpod-${id}`);
    await removeCgroup(`libpod_parent/libpod-conmon-${id}`);
  }
  // Podman makes these where they are missing, and never takes them away.
  await removeEmptyCgroup('libpod_parent/conmon');
  await removeEmptyCgroup('libpod_parent');
}

function serviceName(place: HostPlace): string {
  return `podman-${place.name}`;
}

function machineName(place: HostPlace): string {
  return `machine-${place.name}`;
}

async function writeConfiguration(place: HostPlace): Promise<void> {
  const folder = hostFolder(place);
  const at = (name: string) => JSON.stringify(join(folder, name));
  await mkdir(join(folder, 'net'), { recursive: true });
  await writeFile(
    join(folder, 'containers.conf'),
    [
      '[engine]',
      // Debian's crun refuses a machine that has both kinds of cgroups; this one came with Docker.
      'runtime = "runc"',
      'cgroup_manager = "cgroupfs"',
      'events_logger = "file"',
      // Those in memory are one set for the whole machine.
      'lock_type = "file"',
      '[network]',
      'network_backend = "netavark"',
      `network_config_dir = ${at('net')}`,
      '',
    ].join('\n'),
  );
  await writeFile(
    join(folder, 'storage.conf'),
    ['[storage]', 'driver = "overlay"', `graphroot = ${at('root')}`, `runroot = ${at('run')}`, ''].join('\n'),
  );
  await writeFile(
    join(folder, 'registries.conf'),
    ['[[registry]]', 'location = "localhost"', 'insecure = true', ''].join('\n'),
  );
}

/** The first of the host's processes, which every other one ends with. Its process id, as seen from outside. */
async function startMachine(place: HostPlace): Promise<number> {
  const folder = hostFolder(place);
  const running = await findDaemon(place.sandboxDir, machineName(place));
  if (running !== undefined && (await isRunning(running))) {
    const init = await childOf(running.pid);
    if (init !== undefined) return init;
  }
  for (const fixed of FIXED_FOLDERS) await mkdir(fixed, { recursive: true });
  const marker = join(folder, 'machine.ready');
  await rm(marker, { force: true });
  const mounts = FIXED_FOLDERS.map((fixed) => `mount -t tmpfs tmpfs ${fixed}`);
  const script = [...mounts, 'touch "$1"', 'exec catatonit -P'].join(' && ');
  const own = ['--mount', '--propagation', 'slave', '--pid', '--fork', '--kill-child', '--mount-proc'];
  const mark = await startDaemon({
    sandboxDir: place.sandboxDir,
    name: machineName(place),
    command: 'nsenter',
    args: inNamespace(place, ['unshare', ...own, 'sh', '-c', script, 'sh', marker]),
    logFile: join(folder, 'machine.log'),
    ready: async () => existsSync(marker),
  });
  const init = await childOf(mark.pid);
  if (init === undefined) throw new Error(`The first process of ${place.name} ended at once.`);
  return init;
}

async function startService(place: HostPlace, init: number): Promise<void> {
  const folder = hostFolder(place);
  const socket = engineSocket(place);
  // A service that was killed leaves it, and the next does not take it over.
  await rm(socket, { force: true });
  await startDaemon({
    sandboxDir: place.sandboxDir,
    name: serviceName(place),
    command: 'nsenter',
    args: [
      ...['--target', String(init), '--mount', '--pid', '--root', '--wd=/'],
      // Podman is the child of what is noted as the daemon, and ends with it.
      ...inNamespace(place, ['setpriv', '--pdeathsig', 'KILL', 'podman']),
      ...['--tmpdir', join(folder, 'tmp')],
      ...['system', 'service', '--time=0', `unix://${socket}`],
    ],
    env: {
      ...SYSTEM_ENV,
      CONTAINERS_CONF: join(folder, 'containers.conf'),
      CONTAINERS_STORAGE_CONF: join(folder, 'storage.conf'),
      CONTAINERS_REGISTRIES_CONF: join(folder, 'registries.conf'),
    },
    logFile: join(folder, 'podman.log'),
    ready: async () => await engineAnswers(socket),
  });
}

async function childOf(pid: number): Promise<number | undefined> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
  const first = Number(children.trim().split(' ')[0]);
  return first > 0 ? first : undefined;
}
