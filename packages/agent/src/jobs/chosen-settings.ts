import fc from 'fast-check';

/** What a person chose for a container: the body of its create, and what is connected after it. For tests. */
export interface ChosenSettings {
  body: {
    Env?: string[];
    Cmd?: string[];
    Entrypoint?: string[];
    ExposedPorts?: Record<string, object>;
    HostConfig: Record<string, unknown>;
    NetworkingConfig?: { EndpointsConfig: Record<string, object> };
    [key: string]: unknown;
  };
  connect: readonly { network: string; endpoint: object }[];
}

/** What a container may refer to on the engine that it is created on. */
export interface Surroundings {
  /** With subnets of their own. */
  networks: readonly [Network, Network];
  /** A container that runs, with a shareable IPC namespace and an anonymous volume, on the first network. */
  neighbour: string;
  /** A folder of the machine that is there. */
  folder: string;
  /** Begins the names of volumes. */
  prefix: string;
}

interface Network {
  name: string;
  id: string;
  /** Its first 24 bits, such as `10.31.5`. */
  subnet: string;
}

type Settings = Record<string, unknown>;

/** Present or not, each. */
const some = (all: Record<string, fc.Arbitrary<unknown>>): fc.Arbitrary<Settings> =>
  fc.record(all, { requiredKeys: [] });
const few = <T>(...all: T[]) => fc.subarray(all, { minLength: 1 });
const pick = <T>(...all: T[]) => fc.constantFrom(...all);
const MiB = 1024 * 1024;

/** No value here is one of the images' own: one that is equal can't be told from a default. */
const config = some({
  Env: few('MINE=1', 'FROM_ONE=changed', 'EMPTY=', 'EQUALS=a=b=c', 'UMLAUT=größe', 'SPACES=a b  c', 'NAME'),
  Labels: fc
    .subarray(['mine', 'both', 'com.example.a/b', 'leer', 'größe'], { minLength: 1 })
    .map((keys) => Object.fromEntries(keys.map((key, at) => [key, at === 0 ? '' : `mine ${at}`]))),
  User: pick('1000', '1000:1000', 'shop', '0:0'),
  WorkingDir: pick('/tmp', '/made/by/it', '/'),
  StopSignal: pick('SIGUSR1', 'SIGHUP', '15'),
  StopTimeout: pick(0, 1, 77),
  Tty: fc.constant(true),
  OpenStdin: fc.constant(true),
  Healthcheck: pick<object>(
    { Test: ['NONE'] },
    { Test: ['CMD', 'true'], Interval: 150_000_000 },
    { Test: ['CMD-SHELL', 'exit 0'], Interval: 200_000_000, Timeout: 5_000_000_000, Retries: 2 },
  ),
  Volumes: few('/anonymous', '/two/deep').map((paths) => Object.fromEntries(paths.map((path) => [path, {}]))),
  Shell: pick(['/bin/sh', '-euc']),
});

const command = pick<Settings>(
  {},
  {},
  { Cmd: ['/bin/loop', 'mine'] },
  { Entrypoint: ['/bin/busybox', 'sh', '/bin/loop'] },
  { Entrypoint: ['/bin/ash'], Cmd: ['/bin/loop'] },
  { Entrypoint: [''], Cmd: ['/bin/loop', 'alone'] },
);

const resources = some({
  Memory: pick(64 * MiB, 100_000_000),
  MemoryReservation: fc.constant(32 * MiB),
  CpuShares: pick(512, 2048),
  CpusetCpus: pick('0', '0-1'),
  PidsLimit: pick(50, -1),
  OomScoreAdj: pick(100, 300),
  OomKillDisable: fc.constant(false),
  BlkioWeight: fc.constant(0),
  ShmSize: pick(16 * MiB),
  Ulimits: fc.constant([{ Name: 'nofile', Soft: 1024, Hard: 2048 }]),
});
const cpu = pick<Settings>({}, { NanoCpus: 800_000_000 }, { CpuPeriod: 50_000, CpuQuota: 40_000 });

