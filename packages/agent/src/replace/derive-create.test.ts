import { describe, expect, test } from 'vitest';
import { type DeriveInput, deriveCreate } from './derive-create.ts';
import { fixture } from './fixtures/index.ts';
import { type JsonObject, object, text, texts } from './json.ts';

function derive(name: string, change: Partial<DeriveInput> = {}) {
  const { container, image } = fixture(name);
  return deriveCreate({
    container,
    oldImage: image,
    image: 'registry.example/shop/gateway:1.1.0',
    labels: { 'io.towline.job': 'j1' },
    apiVersion: '1.41',
    nameOf: (id) => (id.startsWith('e718c3a610e9') ? 'donor' : id === 'volumes' ? 'volumes' : undefined),
    mountsOf: () => [],
    ...change,
  });
}

function bodyOf(name: string, change: Partial<DeriveInput> = {}): JsonObject {
  const derived = derive(name, change);
  if (!derived.ok) throw new Error(derived.error.message);
  return derived.value.body;
}

test('of a container for which nothing was chosen, nothing but its engine settings is left', () => {
  const { HostConfig, NetworkingConfig, StdinOnce, OpenStdin, Tty, ...body } = bodyOf('plain');
  expect({ StdinOnce, OpenStdin, Tty }).toEqual({ StdinOnce: false, OpenStdin: false, Tty: false });
  expect(NetworkingConfig).toEqual({ EndpointsConfig: { bridge: {} } });
  const volume = fixture('plain').container.Mounts;
  expect(body).toEqual({
    Image: 'registry.example/shop/gateway:1.1.0',
    Labels: { 'io.towline.job': 'j1' },
  });
  // The image asked for a volume; its data stays with the name.
  const name = Array.isArray(volume) ? text(object(volume[0]).Name) : '';
  expect(texts(object(HostConfig).Binds)).toEqual([`${name}:/data:rw`]);
});

test('what a person chose is carried over, and the labels of an earlier job are not', () => {
  const { HostConfig, NetworkingConfig, ...body } = bodyOf('chosen');
  expect(body).toEqual({
    Image: 'registry.example/shop/gateway:1.1.0',
    Env: ['MINE=1', 'PATH=/opt:/bin'],
    Entrypoint: ['/bin/sh'],
    Cmd: ['/run.sh'],
    Labels: { mine: 'yes', 'io.towline.job': 'j1' },
    User: '1000:1000',
    WorkingDir: '/srv',
    StopSignal: 'SIGQUIT',
    StopTimeout: 25,
    Hostname: 'gateway.example',
    Domainname: 'example.com',
    Tty: true,
    OpenStdin: true,
    StdinOnce: false,
    ExposedPorts: { '8080/tcp': {}, '8443/udp': {}, '9090/tcp': {} },
  });
});

test('HostConfig is carried over verbatim, keys that are not known here included', () => {
  const { container } = fixture('chosen');
  const hostConfig = object({ ...object(container.HostConfig), SomethingNew: { a: [1] } });
  const derived = bodyOf('chosen', { container: { ...container, HostConfig: hostConfig } });
  const { Binds, NetworkMode, ...rest } = object(derived.HostConfig);
  const { Binds: _, NetworkMode: before, ...expected } = hostConfig;
  expect(rest).toEqual(expected);
  expect(before).toBe('default');
  expect(NetworkMode).toBe('default');
  expect(texts(Binds)).toHaveLength(1);
});

describe('command and entrypoint', () => {
  test.each([
    ['both the image’s', 'plain', undefined, undefined],
    ['a command of its own', 'cmd', undefined, ['/run.sh', 'extra']],
    [
      'an entrypoint of its own keeps the command, though it is the image’s',
      'chosen',
      ['/bin/sh'],
      ['/run.sh'],
    ],
    ['an entrypoint that was taken away', 'emptyentry', [''], ['/bin/busybox', 'sh', '/run.sh']],
  ])('%s', (_, name, entrypoint, command) => {
    const body = bodyOf(name);
    expect(body.Entrypoint).toEqual(entrypoint);
    expect(body.Cmd).toEqual(command);
  });
});

describe('healthcheck', () => {
  test.each([
    ['the image’s is left to the new image', 'samehealth', undefined],
    ['NONE was chosen', 'nohealth', { Test: ['NONE'] }],
    [
      'another one was chosen',
      'health',
      { Test: ['CMD-SHELL', '/bin/busybox true'], Interval: 5e9, Timeout: 2e9, Retries: 2 },
    ],
  ])('%s', (_, name, healthcheck) => {
    expect(bodyOf(name).Healthcheck).toEqual(healthcheck);
  });
});

