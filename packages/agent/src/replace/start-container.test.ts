import { expect, test } from 'vitest';
import type { ContainerInspect } from '../engine/index.ts';
import { ownerOf, refusedPort } from './start-container.ts';

test.each([
  [
    'driver failed programming external connectivity on endpoint web (2753d075abf6): Bind for 0.0.0.0:8080 failed: port is already allocated',
    8080,
  ],
  ['Bind for [::]:443 failed: port is already allocated', 443],
  ['listen tcp4 0.0.0.0:8080: bind: address already in use', undefined],
  ['no such network', undefined],
])('%s', (message, port) => {
  expect(refusedPort(message)).toBe(port);
});

test('a port is that of the container that has it now', () => {
  const container = (name: string, ports: unknown) =>
    // Of an inspect, what is looked at.
    ({ Name: `/${name}`, NetworkSettings: { Ports: ports } }) as unknown as ContainerInspect;
  const containers = [
    container('stopped', {}),
    container('exposes', { '8080/tcp': null }),
    container('other', { '8080/tcp': [{ HostIp: '0.0.0.0', HostPort: '80' }] }),
    container('holder', { '80/tcp': [{ HostIp: '127.0.0.1', HostPort: '8080' }] }),
  ];
  expect(ownerOf(8080, containers)).toBe('holder');
  expect(ownerOf(443, containers)).toBeUndefined();
});