const rights = some({
  CapAdd: few('NET_ADMIN', 'SYS_PTRACE'),
  CapDrop: few('MKNOD', 'AUDIT_WRITE'),
  SecurityOpt: few('no-new-privileges', 'seccomp=unconfined'),
  ReadonlyRootfs: fc.constant(true),
  GroupAdd: few('1000', '4242'),
  Devices: fc.constant([
    { PathOnHost: '/dev/zero', PathInContainer: '/dev/nothing', CgroupPermissions: 'r' },
  ]),
  DeviceCgroupRules: fc.constant(['c 1:3 mr']),
  MaskedPaths: fc.constant(['/proc/kcore']),
  ReadonlyPaths: fc.constant(['/proc/sys']),
});

const rest = some({
  RestartPolicy: pick<object>(
    { Name: 'always' },
    { Name: 'unless-stopped' },
    { Name: 'on-failure', MaximumRetryCount: 4 },
    { Name: 'no' },
  ),
  LogConfig: pick<object>(
    { Type: 'json-file', Config: { 'max-size': '1m', 'max-file': '3', tag: '{{.Name}}' } },
    { Type: 'local', Config: {} },
    { Type: 'none', Config: {} },
  ),
  Init: fc.boolean(),
  CgroupnsMode: pick('private', 'host'),
  Runtime: fc.constant('runc'),
});

const volumes = (around: Surroundings) =>
  some({
    Binds: fc.subarray(
      [
        `${around.prefix}-#-named:/named`,
        `${around.prefix}-#-read:/read:ro`,
        `${around.folder}:/folder:rw,private`,
        `${around.folder}:/folder-read:ro`,
        `${around.prefix}-#-plain:/plain:nocopy`,
      ],
      { minLength: 1 },
    ),
    Mounts: fc.subarray(
      [
        { Type: 'bind', Source: around.folder, Target: '/mount/bind', ReadOnly: true },
        { Type: 'volume', Target: '/mount/anonymous' },
        {
          Type: 'volume',
          Source: `${around.prefix}-#-labelled`,
          Target: '/mount/volume',
          VolumeOptions: { NoCopy: true, Labels: { mine: 'yes' } },
        },
        { Type: 'tmpfs', Target: '/mount/tmpfs', TmpfsOptions: { SizeBytes: MiB, Mode: 0o700 } },
      ],
      { minLength: 1 },
    ),
    Tmpfs: fc.constant({ '/scratch': 'rw,noexec,size=65536k' }),
    VolumesFrom: pick([around.neighbour], [`${around.neighbour}:ro`]),
  });

