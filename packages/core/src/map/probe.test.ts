import { describe, expect, test } from 'vitest';
import { formatMapFile, parseMapFile } from './index.ts';

const file = (web: string) => `agents:
  local: { url: "unix:///run/towline/agent.sock" }
services:
  shop:
    maps:
      demo:
        servers:
          web:
            agent: local
            containers:
              - name: db
                image: postgres
                probe: { tcp: 5432 }
              - name: web
                image: nginx
${web
  .split('\n')
  .map((line) => `                ${line}`)
  .join('\n')}
`;

function webOf(text: string) {
  const parsed = parseMapFile(file(text));
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.services[0]?.maps[0]?.servers[0]?.containers[1];
}

function problemsIn(text: string): string[] {
  const parsed = parseMapFile(file(text));
  if (parsed.ok) throw new Error('it parsed');
  return parsed.error.map(
    ({ line, path, message, expected }) =>
      `${line} ${path.replace('services.shop.maps.demo.servers.web.containers', '')}: ${message}; ${expected}`,
  );
}

const timing = { intervalMs: 1_000, timeoutMs: 5_000, startPeriodMs: 30_000, retries: 3 };

describe('a probe of the map file, as the agent gets it', () => {
  test('HTTP, with what holds where nothing is said', () => {
    expect(webOf('probe: { http: /health, port: 8080 }')?.probe).toEqual({
      check: { kind: 'http', path: '/health', port: 8080, statuses: [[200, 399]] },
      ...timing,
    });
  });

  test('TCP, with every time said', () => {
    const words = 'probe: { tcp: 80, interval: 250ms, timeout: 2s, start_period: 1m30s, retries: 10 }';
    expect(webOf(words)?.probe).toEqual({
      check: { kind: 'tcp', port: 80 },
      intervalMs: 250,
      timeoutMs: 2_000,
      startPeriodMs: 90_000,
      retries: 10,
    });
  });

  test.each([
    ['204', [[204, 204]]],
    ['"200-299"', [[200, 299]]],
    [
      '[200, "401-403"]',
      [
        [200, 200],
        [401, 403],
      ],
    ],
  ])('the status %s', (words, statuses) => {
    expect(webOf(`probe: { http: /, port: 1, status: ${words} }`)?.probe).toMatchObject({
      check: { statuses },
    });
  });

  test.each([
    ['{ http: /a, tcp: 80 }', '16 [1].probe.tcp: found the number 80; either http or tcp, not both'],
    ['{ interval: 1s }', '16 [1].probe: found a map; http (a path) with port, or tcp (a port)'],
    [
      '{ http: /a }',
      '16 [1].probe.port: the key "port" is missing; the port that it listens on in the container, from 1 to 65535',
    ],
    [
      '{ tcp: 70000 }',
      '16 [1].probe.tcp: found the number 70000; the port that it listens on in the container, from 1 to 65535',
    ],
    [
      '{ http: health, port: 1 }',
      '16 [1].probe.http: found "health"; a path such as /health, at most 2000 characters, without spaces',
    ],
    [
      '{ http: /a, port: 1, status: "299-200" }',
      '16 [1].probe.status: found "299-200"; an HTTP status such as 200, or a range such as "200-299"',
    ],
    [
      '{ tcp: 1, interval: 5 }',
      '16 [1].probe.interval: found the number 5; a duration with its unit from 100ms to 1h, such as 5s',
    ],
    [
      '{ tcp: 1, timeout: 1h }',
      '16 [1].probe.timeout: found "1h"; a duration with its unit from 100ms to 5m, such as 5s',
    ],
    [
      '{ tcp: 1, retrys: 5 }',
      '16 [1].probe.retrys: unknown key "retrys", did you mean "retries"?; one of http, port, status, tcp, interval, timeout, start_period, retries',
    ],
  ])('%s is told with its line and what was expected', (words, problem) => {
    expect(problemsIn(`probe: ${words}`)).toEqual([problem]);
  });
});

describe('depends_on', () => {
  test('names other containers of the server', () => {
    expect(webOf('depends_on: [db]')?.dependsOn).toEqual(['db']);
  });

  test.each([
    [
      'depends_on: [dbb]',
      '16 [1].depends_on[0]: this server has no container "dbb", did you mean "db"?; one of db',
    ],
    ['depends_on: db', '16 [1].depends_on: found "db"; a list of other containers of this server'],
    [
      'depends_on: [web]',
      '16 [1].depends_on: containers wait for each other: web → web; an order in which each comes after what it depends on',
    ],
  ])('%s', (words, problem) => {
    expect(problemsIn(words)).toEqual([problem]);
  });

  test('a circle of two is told once', () => {
    const text = file('depends_on: [db]').replace('probe: { tcp: 5432 }', 'depends_on: [web]');
    const parsed = parseMapFile(text);
    expect(parsed.ok ? [] : parsed.error.map(({ line, message }) => `${line} ${message}`)).toEqual([
      '13 containers wait for each other: db → web → db',
    ]);
  });
});

test('what is formatted parses again to the same', () => {
  const parsed = parseMapFile(
    file('probe: { http: /a, port: 8, status: [200, "401-403"], start_period: 0s }\ndepends_on: [db]'),
  );
  const [service] = parsed.ok ? parsed.value.services : [];
  if (!parsed.ok || service === undefined) throw new Error('it does not parse');
  expect(parseMapFile(formatMapFile(service, parsed.value.agents))).toEqual(parsed);
});
