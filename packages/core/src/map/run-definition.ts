import * as z from 'zod';
import { either, keys, listOf, read, text, wholeNumber, yesOrNo } from './expecting.ts';
import { type PublishedPort, parsePorts } from './ports.ts';
import { parseBytes, parseDuration } from './quantity.ts';
import { shellWords } from './shell-words.ts';
import { type EngineMount, isAbsolute, isVolumeName, parseVolume, type VolumeDefinition } from './volumes.ts';

/** A value that YAML may read as a number or as true: they are text to a container. */
const scalar = either(
  [z.string(), z.number().transform(String), z.boolean().transform(String)],
  'text, a number, or true or false',
);

/** `KEY: value` as a map, or `KEY=value` as a list; read as entries, in order. */
function pairs(what: string) {
  const expected = `a map of ${what}, or a list of ${what} as NAME=value`;
  return either(
    [
      z.record(z.string(), scalar, { error: expected }).transform((map): Pair[] => Object.entries(map)),
      listOf(
        read(`NAME=value; there is no shell to take it from`, (line): Pair | undefined => {
          const at = line.indexOf('=');
          return at < 1 ? undefined : [line.slice(0, at), line.slice(at + 1)];
        }),
        expected,
      ),
    ],
    expected,
  );
}
type Pair = [name: string, value: string];

/** Labels without a value are labels too. */
const labels = either(
  [
    z
      .record(z.string(), either([scalar, z.null().transform(() => '')], 'text'))
      .transform((map): Pair[] => Object.entries(map)),
    listOf(z.string(), 'a list of labels').transform((list) =>
      list.map((line): Pair => {
        const at = line.indexOf('=');
        return at < 0 ? [line, ''] : [line.slice(0, at), line.slice(at + 1)];
      }),
    ),
  ],
  'a map of labels, or a list of labels as NAME=value',
);

const command = either(
  [
    read('a command with its quotes closed', shellWords),
    listOf(z.string({ error: 'text' }), 'a list of words'),
  ],
  'a command as text or as a list of words',
);

const bytes = either(
  [wholeNumber('bytes', 0), read('bytes, such as 512m or 1gb', parseBytes)],
  'bytes, such as 512m or 1gb',
);
const duration = read('a duration with its unit, such as 10s or 1m30s', parseDuration);
const texts = (expected: string) => listOf(text(expected), expected);
const oneOrMore = (expected: string) =>
  either([text(expected).transform((one) => [one]), texts(expected)], expected);

const PORT = 'a port such as "80", "8080:80" or "127.0.0.1:8080:80/udp"';
const portNumber = wholeNumber('a port from 1 to 65535', 1, 65_535);
const port = either(
  [
    read(PORT, parsePorts),
    portNumber.transform((target): PublishedPort[] => [
      { container: `${target}/tcp`, hostIp: '', hostPort: '' },
    ]),
    keys(
      {
        target: portNumber,
        published: either(
          [
            portNumber.transform(String),
            text('a port or a range of ports', (value) => /^\d+(-\d+)?$/.test(value)),
          ],
          'a port or a range of ports',
        ).optional(),
        host_ip: text('an address').optional(),
        protocol: z.enum(['tcp', 'udp', 'sctp'], { error: 'tcp, udp or sctp' }).optional(),
        mode: z.literal('host', { error: 'host: there is no cluster' }).optional(),
        name: z.string().optional(),
        app_protocol: z.string().optional(),
      },
      PORT,
    ).transform(({ target, published, host_ip, protocol }): PublishedPort[] => [
      { container: `${target}/${protocol ?? 'tcp'}`, hostIp: host_ip ?? '', hostPort: published ?? '' },
    ]),
  ],
  PORT,
);

