import { describe, expect, test } from 'vitest';
import { type CreateFromRun, createFromRun, type RunDefinition, runDefinitionSchema } from './index.ts';

function create(run: unknown): CreateFromRun {
  const result = createFromRun({ container: 'web', image: 'shop/web:1', run, labels: { ours: '1' } });
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

test('nothing but the image', () => {
  expect(create({})).toEqual({
    body: { Image: 'shop/web:1', Labels: { ours: '1' }, HostConfig: {} },
    networks: [],
    connect: [],
  });
});

describe('each key in each of its forms', () => {
  test.each<[string, unknown, object]>([
    [
      'environment as a map',
      { environment: { A: 'x', B: 1, C: true, D: '' } },
      { Env: ['A=x', 'B=1', 'C=true', 'D='] },
    ],
    ['environment as a list', { environment: ['A=x', 'B=a=b'] }, { Env: ['A=x', 'B=a=b'] }],
    [
      'command as text',
      { command: `sh -c 'echo "$HOME" a\\ b'` },
      { Cmd: ['sh', '-c', 'echo "$HOME" a\\ b'] },
    ],
    ['command as a list', { command: ['a', 'b c'] }, { Cmd: ['a', 'b c'] }],
    ['no entrypoint', { entrypoint: '' }, { Entrypoint: [''] }],
    ['entrypoint', { entrypoint: '/bin/app --x "a b"' }, { Entrypoint: ['/bin/app', '--x', 'a b'] }],
    ['user', { user: '1000:1000' }, { User: '1000:1000' }],
    ['user as a number', { user: 1000 }, { User: '1000' }],
    ['working_dir', { working_dir: '/app' }, { WorkingDir: '/app' }],
    ['hostname', { hostname: 'web-1' }, { Hostname: 'web-1' }],
    [
      'labels as a map',
      { labels: { a: 'b', c: null, ours: 'no' } },
      { Labels: { a: 'b', c: '', ours: '1' } },
    ],
    ['labels as a list', { labels: ['a=b', 'c'] }, { Labels: { a: 'b', c: '', ours: '1' } }],
    [
      'stop',
      { stop_signal: 'SIGINT', stop_grace_period: '1m1500ms' },
      { StopSignal: 'SIGINT', StopTimeout: 62 },
    ],
    ['tty', { tty: true, stdin_open: true }, { Tty: true, OpenStdin: true }],
    [
      'healthcheck as text',
      {
        healthcheck: {
          test: 'wget -q localhost',
          interval: '10s',
          timeout: '500ms',
          retries: 3,
          start_period: '1m',
        },
      },
      {
        Healthcheck: {
          Test: ['CMD-SHELL', 'wget -q localhost'],
          Interval: 10_000_000_000,
          Timeout: 500_000_000,
          Retries: 3,
          StartPeriod: 60_000_000_000,
        },
      },
    ],
    [
      'healthcheck as a list',
      { healthcheck: { test: ['CMD', 'true'] } },
      { Healthcheck: { Test: ['CMD', 'true'] } },
    ],
    ['no healthcheck', { healthcheck: { disable: true } }, { Healthcheck: { Test: ['NONE'] } }],
    ['healthcheck NONE', { healthcheck: { test: ['NONE'] } }, { Healthcheck: { Test: ['NONE'] } }],
  ])('%s', (_name, run, body) => {
    expect(create(run).body).toMatchObject(body);
  });

  test.each<[string, unknown, object]>([
    ['restart', { restart: 'always' }, { RestartPolicy: { Name: 'always' } }],
    ['restart on failure', { restart: 'on-failure' }, { RestartPolicy: { Name: 'on-failure' } }],
    [
      'restart 3 times',
      { restart: 'on-failure:3' },
      { RestartPolicy: { Name: 'on-failure', MaximumRetryCount: 3 } },
    ],
    ['extra_hosts', { extra_hosts: ['a:1.2.3.4', 'b=::1'] }, { ExtraHosts: ['a:1.2.3.4', 'b:::1'] }],
    ['extra_hosts as a map', { extra_hosts: { a: 'host-gateway' } }, { ExtraHosts: ['a:host-gateway'] }],
    ['caps', { cap_add: ['NET_ADMIN'], cap_drop: ['ALL'] }, { CapAdd: ['NET_ADMIN'], CapDrop: ['ALL'] }],
    [
      'privileged',
      { privileged: true, init: true, read_only: true },
      { Privileged: true, Init: true, ReadonlyRootfs: true },
    ],
    ['tmpfs', { tmpfs: '/run' }, { Tmpfs: { '/run': '' } }],
    [
      'tmpfs as a list',
      { tmpfs: ['/run:size=64m,mode=1777', '/tmp'] },
      { Tmpfs: { '/run': 'size=64m,mode=1777', '/tmp': '' } },
    ],
    [
      'limits',
      { mem_limit: '512m', shm_size: 1024, cpus: 0.5 },
      { Memory: 536_870_912, ShmSize: 1024, NanoCpus: 500_000_000 },
    ],
    ['cpus as text', { cpus: '1.25' }, { NanoCpus: 1_250_000_000 }],
    [
      'ulimits',
      { ulimits: { nproc: 65535, nofile: { soft: 1, hard: 2 } } },
      {
        Ulimits: [
          { Name: 'nproc', Soft: 65535, Hard: 65535 },
          { Name: 'nofile', Soft: 1, Hard: 2 },
        ],
      },
    ],
    [
      'logging',
      { logging: { driver: 'json-file', options: { 'max-file': 3 } } },
      { LogConfig: { Type: 'json-file', Config: { 'max-file': '3' } } },
    ],
    [
      'devices',
      { devices: ['/dev/a', '/dev/b:/dev/c:r'] },
      {
        Devices: [
          { PathOnHost: '/dev/a', PathInContainer: '/dev/a', CgroupPermissions: 'rwm' },
          { PathOnHost: '/dev/b', PathInContainer: '/dev/c', CgroupPermissions: 'r' },
        ],
      },
    ],
    ['dns', { dns: '1.1.1.1' }, { Dns: ['1.1.1.1'] }],
    ['sysctls', { sysctls: { 'net.core.somaxconn': 1024 } }, { Sysctls: { 'net.core.somaxconn': '1024' } }],
    [
      'sysctls as a list',
      { sysctls: ['net.core.somaxconn=1024'] },
      { Sysctls: { 'net.core.somaxconn': '1024' } },
    ],
    ['network_mode host', { network_mode: 'host' }, { NetworkMode: 'host' }],
    ['network_mode container', { network_mode: 'container:db' }, { NetworkMode: 'container:db' }],
  ])('%s', (_name, run, host) => {
    expect(create(run).body.HostConfig).toEqual(host);
  });

  test('volumes in all forms', () => {
    const { body } = create({
      volumes: [
        '/anonymous',
        'data:/data',
        '/srv/x:/x:ro,z',
        { type: 'volume', source: 'data', target: '/d', read_only: true, volume: { nocopy: true } },
        { type: 'bind', source: '/srv', target: '/s', bind: { propagation: 'rslave' } },
        { type: 'tmpfs', target: '/t', tmpfs: { size: '1m', mode: 0o1777 } },
        { type: 'volume', target: '/e' },
      ],
    });
    expect(body.Volumes).toEqual({ '/anonymous': {} });
    expect(body.HostConfig).toEqual({
      Binds: ['data:/data', '/srv/x:/x:ro,z'],
      Mounts: [
        { Type: 'volume', Source: 'data', Target: '/d', ReadOnly: true, VolumeOptions: { NoCopy: true } },
        { Type: 'bind', Source: '/srv', Target: '/s', BindOptions: { Propagation: 'rslave' } },
        { Type: 'tmpfs', Target: '/t', TmpfsOptions: { SizeBytes: 1_048_576, Mode: 0o1777 } },
        { Type: 'volume', Target: '/e' },
      ],
    });
  });

  test.each<[unknown, Record<string, { HostIp: string; HostPort: string }[]>]>([
    ['80', { '80/tcp': [{ HostIp: '', HostPort: '' }] }],
    [80, { '80/tcp': [{ HostIp: '', HostPort: '' }] }],
    ['8080:80', { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }],
    ['53:53/udp', { '53/udp': [{ HostIp: '', HostPort: '53' }] }],
    ['127.0.0.1:8080:80', { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] }],
    ['127.0.0.1::80', { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '' }] }],
    ['[::1]:8080:80', { '80/tcp': [{ HostIp: '::1', HostPort: '8080' }] }],
    [
      '3000-3001:4000-4001',
      { '4000/tcp': [{ HostIp: '', HostPort: '3000' }], '4001/tcp': [{ HostIp: '', HostPort: '3001' }] },
    ],
    ['3000-3009:80', { '80/tcp': [{ HostIp: '', HostPort: '3000-3009' }] }],
    [{ target: 80 }, { '80/tcp': [{ HostIp: '', HostPort: '' }] }],
    [
      { target: 80, published: 8080, host_ip: '127.0.0.1', protocol: 'udp' },
      { '80/udp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] },
    ],
    [{ target: 80, published: '8080' }, { '80/tcp': [{ HostIp: '', HostPort: '8080' }] }],
  ])('the port %j', (port, bindings) => {
    const { body } = create({ ports: [port] });
    expect(body.HostConfig.PortBindings).toEqual(bindings);
    expect(Object.keys(body.ExposedPorts ?? {})).toEqual(Object.keys(bindings));
  });

  test('one port published twice keeps both', () => {
    expect(create({ ports: ['80:80', '8080:80'] }).body.HostConfig.PortBindings).toEqual({
      '80/tcp': [
        { HostIp: '', HostPort: '80' },
        { HostIp: '', HostPort: '8080' },
      ],
    });
  });
});

