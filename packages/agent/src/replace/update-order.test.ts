import type { UpdateOrder } from '@towline/core/job';
import { expect, test } from 'vitest';
import type { JsonObject } from './json.ts';
import { updateOrder } from './update-order.ts';

const running: JsonObject = { Name: '/web', State: { Running: true } };

function orderOf(body: JsonObject, asked: UpdateOrder | undefined = 'start-first', old = running) {
  return updateOrder(asked, old, { body, connect: [] });
}

const plain: JsonObject = { HostConfig: { NetworkMode: 'front' } };

test('what the map says, and stop-first where it says nothing', () => {
  expect(orderOf(plain)).toEqual({ ok: true, value: 'start-first' });
  expect(orderOf(plain, 'stop-first')).toEqual({ ok: true, value: 'stop-first' });
  expect(updateOrder(undefined, running, { body: plain, connect: [] })).toEqual({
    ok: true,
    value: 'stop-first',
  });
});

test('one that does not run has nothing to go on with, whatever it holds', () => {
  const stopped = { ...running, State: { Running: false } };
  const body = { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '80' }] } } };
  expect(orderOf(body, 'start-first', stopped)).toEqual({ ok: true, value: 'stop-first' });
});

const onFront = (endpoint: JsonObject): JsonObject => ({
  HostConfig: { NetworkMode: 'front' },
  NetworkingConfig: { EndpointsConfig: { front: endpoint } },
});

test.each<[string, JsonObject]>([
  ['on the host’s own network', { HostConfig: { NetworkMode: 'host' } }],
  ['shares the network of db', { HostConfig: { NetworkMode: 'container:db' } }],
  ['publishes 80/tcp on the host', { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '8080' }] } } }],
  ['publishes 80/tcp on the host', { HostConfig: { PortBindings: { '80/tcp': [{ HostPort: '' }] } } }],
  ['publishes all its ports', { HostConfig: { PublishAllPorts: true } }],
  ['static address 10.1.0.9 on front', onFront({ IPAMConfig: { IPv4Address: '10.1.0.9' } })],
  ['static address fd00::9 on front', onFront({ IPAMConfig: { IPv6Address: 'fd00::9' } })],
  ['MAC address 02:42:00:00:00:01', onFront({ MacAddress: '02:42:00:00:00:01' })],
  ['MAC address 02:42:00:00:00:01', { MacAddress: '02:42:00:00:00:01' }],
  ['write to /data', { HostConfig: { Binds: ['/srv/data:/data'] } }],
  ['write to /data', { HostConfig: { Binds: ['data:/data:z'] } }],
  ['write to /data', { HostConfig: { Mounts: [{ Type: 'volume', Source: 'data', Target: '/data' }] } }],
  ['write to the volumes of db', { HostConfig: { VolumesFrom: ['db'] } }],
])('forbidden: %s (%o)', (reason, body) => {
  const order = orderOf(body);
  expect(order).toMatchObject({ ok: false, error: { code: 'start-first-forbidden', container: 'web' } });
  if (!order.ok) expect(order.error.message).toContain(reason);
  // It is a reason against start-first alone.
  expect(orderOf(body, 'stop-first').ok).toBe(true);
});

test('a network that is connected later counts, and all reasons are said', () => {
  const endpoint = { IPAMConfig: { IPv4Address: '10.2.0.9' } };
  const body = { HostConfig: { NetworkMode: 'front', Binds: ['data:/data'] } };
  const order = updateOrder('start-first', running, { body, connect: [{ network: 'back', endpoint }] });
  expect(order.ok).toBe(false);
  if (!order.ok) {
    expect(order.error.message).toContain('10.2.0.9 on back, and both would write to /data');
  }
});

test.each<[string, JsonObject]>([
  ['a bind that is read-only', { Binds: ['/etc/web:/etc/web:ro', '/a:/b:z,ro'] }],
  ['a mount that is read-only', { Mounts: [{ Type: 'bind', Source: '/a', Target: '/b', ReadOnly: true }] }],
  ['a tmpfs', { Tmpfs: { '/run': '' }, Mounts: [{ Type: 'tmpfs', Target: '/tmp' }] }],
  ['volumes of another, read-only', { VolumesFrom: ['db:ro'] }],
  ['the IPC and the processes of another', { IpcMode: 'container:db', PidMode: 'container:db' }],
])('allowed: %s', (_, hostConfig) => {
  expect(orderOf({ HostConfig: { NetworkMode: 'front', ...hostConfig } })).toEqual({
    ok: true,
    value: 'start-first',
  });
});