const VOLUME = 'a volume such as data:/data, /srv/data:/data:ro or /data (a host path is absolute)';
const volume = either(
  [
    read(VOLUME, parseVolume),
    keys(
      {
        type: z.enum(['bind', 'volume', 'tmpfs'], { error: 'bind, volume or tmpfs' }),
        source: text('a volume name or an absolute path').optional(),
        target: text('an absolute path in the container', isAbsolute),
        read_only: yesOrNo().optional(),
        bind: keys({ propagation: text('a propagation').optional() }, 'options of a bind').optional(),
        volume: keys({ nocopy: yesOrNo().optional() }, 'options of a volume').optional(),
        tmpfs: keys(
          { size: bytes.optional(), mode: wholeNumber('a file mode').optional() },
          'options of a tmpfs',
        ).optional(),
      },
      VOLUME,
    ).transform((long, context): VolumeDefinition => {
      const { type, source, target } = long;
      const fits =
        type === 'tmpfs'
          ? source === undefined
          : type === 'bind'
            ? source !== undefined && isAbsolute(source)
            : source === undefined || isVolumeName(source);
      if (!fits) {
        const expected = { bind: 'an absolute path', volume: 'the name of a volume', tmpfs: 'no source' }[
          type
        ];
        context.addIssue({ code: 'custom', path: ['source'], message: expected });
        return z.NEVER;
      }
      const { size, mode } = long.tmpfs ?? {};
      const mount: EngineMount = {
        Type: type,
        ...(source !== undefined && { Source: source }),
        Target: target,
        ...(long.read_only !== undefined && { ReadOnly: long.read_only }),
        ...(long.bind?.propagation !== undefined && { BindOptions: { Propagation: long.bind.propagation } }),
        ...(long.volume?.nocopy !== undefined && { VolumeOptions: { NoCopy: long.volume.nocopy } }),
        ...(long.tmpfs !== undefined && {
          TmpfsOptions: {
            ...(size !== undefined && { SizeBytes: size }),
            ...(mode !== undefined && { Mode: mode }),
          },
        }),
      };
      return { kind: 'mount', mount };
    }),
  ],
  VOLUME,
);

/** A network of a container, with what it is called there. */
export interface RunNetwork {
  name: string;
  aliases: string[];
  ipv4?: string;
  ipv6?: string;
}

const networkName = text(
  'the name of a network; host and none go into network_mode',
  (name) => /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(name) && name !== 'host' && name !== 'none',
);
const networks = either(
  [
    listOf(networkName, 'a list of networks').transform((names) =>
      names.map((name): RunNetwork => ({ name, aliases: [] })),
    ),
    z
      .record(
        networkName,
        either(
          [
            z.null().transform(() => ({})),
            keys(
              {
                aliases: texts('a list of names').optional(),
                ipv4_address: text('an IPv4 address', (value) => /^\d+(\.\d+){3}$/.test(value)).optional(),
                ipv6_address: text('an IPv6 address', (value) => /^[0-9a-fA-F:]+$/.test(value)).optional(),
              },
              'options of the network',
            ),
          ],
          'nothing, or a map with aliases',
        ),
      )
      .transform((map) =>
        Object.entries(map).map(([name, options]): RunNetwork => {
          const { aliases, ipv4_address, ipv6_address }: NetworkOptions = options;
          return {
            name,
            aliases: aliases ?? [],
            ...(ipv4_address !== undefined && { ipv4: ipv4_address }),
            ...(ipv6_address !== undefined && { ipv6: ipv6_address }),
          };
        }),
      ),
  ],
  'a list of networks, or a map of networks with their aliases',
);
interface NetworkOptions {
  aliases?: string[] | undefined;
  ipv4_address?: string | undefined;
  ipv6_address?: string | undefined;
}

