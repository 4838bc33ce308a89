import { err, ok, type Result } from '../result/index.ts';
import type { Refusal } from '../rules/index.ts';
import { problemsOf } from './problems-of.ts';
import { type RunDefinition, type RunNetwork, runDefinitionSchema } from './run-definition.ts';
import { formatPath } from './source-path.ts';
import type { EngineMount } from './volumes.ts';

/** The settings of a container at one network, as the engine's `EndpointConfig`. */
export type EndpointSettings = {
  Aliases?: string[];
  IPAMConfig?: { IPv4Address?: string; IPv6Address?: string };
};

/** A body of `POST /containers/create`, as far as `run` can fill it. */
export type CreateFromRunBody = {
  Image: string;
  Labels: Record<string, string>;
  Env?: string[];
  Cmd?: string[];
  Entrypoint?: string[];
  User?: string;
  WorkingDir?: string;
  Hostname?: string;
  ExposedPorts?: Record<string, Record<string, never>>;
  Volumes?: Record<string, Record<string, never>>;
  Healthcheck?: {
    Test?: string[];
    Interval?: number;
    Timeout?: number;
    Retries?: number;
    StartPeriod?: number;
    StartInterval?: number;
  };
  StopSignal?: string;
  StopTimeout?: number;
  Tty?: boolean;
  OpenStdin?: boolean;
  HostConfig: HostSettings;
  NetworkingConfig?: { EndpointsConfig: Record<string, EndpointSettings> };
};

type HostSettings = {
  Binds?: string[];
  Mounts?: EngineMount[];
  PortBindings?: Record<string, { HostIp: string; HostPort: string }[]>;
  NetworkMode?: string;
  RestartPolicy?: { Name: string; MaximumRetryCount?: number };
  ExtraHosts?: string[];
  CapAdd?: string[];
  CapDrop?: string[];
  Privileged?: boolean;
  Tmpfs?: Record<string, string>;
  Memory?: number;
  NanoCpus?: number;
  Ulimits?: { Name: string; Soft: number; Hard: number }[];
  Init?: boolean;
  ReadonlyRootfs?: boolean;
  LogConfig?: { Type: string; Config: Record<string, string> };
  ShmSize?: number;
  Devices?: { PathOnHost: string; PathInContainer: string; CgroupPermissions: string }[];
  Dns?: string[];
  Sysctls?: Record<string, string>;
};

export interface CreateFromRun {
  body: CreateFromRunBody;
  /** Networks that must be there before the create. */
  networks: string[];
  /** To connect after the create and before the start: an API below 1.44 takes one network at the create. */
  connect: { network: string; endpoint: EndpointSettings }[];
}

export interface CreateFromRunInput {
  /** The name that it will have, and is known by on its networks. */
  container: string;
  /** What it is made of: a reference with a tag, or an id. */
  image: string;
  /** As the map file has it; checked here, because it may come from another program. */
  run: unknown;
  /** Labels to add, ours; they win over those of `run`. */
  labels: Readonly<Record<string, string>>;
}

/**
 * How the engine is to create a container that does not exist, from the map's `run`. Pure.
 *
 * Errors: the refusal `invalid-run`, which names the first key that is wrong.
 */
export function createFromRun(input: CreateFromRunInput): Result<CreateFromRun, Refusal> {
  const { container, image } = input;
  const parsed = runDefinitionSchema.safeParse(input.run);
  if (!parsed.success) {
    const [first] = problemsOf(parsed.error.issues, input.run);
    const where = first === undefined || first.path.length === 0 ? 'run' : `run.${formatPath(first.path)}`;
    return err({
      code: 'invalid-run',
      message: `The map can't say how to create ${container}: ${where}: ${first?.message ?? 'wrong'}; expected ${first?.expected ?? 'something else'}. Correct the map file.`,
      container,
    });
  }
  const run = parsed.data;
  const { mode, attached, ensure } = networkOf(run);
  const endpoints = attached.map(({ name, aliases, ipv4, ipv6 }) => ({
    network: name,
    // It is created under another name than it ends with; the alias is what others find it by from the start.
    endpoint: {
      ...(isBuiltIn(name) ? {} : { Aliases: [...new Set([container, ...aliases])] }),
      ...((ipv4 !== undefined || ipv6 !== undefined) && {
        IPAMConfig: {
          ...(ipv4 !== undefined && { IPv4Address: ipv4 }),
          ...(ipv6 !== undefined && { IPv6Address: ipv6 }),
        },
      }),
    },
  }));
  const [first, ...later] = endpoints;
  const body: CreateFromRunBody = {
    Image: image,
    Labels: { ...Object.fromEntries(run.labels ?? []), ...input.labels },
    ...processOf(run),
    ...portsAndVolumesOf(run),
    HostConfig: { ...hostOf(run), ...(mode !== undefined && { NetworkMode: mode }) },
    ...(first !== undefined && {
      NetworkingConfig: { EndpointsConfig: { [first.network]: first.endpoint } },
    }),
  };
  return ok({ body, networks: ensure, connect: later });
}

/** Networks that every engine has. */
function isBuiltIn(network: string): boolean {
  return network === 'bridge' || network === 'default' || network === 'host' || network === 'none';
}