describe('networks', () => {
  test('the first goes along with the create, the others are connected later', () => {
    const created = create({
      networks: { front: null, back: { aliases: ['api', 'web'], ipv4_address: '10.1.0.9' } },
    });
    expect(created.networks).toEqual(['front', 'back']);
    expect(created.body.HostConfig.NetworkMode).toBe('front');
    expect(created.body.NetworkingConfig).toEqual({ EndpointsConfig: { front: { Aliases: ['web'] } } });
    expect(created.connect).toEqual([
      { network: 'back', endpoint: { Aliases: ['web', 'api'], IPAMConfig: { IPv4Address: '10.1.0.9' } } },
    ]);
  });

  test('as a list, one named twice is one', () => {
    expect(create({ networks: ['front', 'front'] })).toMatchObject({ networks: ['front'], connect: [] });
  });

  test('network_mode with a network of that name', () => {
    const created = create({ network_mode: 'front' });
    expect(created.networks).toEqual(['front']);
    expect(created.body.NetworkingConfig).toEqual({ EndpointsConfig: { front: { Aliases: ['web'] } } });
  });

  test('the built-in bridge is not made, and takes no aliases', () => {
    expect(create({ networks: ['bridge'] })).toMatchObject({
      networks: [],
      body: { NetworkingConfig: { EndpointsConfig: { bridge: {} } } },
    });
  });
});