const NETWORK_MODE = 'bridge, host, none, container:NAME or the name of a network';
const networkMode = text(NETWORK_MODE, (mode) => /^(container:)?[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(mode));

const RESTART = 'no, always, unless-stopped, on-failure or on-failure:N';
const restart = read(RESTART, (value): { Name: string; MaximumRetryCount?: number } | undefined => {
  if (value === 'no' || value === 'always' || value === 'unless-stopped') return { Name: value };
  const [, times] = /^on-failure(?::(\d{1,9}))?$/.exec(value) ?? [undefined, 'none'];
  if (times === 'none') return undefined;
  return { Name: 'on-failure', ...(times !== undefined && { MaximumRetryCount: Number(times) }) };
});

const HEALTH_TEST = 'a command, or a list that begins with NONE, CMD or CMD-SHELL';
const healthcheck = keys(
  {
    test: either(
      [
        text(HEALTH_TEST).transform((line) => ['CMD-SHELL', line]),
        texts(HEALTH_TEST).refine(
          ([kind, ...words]) =>
            kind === 'NONE'
              ? words.length === 0
              : (kind === 'CMD' || kind === 'CMD-SHELL') && words.length > 0,
          { error: HEALTH_TEST },
        ),
      ],
      HEALTH_TEST,
    ).optional(),
    interval: duration.optional(),
    timeout: duration.optional(),
    retries: wholeNumber('a number of retries').optional(),
    start_period: duration.optional(),
    start_interval: duration.optional(),
    disable: yesOrNo().optional(),
  },
  'a map with test, interval, timeout, retries, start_period or disable',
);

const HOST = 'a host as name:address';
const extraHosts = either(
  [
    listOf(
      read(HOST, (value) => {
        const [, host, address] = /^([^\s:=]+)[:=](\S+)$/.exec(value) ?? [];
        return host === undefined ? undefined : `${host}:${address}`;
      }),
      'a list of hosts',
    ),
    z
      .record(z.string(), text('an address'))
      .transform((map) => Object.entries(map).map(([host, address]) => `${host}:${address}`)),
  ],
  'a list of hosts as name:address, or a map of them',
);

const ulimit = either(
  [
    wholeNumber('a limit', -1).transform((limit) => ({ soft: limit, hard: limit })),
    keys({ soft: wholeNumber('a limit', -1), hard: wholeNumber('a limit', -1) }, 'a limit, or soft and hard'),
  ],
  'a limit, or a map with soft and hard',
);

const DEVICE = 'a device such as /dev/sda or /dev/sda:/dev/xvda:rwm';
const device = read(DEVICE, (value) => {
  const [, host = '', inside = host, permissions = 'rwm'] =
    /^(\/[^:]*)(?::(\/[^:]*))?(?::([rwm]{1,3}))?$/.exec(value) ?? [];
  if (host === '') return undefined;
  return { PathOnHost: host, PathInContainer: inside, CgroupPermissions: permissions };
});

const TMPFS = 'a path in the container such as /run or /run:size=64m';
const CPUS = 'a number of processors such as 0.5';
const positive = (value: number) => value > 0 && value <= 10_000;

/**
 * How to create a container that does not exist: keys of the Compose Specification, both forms of each where it has two.
 * It is read to what the engine takes. Two differences: nothing is interpolated (`$` is a dollar), and nothing is taken
 * from a shell's environment, because the agent has none that anybody meant.
 */
export const runDefinitionSchema = keys(
  {
    environment: pairs('variables').optional(),
    volumes: listOf(volume, 'a list of volumes').optional(),
    ports: listOf(port, 'a list of ports').optional(),
    command: command.optional(),
    entrypoint: command.optional(),
    user: either(
      [text('a user'), wholeNumber('a user').transform(String)],
      'a user or its number',
    ).optional(),
    working_dir: text('an absolute path', isAbsolute).optional(),
    hostname: text('a host name', (name) => /^[a-zA-Z0-9][a-zA-Z0-9.-]{0,62}$/.test(name)).optional(),
    networks: networks.optional(),
    network_mode: networkMode.optional(),
    restart: restart.optional(),
    labels: labels.optional(),
    healthcheck: healthcheck.optional(),
    stop_signal: text('a signal such as SIGTERM').optional(),
    stop_grace_period: duration.optional(),
    extra_hosts: extraHosts.optional(),
    cap_add: texts('a list of capabilities').optional(),
    cap_drop: texts('a list of capabilities').optional(),
    privileged: yesOrNo().optional(),
    tmpfs: either(
      [text(TMPFS, isAbsolute).transform((one) => [one]), listOf(text(TMPFS, isAbsolute), 'a list of paths')],
      TMPFS,
    ).optional(),
    mem_limit: bytes.optional(),
    cpus: either(
      [
        z.number().refine(positive, { error: CPUS }),
        read(CPUS, (value) =>
          /^\d+(\.\d+)?$/.test(value) && positive(Number(value)) ? Number(value) : undefined,
        ),
      ],
      CPUS,
    ).optional(),
    ulimits: z.record(z.string(), ulimit, { error: 'a map of limits' }).optional(),
    init: yesOrNo().optional(),
    read_only: yesOrNo().optional(),
    logging: keys(
      {
        driver: text('a log driver').optional(),
        options: z.record(z.string(), scalar, { error: 'a map of options' }).optional(),
      },
      'a map with driver and options',
    ).optional(),
    shm_size: bytes.optional(),
    devices: listOf(device, 'a list of devices').optional(),
    dns: oneOrMore('an address, or a list of addresses').optional(),
    sysctls: pairs('settings').optional(),
    tty: yesOrNo().optional(),
    stdin_open: yesOrNo().optional(),
  },
  'a map that says how to create the container',
).superRefine(({ networks: named, network_mode: mode }, context) => {
  if (named !== undefined && mode !== undefined) {
    context.addIssue({
      code: 'custom',
      path: ['network_mode'],
      message: 'either networks or network_mode, not both',
    });
  }
});

/** `run`, read. */
export type RunDefinition = z.output<typeof runDefinitionSchema>;