const names = few('front-#', 'shop.internal-#', 'front_2-#');
/** Names that the container resolves; refused beside another's network. */
const resolving = some({
  Dns: fc.constant(['127.0.0.1']),
  DnsSearch: fc.constant(['example.com']),
  DnsOptions: fc.constant(['ndots:2']),
  ExtraHosts: fc.constant(['db:10.0.0.9', 'gateway:host-gateway']),
});
const naming = some({ Hostname: pick('shop-host', 'a'), Domainname: fc.constant('example.com') });
const publishing = pick<Settings>(
  {},
  {},
  { PortBindings: { '8080/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
  { PortBindings: { '8080/tcp': [{ HostPort: '' }, { HostIp: '127.0.0.1', HostPort: '' }] } },
  { PortBindings: { '8080/tcp': [{ HostPort: '' }], '9090/udp': [{ HostIp: '127.0.0.1', HostPort: '' }] } },
  { PublishAllPorts: true },
);

/** As `docker run` has it, and everything that speaks as it does. */
function exposing({ PortBindings }: Settings): Settings {
  if (PortBindings === undefined) return {};
  return { ExposedPorts: Object.fromEntries(Object.keys(Object(PortBindings)).map((port) => [port, {}])) };
}

interface Attached {
  config: Settings;
  hostConfig: Settings;
  endpoints?: Record<string, object>;
  connect?: ChosenSettings['connect'];
}

/** How a container is on networks, with what goes with each way. */
function network(around: Surroundings): fc.Arbitrary<Attached> {
  const [first, second] = around.networks;
  const own = fc.tuple(naming, resolving, publishing).map(([named, resolved, published]): Attached => {
    return {
      config: { ...named, ...exposing(published) },
      hostConfig: { ...resolved, ...published },
    };
  });
  const endpoint = (at: Network) =>
    some({ Aliases: names, address: fc.constant(true), DriverOpts: fc.constant({ mine: 'yes' }) }).map(
      ({ address, ...chosen }) => ({
        ...chosen,
        ...(address === true && { IPAMConfig: { IPv4Address: `${at.subnet}.1#` } }),
      }),
    );
  const bridge = fc.tuple(own, fc.boolean(), pick('default', 'bridge')).map(
    ([attached, linked, mode]): Attached => ({
      ...attached,
      hostConfig: {
        ...attached.hostConfig,
        NetworkMode: mode,
        ...(linked && { Links: [`${around.neighbour}-bridge:db`] }),
      },
    }),
  );
  const ownNetwork = fc
    .tuple(own, endpoint(first), fc.option(endpoint(second), { nil: undefined }), fc.boolean())
    .map(
      ([attached, primary, other, byId]): Attached => ({
        ...attached,
        hostConfig: { ...attached.hostConfig, NetworkMode: byId ? first.id : first.name },
        endpoints: { [byId ? first.id : first.name]: primary },
        ...(other !== undefined && { connect: [{ network: second.name, endpoint: other }] }),
      }),
    );
  const host = resolving.map(
    (hostConfig): Attached => ({
      config: {},
      hostConfig: { ...hostConfig, NetworkMode: 'host' },
    }),
  );
  const none = naming.map(
    (settings): Attached => ({
      config: settings,
      hostConfig: { NetworkMode: 'none' },
    }),
  );
  const shared: fc.Arbitrary<Attached> = fc.constant({
    config: {},
    hostConfig: { NetworkMode: `container:${around.neighbour}` },
  });
  return fc.oneof(
    { weight: 3, arbitrary: bridge },
    { weight: 6, arbitrary: ownNetwork },
    { weight: 1, arbitrary: host },
    { weight: 1, arbitrary: none },
    { weight: 1, arbitrary: shared },
  );
}

const namespaces = (around: Surroundings) =>
  some({
    IpcMode: pick('private', 'shareable', 'host', `container:${around.neighbour}`),
    PidMode: pick('host', `container:${around.neighbour}`),
  });

/** Containers over the whole settings space of an engine of API 1.41, each of which it starts. See `asOwn` for `#`. */
export function chosenSettings(around: Surroundings): fc.Arbitrary<ChosenSettings> {
  return fc
    .tuple(
      config,
      command,
      network(around),
      fc.tuple(resources, cpu, rights, rest),
      volumes(around),
      namespaces(around),
      fc.boolean(),
    )
    .map(([chosen, words, attached, limits, mounted, shared, sysctl]) => {
      const hostConfig: Settings = Object.assign(
        { ...attached.hostConfig, ...mounted, ...shared },
        ...limits,
      );
      const mode = String(hostConfig.NetworkMode);
      const ownNetwork = mode !== 'host' && !mode.startsWith('container:');
      if (sysctl && ownNetwork) hostConfig.Sysctls = { 'net.core.somaxconn': '1024' };
      if (sysctl && mode === 'host') hostConfig.UTSMode = 'host';
      const { endpoints, connect = [] } = attached;
      return {
        body: {
          ...chosen,
          ...words,
          ...attached.config,
          HostConfig: allowed(hostConfig),
          ...(endpoints !== undefined && { NetworkingConfig: { EndpointsConfig: endpoints } }),
        },
        connect,
      };
    });
}

/** Less what an engine refuses side by side. */
function allowed(hostConfig: Settings): Settings {
  const kept = { ...hostConfig };
  // An init of the container's own would be a stranger's child.
  if (kept.PidMode !== undefined) delete kept.Init;
  return kept;
}

/** With what two containers can't share made its own: `#` is a number from 10 to 99. */
export function asOwn(settings: ChosenSettings, number: number): ChosenSettings {
  const own = (value: unknown): unknown => {
    if (typeof value === 'string') return value.replaceAll('#', String(number));
    if (Array.isArray(value)) return value.map(own);
    if (typeof value !== 'object' || value === null) return value;
    return Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, own(entry)]));
  };
  return own(settings) as ChosenSettings;
}