function networkOf(run: RunDefinition): { mode?: string; attached: RunNetwork[]; ensure: string[] } {
  const mode = run.network_mode;
  if (mode !== undefined && (isBuiltIn(mode) || mode.startsWith('container:'))) {
    return { mode, attached: [], ensure: [] };
  }
  const attached = mode === undefined ? (run.networks ?? []) : [{ name: mode, aliases: [] }];
  const names = [...new Set(attached.map(({ name }) => name))];
  const [first] = names;
  return {
    ...(first !== undefined && { mode: first }),
    attached: names.flatMap((name) => attached.find((network) => network.name === name) ?? []),
    ensure: names.filter((name) => !isBuiltIn(name)),
  };
}

/** What runs in it, and how it is stopped and checked. */
function processOf(run: RunDefinition): Partial<CreateFromRunBody> {
  const { healthcheck: health } = run;
  return {
    ...(run.environment !== undefined && { Env: run.environment.map(([name, value]) => `${name}=${value}`) }),
    ...(run.command !== undefined && { Cmd: run.command }),
    // An empty one takes the image's away; the engine wants that said as one empty word.
    ...(run.entrypoint !== undefined && { Entrypoint: run.entrypoint.length === 0 ? [''] : run.entrypoint }),
    ...(run.user !== undefined && { User: run.user }),
    ...(run.working_dir !== undefined && { WorkingDir: run.working_dir }),
    ...(run.hostname !== undefined && { Hostname: run.hostname }),
    ...(run.stop_signal !== undefined && { StopSignal: run.stop_signal }),
    // The engine counts in seconds; less than was asked for could cut a shutdown short.
    ...(run.stop_grace_period !== undefined && { StopTimeout: Math.ceil(run.stop_grace_period / 1e9) }),
    ...(run.tty !== undefined && { Tty: run.tty }),
    ...(run.stdin_open !== undefined && { OpenStdin: run.stdin_open }),
    ...(health !== undefined && {
      Healthcheck:
        health.disable === true
          ? { Test: ['NONE'] }
          : {
              ...(health.test !== undefined && { Test: health.test }),
              ...(health.interval !== undefined && { Interval: health.interval }),
              ...(health.timeout !== undefined && { Timeout: health.timeout }),
              ...(health.retries !== undefined && { Retries: health.retries }),
              ...(health.start_period !== undefined && { StartPeriod: health.start_period }),
              ...(health.start_interval !== undefined && { StartInterval: health.start_interval }),
            },
    }),
  };
}

function portsAndVolumesOf(run: RunDefinition): Partial<CreateFromRunBody> {
  const exposed = (run.ports ?? [])
    .flat()
    .map((port): [string, Record<string, never>] => [port.container, {}]);
  const anonymous = (run.volumes ?? []).flatMap((volume): [string, Record<string, never>][] =>
    volume.kind === 'anonymous' ? [[volume.target, {}]] : [],
  );
  return {
    ...(exposed.length > 0 && { ExposedPorts: Object.fromEntries(exposed) }),
    ...(anonymous.length > 0 && { Volumes: Object.fromEntries(anonymous) }),
  };
}

function hostOf(run: RunDefinition): HostSettings {
  const volumes = run.volumes ?? [];
  const binds = volumes.flatMap((volume) => (volume.kind === 'bind' ? [volume.bind] : []));
  const mounts = volumes.flatMap((volume) => (volume.kind === 'mount' ? [volume.mount] : []));
  const bindings: NonNullable<HostSettings['PortBindings']> = {};
  for (const { container, hostIp, hostPort } of (run.ports ?? []).flat()) {
    bindings[container] = [...(bindings[container] ?? []), { HostIp: hostIp, HostPort: hostPort }];
  }
  return {
    ...(binds.length > 0 && { Binds: binds }),
    ...(mounts.length > 0 && { Mounts: mounts }),
    ...(run.ports !== undefined && { PortBindings: bindings }),
    ...(run.restart !== undefined && { RestartPolicy: run.restart }),
    ...(run.extra_hosts !== undefined && { ExtraHosts: run.extra_hosts }),
    ...(run.cap_add !== undefined && { CapAdd: run.cap_add }),
    ...(run.cap_drop !== undefined && { CapDrop: run.cap_drop }),
    ...(run.privileged !== undefined && { Privileged: run.privileged }),
    ...(run.tmpfs !== undefined && {
      Tmpfs: Object.fromEntries(
        run.tmpfs.map((entry) => {
          const [path = '', ...options] = entry.split(':');
          return [path, options.join(':')];
        }),
      ),
    }),
    ...(run.mem_limit !== undefined && { Memory: run.mem_limit }),
    ...(run.cpus !== undefined && { NanoCpus: Math.round(run.cpus * 1e9) }),
    ...(run.ulimits !== undefined && {
      Ulimits: Object.entries(run.ulimits).map(([name, { soft, hard }]) => ({
        Name: name,
        Soft: soft,
        Hard: hard,
      })),
    }),
    ...(run.init !== undefined && { Init: run.init }),
    ...(run.read_only !== undefined && { ReadonlyRootfs: run.read_only }),
    ...(run.logging !== undefined && {
      LogConfig: { Type: run.logging.driver ?? '', Config: run.logging.options ?? {} },
    }),
    ...(run.shm_size !== undefined && { ShmSize: run.shm_size }),
    ...(run.devices !== undefined && { Devices: run.devices }),
    ...(run.dns !== undefined && { Dns: run.dns }),
    ...(run.sysctls !== undefined && { Sysctls: Object.fromEntries(run.sysctls) }),
  };
}