test('volumes: named ones and mounts stay as they were written, anonymous ones are attached by their names', () => {
  const { container } = fixture('volumes');
  const { Binds, Mounts, Tmpfs } = object(bodyOf('volumes').HostConfig);
  const anonymous = (destination: string) => {
    const mounts = Array.isArray(container.Mounts) ? container.Mounts.map(object) : [];
    return text(mounts.find((mount) => mount.Destination === destination)?.Name);
  };
  expect(texts(Binds).toSorted()).toEqual(
    [
      'named:/n:ro',
      '/etc/hostname:/h:ro',
      `${anonymous('/anon')}:/anon:rw`,
      `${anonymous('/data')}:/data:rw`,
    ].toSorted(),
  );
  expect(Mounts).toEqual([{ Type: 'volume', Source: 'mnt', Target: '/m' }]);
  expect(Tmpfs).toEqual({ '/t': '' });
});

describe('networks', () => {
  test('an engine before API 1.44 takes one endpoint at create; the others are connected after it', () => {
    const derived = derive('nets');
    if (!derived.ok) throw new Error(derived.error.message);
    expect(derived.value.body.NetworkingConfig).toEqual({
      EndpointsConfig: { fx1: { IPAMConfig: { IPv4Address: '10.77.1.50' }, Aliases: ['web', 'nets'] } },
    });
    expect(derived.value.connect).toEqual([
      {
        network: 'fx2',
        endpoint: { IPAMConfig: { IPv4Address: '10.77.2.60' }, Aliases: ['second', 'nets'] },
      },
    ]);
  });

  test('a newer one takes all at once', () => {
    const derived = derive('nets', { apiVersion: '1.44' });
    if (!derived.ok) throw new Error(derived.error.message);
    const { EndpointsConfig } = object(derived.value.body.NetworkingConfig);
    expect(Object.keys(object(EndpointsConfig))).toEqual(['fx1', 'fx2']);
    expect(derived.value.connect).toEqual([]);
  });

  test('a MAC address is kept where one was chosen, and never one that was generated', () => {
    expect(bodyOf('mac').MacAddress).toBe('02:42:0a:4d:01:77');
    expect(JSON.stringify(bodyOf('nets'))).not.toContain('MacAddress');
    expect(bodyOf('mac', { apiVersion: '1.44' }).NetworkingConfig).toEqual({
      EndpointsConfig: { fx1: { Aliases: ['mac'], MacAddress: '02:42:0a:4d:01:77' } },
    });
  });

  test('nothing that the engine gave is asked for again', () => {
    for (const name of ['plain', 'nets', 'mac', 'links', 'chosen']) {
      const told = JSON.stringify(bodyOf(name).NetworkingConfig);
      expect(told).not.toMatch(/"(IPAddress|Gateway|EndpointID|NetworkID|DNSNames)"/);
    }
  });

  test('its name is found on networks of one’s own making before it has that name, and no alias on the engine’s', () => {
    expect(bodyOf('mac').NetworkingConfig).toEqual({ EndpointsConfig: { fx1: { Aliases: ['mac'] } } });
    expect(bodyOf('plain').NetworkingConfig).toEqual({ EndpointsConfig: { bridge: {} } });
  });

  test('a link reads as it is created', () => {
    expect(object(bodyOf('links').HostConfig).Links).toEqual(['plain:plain']);
  });

  test('host networking keeps neither the host’s name nor endpoints', () => {
    const body = bodyOf('host');
    expect(body.Hostname).toBeUndefined();
    expect(body.NetworkingConfig).toBeUndefined();
    expect(object(body.HostConfig).NetworkMode).toBe('host');
  });
});

describe('what shares the namespaces of another container', () => {
  test('names it, and asks for nothing that the engine refuses there', () => {
    const body = bodyOf('shared');
    expect(object(body.HostConfig)).toMatchObject({
      NetworkMode: 'container:donor',
      IpcMode: 'container:donor',
      PidMode: 'container:donor',
      VolumesFrom: ['volumes:ro'],
    });
    for (const field of ['Hostname', 'Domainname', 'ExposedPorts', 'NetworkingConfig']) {
      expect(body[field]).toBeUndefined();
    }
    for (const field of ['PortBindings', 'Dns', 'ExtraHosts', 'Links']) {
      expect(object(body.HostConfig)[field]).toBeUndefined();
    }
  });

  test('is refused where that container is gone', () => {
    expect(derive('shared', { nameOf: () => undefined })).toMatchObject({
      ok: false,
      error: { code: 'dead-reference', container: 'shared' },
    });
  });
});

test('one that its engine removes by itself is refused', () => {
  expect(derive('rm')).toMatchObject({ ok: false, error: { code: 'auto-remove', container: 'rm' } });
});

test('a hostname that was generated is not carried over, one that was chosen is', () => {
  expect(bodyOf('plain').Hostname).toBeUndefined();
  expect(bodyOf('chosen').Hostname).toBe('gateway.example');
});

test('neither inspect is changed', () => {
  for (const name of ['chosen', 'shared', 'nets', 'volumes']) {
    const { container, image } = fixture(name);
    const before = JSON.stringify([container, image]);
    derive(name, { container, oldImage: image });
    expect(JSON.stringify([container, image])).toBe(before);
  }
});
