import { expect, test } from 'vitest';
import { Locks } from './locks.ts';

test('a server and its containers are held by one job until it lets go', () => {
  const locks = new Locks();
  locks.take('j1', 'shop/demo/web', ['gateway', 'storefront']);
  expect(locks.holder('shop/demo/web', [])).toBe('j1');
  expect(locks.holder('shop/other/web', ['storefront'])).toBe('j1');
  expect(locks.holder('shop/demo/db', ['postgres'])).toBeUndefined();
  locks.take('j2', 'shop/demo/db', ['postgres']);
  locks.release('j1');
  expect(locks.holder('shop/demo/web', ['gateway', 'storefront'])).toBeUndefined();
  expect(locks.holder('shop/demo/web', ['postgres'])).toBe('j2');
});

test('a job takes more containers, all or none, and not from another', () => {
  const locks = new Locks();
  locks.take('j1', 'shop/demo/web', ['gateway']);
  locks.take('j2', 'shop/demo/db', ['postgres']);
  expect(locks.claim('j1', ['sidecar', 'postgres'])).toBe('j2');
  expect(locks.holder('shop/demo/other', ['sidecar'])).toBeUndefined();
  expect(locks.claim('j1', ['sidecar', 'gateway'])).toBeUndefined();
  expect(locks.holder('shop/demo/other', ['sidecar'])).toBe('j1');
  locks.release('j1');
  expect(locks.holder('shop/demo/other', ['sidecar'])).toBeUndefined();
});
