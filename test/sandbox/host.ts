import { existsSync } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { findProgram, run, SYSTEM_ENV } from './command.ts';
import { endDaemon, findDaemon, listDaemons, startDaemon } from './daemon.ts';
import { engineAnswers, removeAllContainers } from './engine-api.ts';
import { isRunning } from './process-mark.ts';
import { endHostProcesses, removeFolder, removeHostRemains } from './remains.ts';

/** One machine: a network namespace with an engine of its own, reached by its Unix socket from outside. */
export interface Host {
  name: string;
  /** The sandbox that it belongs to. */
  sandboxId: string;
  sandboxDir: string;
  /** That of its network. */
  namespace: string;
  /** The engine's Unix socket, a path. */
  socket: string;
  /** The docker command on this engine: its stdout; throws with its stderr. */
  docker(...args: string[]): Promise<string>;
  /** A command in this host's network, its `localhost` that of the host. */
  run(command: string, args: string[]): Promise<string>;
  /** The words that start a program in this host's network. */
  inside(words: readonly string[]): string[];
  /** Ends the engine; with dockerd its containers stop on TERM, and go on without it on KILL. Podman's always go on. */
  stopEngine(signal?: NodeJS.Signals): Promise<void>;
  /** Podman has no use for these. */
  startEngine(options?: EngineOptions): Promise<void>;
  /** How fast this host's loopback is, and with it a pull from the registry; undefined for no limit. */
  limitRate(bytesPerSecond: number | undefined): Promise<void>;
  close(): Promise<void>;
}

export interface EngineOptions {
  /** Added to that of dockerd. */
  environment?: Readonly<Record<string, string>>;
  /** A dockerd that is started again takes its containers as they run, and stops none; off unless said. */
  liveRestore?: boolean;
}

/** A host whose engine is dockerd. */
export interface DockerHost extends Host {
  /**
   * Ends all that runs there at once, containers included, as a machine that loses its power: what is in memory is gone,
   * what is on the disk stays. `startEngine` is its next start. The registry and the agents, which a host has from
   * outside, go on.
   */
  crash(): Promise<void>;
}

/** Where a host's things are: all of it follows from the sandbox and the name, so any process can have a handle. */
export interface HostPlace {
  sandboxId: string;
  sandboxDir: string;
  name: string;
}

export function hostNamespace(place: HostPlace): string {
  return `tl-${place.sandboxId}-${place.name}`;
}

export function hostFolder(place: HostPlace): string {
  return join(place.sandboxDir, place.name);
}

export function engineSocket(place: HostPlace): string {
  return join(hostFolder(place), 'docker.sock');
}

/** The parent of the cgroups of all containers of a sandbox's engines. */
export function sandboxCgroup(sandboxId: string): string {
  return `towline-${sandboxId}`;
}

function hostCgroup(place: HostPlace): string {
  return join(sandboxCgroup(place.sandboxId), place.name);
}

/**
 * Where an engine and its shims keep something whatever they are told: sockets, a list of plugins, a key. Each host
 * has an empty one in its place.
 */
const FIXED_FOLDERS = ['/run/containerd', '/run/docker', '/etc/docker'];

/** Makes the network namespace and starts the engine in it. */
export async function startHost(place: HostPlace): Promise<DockerHost> {
  await makeHostPlace(place);
  const host = attachHost(place);
  await host.startEngine();
  return host;
}

/** A host's folder, and its network with nothing in it but a loopback. */
export async function makeHostPlace(place: HostPlace): Promise<void> {
  if (!/^[a-z][a-z0-9-]*$/.test(place.name)) {
    throw new Error(`"${place.name}" can't be a host's name: small letters, digits and hyphens.`);
  }
  await mkdir(join(hostFolder(place), 'client'), { recursive: true, mode: 0o700 });
  await run('ip', ['netns', 'add', hostNamespace(place)]);
  await run('nsenter', inNamespace(place, ['ip', 'link', 'set', 'lo', 'up']));
}

/** A handle on a host that is there already, from any process. */
export function attachHost(place: HostPlace): DockerHost {
  const { name, sandboxId, sandboxDir } = place;
  const socket = engineSocket(place);
  return {
    name,
    sandboxId,
    sandboxDir,
    socket,
    ...reachHost(place),
    async stopEngine(signal) {
      await endDaemon(sandboxDir, engineName(place), signal);
    },
    async startEngine(options = {}) {
      const containerd = await startContainerd(place);
      await startEngine(place, containerd, options);
    },
    async crash() {
      await endDaemon(sandboxDir, engineName(place), 'SIGKILL');
      await endDaemon(sandboxDir, containerdName(place), 'SIGKILL');
      const outside = (await listDaemons(sandboxDir)).filter(
        (daemon) => !/^(dockerd|containerd)-/.test(daemon),
      );
      const marks = await Promise.all(outside.map((daemon) => findDaemon(sandboxDir, daemon)));
      await endHostProcesses(hostNamespace(place), hostCgroup(place), marks);
      // A machine has these in memory.
      for (const volatile of [
        engineState(place),
        containerdState(place),
        pidFile(place),
        engineSocket(place),
      ]) {
        await removeFolder(volatile);
      }
    },
    async close() {
      await removeAllContainers(socket);
      await endDaemon(sandboxDir, engineName(place));
      await endDaemon(sandboxDir, containerdName(place));
      await endDaemon(sandboxDir, `registry-${name}`);
      await removeHostRemains({ namespace: hostNamespace(place), folder: hostFolder(place) });
    },
  };
}

