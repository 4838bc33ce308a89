import { parseMapFile } from '@towline/core/map';
import { expect, test } from 'vitest';
import { demoMap } from './demo-map.ts';

test('the demo’s map is one', () => {
  const text = demoMap({
    registry: 'localhost:5000',
    sockets: { alpha: '/run/alpha.sock', beta: '/run/beta.sock' },
    git: 'file:///srv/storefront.git',
  });
  const parsed = parseMapFile(text);
  expect(parsed).toMatchObject({ ok: true, value: { agents: [{ url: 'unix:///run/alpha.sock' }, {}] } });
  const [shop] = parsed.ok ? parsed.value.services : [];
  const servers = shop?.maps[0]?.servers.map(({ name, containers }) => [name, containers.map((c) => c.name)]);
  expect(servers).toEqual([
    ['web', ['gateway', 'storefront']],
    ['cache', ['cache']],
  ]);
});
