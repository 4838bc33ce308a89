import { expect, test } from 'vitest';
import { FailedTries, peerOf } from './failed-tries.ts';

const limits = { perPeer: 3, overall: 8, windowMs: 1000, peers: 20 };

test('an address that failed too often waits out its window, and others do not', () => {
  const tries = new FailedTries(limits);
  for (const now of [0, 100, 200]) {
    expect(tries.waitMs('a', now)).toBe(0);
    tries.failed('a', now);
  }
  expect(tries.waitMs('a', 300)).toBe(700);
  expect(tries.waitMs('b', 300)).toBe(0);
  expect(tries.waitMs('a', 1000)).toBe(0);
  // Then it is counted anew.
  tries.failed('a', 1000);
  expect(tries.waitMs('a', 1001)).toBe(0);
});

test('tries that are far apart never add up', () => {
  const tries = new FailedTries(limits);
  for (let now = 0; now < 20_000; now += 500) {
    expect(tries.waitMs('a', now)).toBe(0);
    tries.failed('a', now);
  }
});

test('of too many in all only strangers wait, and a known one that fails itself', () => {
  const tries = new FailedTries(limits);
  tries.letIn('known', 'h');
  for (let peer = 0; peer < 8; peer++) tries.failed(`p${peer}`, 0);
  expect(tries.waitMs('stranger', 400)).toBe(600);
  expect(tries.waitMs('known', 400)).toBe(0);
  for (let n = 0; n < 3; n++) tries.failed('known', 400);
  expect(tries.waitMs('known', 400)).toBe(1000);
  expect(tries.waitMs('stranger', 1000)).toBe(0);
});

test('who came with this token before from this address is not locked out by others there', () => {
  const tries = new FailedTries(limits);
  tries.letIn('a', 'mine');
  for (let n = 0; n < 3; n++) tries.failed('a', 0);
  expect(tries.waitMs('a', 400, 'mine')).toBe(0);
  expect(tries.waitMs('a', 400, 'another')).toBe(600);
  expect(tries.waitMs('a', 400)).toBe(600);
  for (let n = 0; n < 3; n++) tries.failed('b', 0);
  expect(tries.waitMs('b', 400, 'mine')).toBe(600);
});

test('remembers no more than it may, and the latest', () => {
  const tries = new FailedTries(limits);
  for (let n = 0; n < 1000; n++) {
    tries.failed(`p${n}`, 0);
    tries.letIn(`k${n}`, 'h');
  }
  expect(tries.size).toBe(3 * limits.peers);
  expect(tries.waitMs('k999', 0)).toBe(0);
  expect(tries.waitMs('k0', 0)).toBe(1000);
});

test.each([
  ['10.0.0.1', '10.0.0.1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:db8:1:2::9', '2001:db8:1:2::/64'],
  ['2001:db8::9', '2001:db8:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  [undefined, 'unknown'],
])('%s is the peer %s', (address, peer) => {
  expect(peerOf(address)).toBe(peer);
});