describe('what it can not say is a refusal that names the key', () => {
  test.each<[string, unknown, string]>([
    ['no map', 'docker run', 'run: found "docker run"'],
    ['an unknown key', { imagee: 1 }, 'run.imagee: unknown key'],
    ['a variable without a value', { environment: ['HOME'] }, 'run.environment[0]: found "HOME"'],
    ['a variable that is nothing', { environment: { HOME: null } }, 'run.environment'],
    ['an open quote', { command: 'sh -c "x' }, 'run.command: found'],
    ['a relative host path', { volumes: ['./a:/a'] }, 'run.volumes[0]: found "./a:/a"'],
    ['a bind without a source', { volumes: [{ type: 'bind', target: '/a' }] }, 'run.volumes[0].source'],
    [
      'a tmpfs with a source',
      { volumes: [{ type: 'tmpfs', source: 'x', target: '/a' }] },
      'run.volumes[0].source',
    ],
    ['a volume mode that is none', { volumes: ['a1:/a:rx'] }, 'run.volumes[0]'],
    ['a port of 0', { ports: ['0:80'] }, 'run.ports[0]'],
    ['a port past the last', { ports: [65_536] }, 'run.ports[0]'],
    ['ranges of other lengths', { ports: ['1-3:1-2'] }, 'run.ports[0]'],
    [
      'a misspelled port',
      { ports: [{ target: 80, publish: 1 }] },
      'run.ports[0].publish: unknown key "publish"',
    ],
    ['a duration without a unit', { stop_grace_period: '10' }, 'run.stop_grace_period'],
    ['bytes that are none', { mem_limit: 'much' }, 'run.mem_limit'],
    ['restart', { restart: 'sometimes' }, 'run.restart'],
    ['a health test', { healthcheck: { test: ['RUN', 'x'] } }, 'run.healthcheck.test'],
    ['host as a network', { networks: ['host'] }, 'run.networks[0]'],
    ['networks and network_mode', { networks: ['a'], network_mode: 'host' }, 'run.network_mode'],
    ['no processors', { cpus: 0 }, 'run.cpus'],
    ['a service of compose', { network_mode: 'service:db' }, 'run.network_mode'],
  ])('%s', (_name, run, part) => {
    const result = createFromRun({ container: 'web', image: 'a', run, labels: {} });
    expect(result).toMatchObject({
      ok: false,
      error: { code: 'invalid-run', container: 'web', message: expect.stringContaining(part) },
    });
    if (!result.ok) expect(result.error.message).toMatch(/Correct the map file\.$/);
  });
});

test('the schema knows every key that the description names', () => {
  const known: (keyof RunDefinition)[] = [
    'environment',
    'volumes',
    'ports',
    'command',
    'entrypoint',
    'user',
    'working_dir',
    'hostname',
    'networks',
    'network_mode',
    'restart',
    'labels',
    'healthcheck',
    'stop_signal',
    'stop_grace_period',
    'extra_hosts',
    'cap_add',
    'cap_drop',
    'privileged',
    'tmpfs',
    'mem_limit',
    'cpus',
    'ulimits',
    'init',
    'read_only',
    'logging',
    'shm_size',
    'devices',
    'dns',
    'sysctls',
    'tty',
    'stdin_open',
  ];
  expect(Object.keys(runDefinitionSchema.shape).toSorted()).toEqual(known.toSorted());
});
