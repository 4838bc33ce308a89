import type { ServiceDefinition } from '@towline/core/map';
import { expect, test } from 'vitest';
import { pickMap } from './pick-map.ts';

const shop = service('shop', 'production', 'staging');
const blog = service('blog', 'production');

function service(name: string, ...maps: string[]): ServiceDefinition {
  return { name, builds: [], maps: maps.map((map) => ({ name: map, servers: [] })) };
}

test.each<[string, ServiceDefinition[], { service?: string; map?: string }, string]>([
  ['one of each', [blog], {}, 'blog/production'],
  ['a map by name', [shop], { map: 'staging' }, 'shop/staging'],
  ['a service by name', [shop, blog], { service: 'blog' }, 'blog/production'],
  ['both', [shop, blog], { service: 'shop', map: 'production' }, 'shop/production'],
])('%s', (_name, services, wanted, expected) => {
  const picked = pickMap(services, wanted);
  expect(picked.ok && `${picked.value.service.name}/${picked.value.map.name}`).toBe(expected);
});

test.each<[ServiceDefinition[], { service?: string; map?: string }, string]>([
  [[shop, blog], {}, '--service one of shop, blog'],
  [[shop], {}, '--map one of production, staging'],
  [[shop], { service: 'shoop' }, 'no service shoop. It has shop'],
  [[shop], { map: 'prod' }, 'no map prod. It has production, staging'],
  [[], {}, 'no service'],
])('what is missing or wrong is named: %#', (services, wanted, part) => {
  const picked = pickMap(services, wanted);
  expect(picked).toMatchObject({ ok: false, error: { code: 'usage' } });
  expect(!picked.ok && picked.error.message).toContain(part);
});
