import { describe, expect, test } from 'vitest';
import { jsonOf } from './json.ts';
import { type NetworkView, type Reach, reachOf, viewOfContainer, viewOfRequest } from './probe-reach.ts';

const DRIVERS: Readonly<Record<string, string>> = {
  bridge: 'bridge',
  front: 'bridge',
  lan: 'macvlan',
  swarm: 'overlay',
  host: 'host',
  none: 'null',
};
const http = { kind: 'http', path: '/', port: 8080, statuses: [[200, 200]] } as const;

function reach(change: Partial<NetworkView>, rootless = false, kind: 'http' | 'tcp' = 'http'): Reach {
  const view: NetworkView = { mode: 'bridge', networks: [], published: {}, ...change };
  const check =
    kind === 'tcp'
      ? ({ kind, port: 8080 } as const)
      : { ...http, statuses: [[200, 200] as [number, number]] };
  return reachOf(view, check, { rootless, driverOf: (name) => DRIVERS[name] });
}

const at = (host: string, port = 8080): Reach => ({ kind: 'at', place: { host, port } });
const publishedAt = (host: string, port?: number) => ({ '8080/tcp': [{ host, port }] });

describe('where a container is asked', () => {
  test.each<[string, Partial<NetworkView>, Reach]>([
    ['its own address', { networks: [{ name: 'bridge', address: '172.17.0.2' }] }, at('172.17.0.2')],
    [
      'its own, though it publishes the port: the engine’s proxy takes connections for nobody',
      { networks: [{ name: 'front', address: '10.0.0.2' }], published: publishedAt('0.0.0.0', 80) },
      at('10.0.0.2'),
    ],
    ['its address of six', { networks: [{ name: 'front', address: 'fd00::2' }] }, at('fd00::2')],
    [
      'on the first network that the host has a way into',
      {
        mode: 'lan',
        networks: [
          { name: 'lan', address: '192.168.1.9' },
          { name: 'front', address: '10.0.0.2' },
        ],
      },
      at('10.0.0.2'),
    ],
    ['it has no address yet', { networks: [{ name: 'front' }] }, { kind: 'later' }],
    ['on a network that is still to be made', { networks: [{ name: 'new' }] }, { kind: 'later' }],
    ['on the host’s own network', { mode: 'host', networks: [{ name: 'host' }] }, at('127.0.0.1')],
    ['as another container', { mode: 'container:db' }, { kind: 'as', container: 'db' }],
    [
      'through its published port where there is no other way',
      { networks: [{ name: 'swarm', address: '10.0.0.2' }], published: publishedAt('', 32_768) },
      at('127.0.0.1', 32_768),
    ],
    [
      'at one address of the host',
      { networks: [{ name: 'swarm' }], published: publishedAt('192.0.2.1', 80) },
      at('192.0.2.1', 80),
    ],
    [
      'at all of its addresses of six',
      { networks: [{ name: 'swarm' }], published: publishedAt('::', 80) },
      at('::1', 80),
    ],
    [
      'at a port that the engine has not chosen yet',
      { networks: [{ name: 'swarm' }], published: publishedAt('') },
      { kind: 'later' },
    ],
  ])('%s', (_, view, expected) => {
    expect(reach(view)).toEqual(expected);
  });

  test('of a rootless engine only what is published', () => {
    const view = { networks: [{ name: 'bridge', address: '172.17.0.2' }] };
    expect(reach({ ...view, published: publishedAt('', 80) }, true)).toEqual(at('127.0.0.1', 80));
    expect(reach(view, true)).toMatchObject({ kind: 'never', why: expect.stringContaining('rootless') });
    expect(reach({ mode: 'host', networks: [{ name: 'host' }] }, true)).toMatchObject({ kind: 'never' });
  });

  test.each<[string, Partial<NetworkView>, 'http' | 'tcp', string]>([
    ['no network', { mode: 'none', networks: [{ name: 'none' }] }, 'http', 'it is on no network'],
    [
      'beside the host',
      { mode: 'lan', networks: [{ name: 'lan' }] },
      'http',
      'its host has no way into lan (macvlan)',
    ],
    ['cut off from all', { networks: [] }, 'http', 'its host has no way into its networks'],
    [
      'TCP through the engine’s proxy',
      { networks: [{ name: 'swarm' }], published: publishedAt('', 80) },
      'tcp',
      'takes every connection',
    ],
    [
      'another port is published',
      { networks: [{ name: 'swarm' }], published: { '9090/tcp': [{ host: '', port: 80 }] } },
      'http',
      'no way into swarm (overlay)',
    ],
  ])('never: %s', (_, view, kind, why) => {
    expect(reach(view, false, kind)).toMatchObject({ kind: 'never', why: expect.stringContaining(why) });
  });
});

describe('how a container is on the network', () => {
  test.each([
    [{ HostConfig: {} }, 'bridge', ['bridge']],
    [{ HostConfig: { NetworkMode: 'default' } }, 'bridge', ['bridge']],
    [{ HostConfig: { NetworkMode: 'none' } }, 'none', ['none']],
    [
      { HostConfig: { NetworkMode: 'front' }, NetworkingConfig: { EndpointsConfig: { front: {} } } },
      'front',
      ['front', 'back'],
    ],
  ])('that is still to be created with %o', (body, mode, names) => {
    const connect = names.includes('back') ? [{ network: 'back', endpoint: {} }] : [];
    const view = viewOfRequest({ body, connect });
    expect(view.mode).toBe(mode);
    expect(view.networks.map(({ name }) => name)).toEqual(names);
  });

  test('that runs', () => {
    const running = {
      HostConfig: { NetworkMode: 'front', PortBindings: { '80/tcp': [{ HostIp: '', HostPort: '' }] } },
      NetworkSettings: {
        Ports: { '80/tcp': [{ HostIp: '0.0.0.0', HostPort: '32768' }], '90/tcp': null },
        Networks: {
          front: { IPAddress: '10.0.0.2', GlobalIPv6Address: 'fd00::2' },
          six: { IPAddress: '', GlobalIPv6Address: 'fd01::2' },
          stopped: { IPAddress: '', GlobalIPv6Address: '' },
        },
      },
    };
    expect(viewOfContainer(jsonOf(running))).toEqual({
      mode: 'front',
      networks: [
        { name: 'front', address: '10.0.0.2' },
        { name: 'six', address: 'fd01::2' },
        { name: 'stopped', address: undefined },
      ],
      published: { '80/tcp': [{ host: '0.0.0.0', port: 32_768 }], '90/tcp': [] },
    });
  });
});
