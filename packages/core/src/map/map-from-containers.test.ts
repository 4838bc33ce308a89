import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ObservedContainer } from '../protocol/index.ts';
import {
  type AgentDefinition,
  type ContainerDefinition,
  formatMapFile,
  mapFromContainers,
  parseMapFile,
  type ServiceDefinition,
} from './index.ts';

function container(name: string, image: string, composeProject?: string): ObservedContainer {
  return {
    id: `id-${name}`,
    name,
    image,
    imageId: 'sha256:1',
    state: 'running',
    createdAt: '2026-01-01T00:00:00Z',
    ...(composeProject !== undefined && { composeProject }),
  };
}

const LOCAL_AGENT: AgentDefinition = { name: 'local', url: 'unix:///run/towline/agent.sock' };

describe('mapFromContainers', () => {
  test('a server per project, and one per container of none', () => {
    const service = mapFromContainers(
      [
        container('shop-web-1', 'localhost:5000/shop/web:1.2', 'shop'),
        container('shop-db-1', 'postgres:16', 'shop'),
        container('proxy', 'docker.io/library/nginx@sha256:'.concat('0'.repeat(64))),
      ],
      'desk',
    );
    expect(service).toEqual({
      name: 'local',
      builds: [],
      maps: [
        {
          name: 'desk',
          servers: [
            {
              name: 'proxy',
              agent: 'local',
              containers: [{ name: 'proxy', kind: 'common', image: 'nginx' }],
            },
            {
              name: 'shop',
              agent: 'local',
              containers: [
                { name: 'shop-db-1', kind: 'common', image: 'postgres' },
                { name: 'shop-web-1', kind: 'common', image: 'localhost:5000/shop/web' },
              ],
            },
          ],
        },
      ],
    });
  });

  test('what a replacement keeps is left out', () => {
    const service = mapFromContainers(
      [
        container('web', 'a:1'),
        container('web.prev.j1', 'a:0'),
        container('web.next.j2', 'a:2'),
        container('next.web', 'b:1'),
      ],
      'desk',
    );
    expect(service.maps[0]?.servers.map(({ name }) => name)).toEqual(['next.web', 'web']);
  });

  test('a container may have the name of a project', () => {
    const service = mapFromContainers(
      [container('shop', 'a:1'), container('shop-web-1', 'b:1', 'shop')],
      'desk',
    );
    expect(service.maps[0]?.servers.map(({ name, containers }) => [name, containers[0]?.name])).toEqual([
      ['shop', 'shop-web-1'],
      ['shop-2', 'shop'],
    ]);
  });

  test('an image without a name still appears, and is left out of a file with a comment', () => {
    const id = `sha256:${'ab'.repeat(32)}`;
    const service = mapFromContainers(
      [container('odd', id), container('bare', 'ab'.repeat(32)), container('web', 'a:1')],
      'desk',
    );
    expect(service.maps[0]?.servers).toMatchObject([
      { containers: [{ image: 'ab'.repeat(32) }] },
      { containers: [{ image: id }] },
      { containers: [{ image: 'a' }] },
    ]);
    const text = formatMapFile(service, [LOCAL_AGENT]);
    expect(text).toContain('# Left out, because its image has no name: odd/odd');
    expect(text).toContain('# Left out, because its image has no name: bare/bare');
    const parsed = parseMapFile(text);
    expect(parsed.ok && parsed.value.services[0]?.maps[0]?.servers.map(({ name }) => name)).toEqual(['web']);
  });
});

describe('formatMapFile', () => {
  test('is a file that people would write', () => {
    const service = mapFromContainers([container('web', 'nginx:1')], 'desk');
    expect(
      formatMapFile(service, [LOCAL_AGENT]),
    ).toBe(`# The application map file of Towline: which containers are deployed together, on which machine.
# Check it with: towline map check

agents:
  local:
    url: unix:///run/towline/agent.sock
services:
  local:
    maps:
      desk:
        servers:
          web:
            agent: local
            containers:
              - name: web
                image: nginx
`);
  });

  test('parses again to the same', () => {
    const name = fc.stringMatching(/^[a-z0-9][a-z0-9_.]{0,8}$/).filter((text) => text !== '__proto__');
    // Names that YAML would read as something else, and of other scripts.
    const anyName = fc.oneof(
      name,
      fc.constantFrom(
        '1',
        'true',
        'null',
        '1.0',
        '0x1F',
        'データ',
        '#a',
        '*a',
        '"',
        "it's",
        '{a}',
        '<<a',
        '-1'.slice(1),
      ),
    );
    const text = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 });
    const run = fc.record(
      {
        environment: fc.dictionary(
          fc.stringMatching(/^[A-Z_]{1,5}$/),
          fc.oneof(text, fc.integer(), fc.boolean()),
        ),
        command: fc.array(text, { minLength: 1 }),
        ports: fc.uniqueArray(fc.constantFrom('80:80', 81, '127.0.0.1:82:82/udp')),
        tty: fc.boolean(),
      },
      { requiredKeys: [] },
    );
    const image = fc.constantFrom('nginx', 'shop/web', 'localhost:5000/shop/web', 'r.example.com/a/b');
    const service: fc.Arbitrary<ServiceDefinition> = fc
      .record({
        name: anyName,
        map: anyName,
        buildName: anyName,
        version: fc.constantFrom('1.4.0', '1.4', '1', '2026-01-01', 'true'),
        servers: fc.uniqueArray(
          fc.record({
            name: anyName,
            containers: fc.array(
              fc.record(
                { image, built: fc.boolean(), run, settle: fc.nat(3600) },
                { requiredKeys: ['image', 'built'] },
              ),
              { minLength: 1, maxLength: 3 },
            ),
          }),
          { minLength: 1, maxLength: 3, selector: (server) => server.name },
        ),
      })
      .map(({ name: serviceName, map, buildName, version, servers }): ServiceDefinition => {
        let count = 0;
        return {
          name: serviceName,
          builds: [
            {
              name: buildName,
              source: { git: 'https://git.example.com/a.git', ref: 'main' },
              command: { image: 'node:22', run: 'npm ci' },
              image: { name: 'shop/built', version },
              agent: 'local',
            },
          ],
          maps: [
            {
              name: map,
              servers: servers.map((server) => ({
                name: server.name,
                agent: 'local',
                containers: server.containers.map(
                  ({ image: imageName, built, ...rest }): ContainerDefinition => {
                    const base = { name: `c${count++}`, ...rest };
                    return built
                      ? { ...base, kind: 'built', build: buildName, image: 'shop/built' }
                      : { ...base, kind: 'common', image: imageName };
                  },
                ),
              })),
            },
          ],
        };
      });
    fc.assert(
      fc.property(service, (defined) => {
        const written = formatMapFile(defined, [LOCAL_AGENT]);
        const parsed = parseMapFile(written);
        if (!parsed.ok) throw new Error(`${JSON.stringify(parsed.error)}\n${written}`);
        const [back] = parsed.value.services;
        // Keys that are whole numbers come first in a map, whatever the order was.
        const inOrder = (service: ServiceDefinition | undefined) =>
          service?.maps.map((one) => one.servers.toSorted((a, b) => (a.name < b.name ? -1 : 1)));
        expect(inOrder(back)).toEqual(inOrder(defined));
        expect(back?.builds).toEqual(defined.builds);
        expect(back?.name).toBe(defined.name);
        expect(parsed.value.agents).toEqual([LOCAL_AGENT]);
      }),
    );
  });
});