/** What is the same for a host of any engine. */
export function reachHost(
  place: HostPlace,
): Pick<Host, 'namespace' | 'docker' | 'run' | 'inside' | 'limitRate'> {
  return {
    namespace: hostNamespace(place),
    async docker(...args) {
      return await run(await dockerClient(), args, {
        ...SYSTEM_ENV,
        DOCKER_HOST: `unix://${engineSocket(place)}`,
        DOCKER_CONFIG: join(hostFolder(place), 'client'),
      });
    },
    async run(command, args) {
      return await run('nsenter', inNamespace(place, [command, ...args]));
    },
    inside: (words) => ['nsenter', ...inNamespace(place, words)],
    async limitRate(bytesPerSecond) {
      await run('nsenter', inNamespace(place, ['tc', 'qdisc', 'del', 'dev', 'lo', 'root'])).catch(
        () => undefined,
      );
      if (bytesPerSecond === undefined) return;
      // The bucket has to hold a packet of loopback's size, 64 KiB.
      const filter = ['tbf', 'rate', `${bytesPerSecond * 8}bit`, 'burst', '128kb', 'latency', '400ms'];
      await run('nsenter', inNamespace(place, ['tc', 'qdisc', 'add', 'dev', 'lo', 'root', ...filter]));
    },
  };
}

export function inNamespace(place: HostPlace, command: readonly string[]): string[] {
  return [`--net=/run/netns/${hostNamespace(place)}`, '--', ...command];
}

/** Debian's client where it is there: a newer one may be first in the path, with other commands. */
async function dockerClient(): Promise<string> {
  return (await findProgram('/usr/bin/docker')) ?? 'docker';
}

function engineName(place: HostPlace): string {
  return `dockerd-${place.name}`;
}

function containerdName(place: HostPlace): string {
  return `containerd-${place.name}`;
}

function engineState(place: HostPlace): string {
  return join(hostFolder(place), 'exec');
}

function containerdState(place: HostPlace): string {
  return join(hostFolder(place), 'c');
}

function containerdSocket(place: HostPlace): string {
  return join(hostFolder(place), 'c.sock');
}

function pidFile(place: HostPlace): string {
  return join(hostFolder(place), 'docker.pid');
}

/**
 * The engine's containerd, of its own: a machine that has Docker already has one at the default address, and two
 * engines on one containerd take each other's containers for their own. It also holds the mount namespace: what the
 * engine mounts is seen by nobody else, and is gone with its last process, however that ends.
 */
async function startContainerd(place: HostPlace): Promise<number> {
  const running = await findDaemon(place.sandboxDir, containerdName(place));
  if (running !== undefined && (await isRunning(running))) return running.pid;
  const folder = hostFolder(place);
  const socket = containerdSocket(place);
  const config = join(folder, 'containerd.toml');
  await writeFile(
    config,
    [
      'version = 2',
      `root = ${JSON.stringify(join(folder, 'containerd'))}`,
      `state = ${JSON.stringify(containerdState(place))}`,
      'disabled_plugins = ["io.containerd.grpc.v1.cri"]',
      '[grpc]',
      `address = ${JSON.stringify(socket)}`,
      '',
    ].join('\n'),
  );
  for (const fixed of FIXED_FOLDERS) await mkdir(fixed, { recursive: true });
  // That of a containerd that was killed would say of this one that it has begun.
  await rm(socket, { force: true });
  const mounts = FIXED_FOLDERS.map((fixed) => `mount -t tmpfs tmpfs ${fixed}`);
  const script = [...mounts, 'exec containerd --config "$1"'].join(' && ');
  const mark = await startDaemon({
    sandboxDir: place.sandboxDir,
    name: containerdName(place),
    command: 'nsenter',
    args: inNamespace(place, [
      'unshare',
      '--mount',
      '--propagation',
      'slave',
      'sh',
      '-c',
      script,
      'sh',
      config,
    ]),
    logFile: join(folder, 'containerd.log'),
    ready: async () => existsSync(socket),
  });
  return mark.pid;
}

async function startEngine(
  place: HostPlace,
  containerdPid: number,
  { environment = {}, liveRestore = false }: EngineOptions,
): Promise<void> {
  const folder = hostFolder(place);
  const config = join(folder, 'daemon.json');
  // The machine's own daemon.json may contradict what is said here.
  await writeFile(config, '{}\n');
  await startDaemon({
    sandboxDir: place.sandboxDir,
    name: engineName(place),
    command: 'nsenter',
    args: [
      // Its root as well: in a change-root that is another one than its mount namespace's.
      ...['--target', String(containerdPid), '--mount', '--root'],
      ...inNamespace(place, ['dockerd']),
      ...['--config-file', config],
      ...['--data-root', join(folder, 'data')],
      ...['--exec-root', engineState(place)],
      ...['--pidfile', pidFile(place)],
      ...['--host', `unix://${engineSocket(place)}`],
      ...['--containerd', containerdSocket(place)],
      ...['--exec-opt', 'native.cgroupdriver=cgroupfs'],
      ...['--cgroup-parent', `/${hostCgroup(place)}`],
      // Five by default, each waited for longer: over a minute before a registry that died is given up.
      ...['--max-download-attempts', '2'],
      ...(liveRestore ? ['--live-restore'] : []),
      ...['--log-level', 'warn'],
    ],
    env: { ...SYSTEM_ENV, ...environment },
    logFile: join(folder, 'dockerd.log'),
    ready: async () => await engineAnswers(engineSocket(place)),
  });
}
