import { expect, test } from 'vitest';
import { mayBePlain } from './insecure.ts';

test.each<[string, string[], boolean]>([
  ['localhost:5000', [], true],
  ['127.0.0.1:5000', [], true],
  ['127.9.9.9', [], true],
  ['[::1]:5000', [], true],
  ['192.0.2.7:5000', [], false],
  ['192.0.2.7:5000', ['192.0.2.0/24'], true],
  ['192.0.2.7:5000', ['192.0.2.7:5000'], true],
  ['192.0.2.7:5000', ['192.0.2.7:6000', 'nonsense/99', '192.0.2.7/99'], false],
  ['[2001:db8::5]:5000', ['2001:db8::/32'], true],
  ['registry.invalid:5000', [], false],
  ['registry.invalid:5000', ['registry.invalid:5000'], true],
])('%s with %j: %s', async (host, listed, plain) => {
  expect(await mayBePlain(host, listed)).toBe(plain);
});
