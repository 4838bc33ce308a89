import { expect, test } from 'vitest';
import { isOwnContainer, type OwnTraces } from './own-container.ts';

const ID = '0123456789ab'.padEnd(64, 'c');
const nowhere: OwnTraces = { cgroup: '0::/\n', mountinfo: '', hostname: 'build-host' };
const mount = (root: string, point: string) =>
  `612 560 254:1 ${root} ${point} rw,relatime - ext4 /dev/vda1 rw\n`;

test.each<[string, Partial<OwnTraces>, boolean]>([
  ['on a machine', {}, false],
  ['cgroup v1', { cgroup: `12:pids:/docker/${ID}\n11:cpu:/docker/${ID}\n` }, true],
  ['cgroup of systemd', { cgroup: `0::/system.slice/docker-${ID}.scope\n` }, true],
  [
    'cgroup v2: the files that the engine mounts',
    { mountinfo: mount(`/var/lib/docker/containers/${ID}/hostname`, '/etc/hostname') },
    true,
  ],
  [
    'a machine sees the mounts of all its containers',
    { mountinfo: mount('/', `/var/lib/docker/containers/${ID}/mounts/shm`) },
    false,
  ],
  ['the generated host name', { hostname: ID.slice(0, 12) }, true],
  ['a host name that looks like the beginning', { hostname: ID.slice(0, 6) }, false],
  ['another container', { cgroup: `12:pids:/docker/${'f'.repeat(64)}\n` }, false],
])('%s', (_, traces, expected) => {
  expect(isOwnContainer(ID, { ...nowhere, ...traces })).toBe(expected);
});
