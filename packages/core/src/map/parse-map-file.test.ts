import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { describeProblem, MAX_MAP_FILE_BYTES, type MapFile, type MapProblem, parseMapFile } from './index.ts';

/** The example of the product's description, one thing a line. */
const LINES = [
  'agents:',
  '  web-1: { url: "ssh://deploy@web-1" }  # a comment',
  '  db-1: { url: "wss://db-1:7443", token: { file: ~/.config/towline/db-1.token } }',
  'services:',
  '  shop:',
  '    builds:',
  '      storefront:',
  '        source: { git: "https://git.example.com/shop/storefront.git", ref: main }',
  '        command: { image: "node:22", run: "npm ci && npm run build" }',
  '        image: { name: "registry.example.com/shop/storefront", version: "1.4.0", dockerfile: Dockerfile }',
  '        agent: web-1',
  '    maps:',
  '      production:',
  '        servers:',
  '          web:',
  '            agent: web-1',
  '            containers:',
  '              - { name: storefront, build: storefront }',
  '              - { name: nginx, image: nginx }',
  '          db:',
  '            agent: db-1',
  '            containers:',
  '              - name: postgres',
  '                image: docker.io/library/postgres',
  '                run: { environment: { TZ: UTC }, volumes: ["data:/data"], ports: ["5432:5432"] }',
  '                settle: 5',
];
const GOOD = LINES.join('\n');

function problemsOf(text: string): MapProblem[] {
  const result = parseMapFile(text);
  if (result.ok) throw new Error('it parsed');
  return result.error;
}

/** The file with something in it replaced, which has to be there. */
function changed(what: string, by: string): string {
  if (!GOOD.includes(what)) throw new Error(`"${what}" is not in the file`);
  return GOOD.replace(what, by);
}

test('the example parses', () => {
  const expected: MapFile = {
    agents: [
      { name: 'web-1', url: 'ssh://deploy@web-1' },
      { name: 'db-1', url: 'wss://db-1:7443', token: { file: '~/.config/towline/db-1.token' } },
    ],
    services: [
      {
        name: 'shop',
        builds: [
          {
            name: 'storefront',
            source: { git: 'https://git.example.com/shop/storefront.git', ref: 'main' },
            command: { image: 'node:22', run: 'npm ci && npm run build' },
            image: {
              name: 'registry.example.com/shop/storefront',
              version: '1.4.0',
              dockerfile: 'Dockerfile',
            },
            agent: 'web-1',
          },
        ],
        maps: [
          {
            name: 'production',
            servers: [
              {
                name: 'web',
                agent: 'web-1',
                containers: [
                  {
                    name: 'storefront',
                    kind: 'built',
                    build: 'storefront',
                    image: 'registry.example.com/shop/storefront',
                  },
                  { name: 'nginx', kind: 'common', image: 'nginx' },
                ],
              },
              {
                name: 'db',
                agent: 'db-1',
                containers: [
                  {
                    name: 'postgres',
                    kind: 'common',
                    image: 'postgres',
                    run: { environment: { TZ: 'UTC' }, volumes: ['data:/data'], ports: ['5432:5432'] },
                    settle: 5,
                  },
                ],
              },
            ],
          },
        ],
      },
    ],
  };
  expect(parseMapFile(GOOD)).toEqual({ ok: true, value: expected });
});

describe('each problem has its line, its path, what it is and what was expected', () => {
  const servers = 'services.shop.maps.production.servers';
  test.each<[string, string, string, number, string, string, string]>([
    [
      'an unknown key',
      'image: nginx',
      'imagee: nginx',
      19,
      `${servers}.web.containers[1].imagee`,
      'unknown key "imagee", did you mean "image"?',
      'one of name, image, build, run, probe, settle, update, depends_on',
    ],
    [
      'an unknown key far from all',
      'image: nginx',
      'image: nginx, x-y-z: 1',
      19,
      `${servers}.web.containers[1].x-y-z`,
      'unknown key "x-y-z"',
      'one of name',
    ],
    [
      'a wrong type',
      'agent: web-1\n            containers',
      'agent: 5\n            containers',
      16,
      `${servers}.web.agent`,
      'found the number 5',
      'the name of an agent',
    ],
    [
      'a version that YAML reads as a number',
      'version: "1.4.0"',
      'version: 1.4',
      10,
      'services.shop.builds.storefront.image.version',
      'found the number 1.4',
      'in quotes',
    ],
    [
      'a missing key',
      '{ url: "ssh://deploy@web-1" }',
      '{ }',
      2,
      'agents.web-1.url',
      'the key "url" is missing',
      'unix:///',
    ],
    [
      'nothing where a value belongs',
      'agent: web-1\n    maps',
      'agent:\n    maps',
      11,
      'services.shop.builds.storefront.agent',
      'found nothing',
      'the name of an agent',
    ],
    [
      'an unknown agent',
      'agent: db-1',
      'agent: db-2',
      21,
      `${servers}.db.agent`,
      'there is no agent "db-2", did you mean "db-1"?',
      'one of web-1, db-1',
    ],
    [
      'an unknown agent of a build',
      'agent: web-1\n    maps',
      'agent: nowhere\n    maps',
      11,
      'services.shop.builds.storefront.agent',
      'there is no agent "nowhere"',
      'one of web-1, db-1',
    ],
    [
      'an unknown build',
      'build: storefront }',
      'build: sotrefront }',
      18,
      `${servers}.web.containers[0].build`,
      'there is no build "sotrefront", did you mean "storefront"?',
      'one of storefront',
    ],
    [
      'two containers of one name in a server',
      'name: nginx',
      'name: storefront',
      19,
      `${servers}.web.containers[1].name`,
      'the container "storefront" is on the agent web-1 twice',
      'the server web of shop/production has it already',
    ],
    [
      'two containers of one name on an agent',
      'agent: db-1\n            containers:\n              - name: postgres',
      'agent: web-1\n            containers:\n              - name: nginx',
      23,
      `${servers}.db.containers[0].name`,
      'the container "nginx" is on the agent web-1 twice',
      'another name',
    ],
    [
      'a key that is there twice',
      '  shop:\n    builds',
      '  shop: {}\n  shop:\n    builds',
      6,
      'services.shop',
      'the key "shop" is there twice',
      'it is on line 5 already',
    ],
    [
      'neither image nor build',
      '{ name: nginx, image: nginx }',
      '{ name: nginx }',
      19,
      `${servers}.web.containers[1]`,
      'found a map',
      'image (from a registry) or build (made here)',
    ],
    [
      'both image and build',
      'build: storefront }',
      'build: storefront, image: nginx }',
      18,
      `${servers}.web.containers[0].build`,
      'found "storefront"',
      'image or build, not both',
    ],
    [
      'an image with a tag',
      'image: nginx',
      'image: "nginx:1.27"',
      19,
      `${servers}.web.containers[1].image`,
      'found "nginx:1.27"',
      'Leave out the tag :1.27',
    ],
    [
      'an image with a digest',
      'image: nginx',
      `image: "nginx@sha256:${'0'.repeat(64)}"`,
      19,
      `${servers}.web.containers[1].image`,
      'found "nginx@sha256',
      'Leave out the digest',
    ],
    [
      'an image that is none',
      'image: nginx',
      'image: NGINX',
      19,
      `${servers}.web.containers[1].image`,
      'found "NGINX"',
      'Write nginx',
    ],
    [
      'a name of one character',
      'name: nginx',
      'name: n',
      19,
      `${servers}.web.containers[1].name`,
      'found "n"',
      'at least two of',
    ],
    [
      'a name that the engine would not take',
      'name: nginx',
      'name: "ng nx"',
      19,
      `${servers}.web.containers[1].name`,
      'found "ng nx"',
      'a container name as the engine takes it',
    ],
    [
      'a server name that TARGET could not name',
      '          db:',
      '          a/b:',
      20,
      `${servers}.a/b`,
      '"a/b" can\'t be a key here',
      'without spaces, "/" or "="',
    ],
    [
      'something wrong in run',
      '"5432:5432"',
      '"5432:5432", "99999"',
      25,
      `${servers}.db.containers[0].run.ports[1]`,
      'found "99999"',
      'a port such as "80"',
    ],
    [
      'an unknown key in run',
      'volumes:',
      'volumse:',
      25,
      `${servers}.db.containers[0].run.volumse`,
      'unknown key "volumse", did you mean "volumes"?',
      'one of environment',
    ],
    [
      'seconds that are no number',
      'settle: 5',
      'settle: soon',
      26,
      `${servers}.db.containers[0].settle`,
      'found "soon"',
      'whole seconds, from 0 to 3600',
    ],
    [
      'no token over TCP',
      ', token: { file: ~/.config/towline/db-1.token }',
      '',
      3,
      'agents.db-1.token',
      'the key "token" is missing',
      'over TCP an agent wants a token',
    ],
    [
      'TCP in the clear',
      'wss://db-1',
      'ws://db-1',
      3,
      'agents.db-1.url',
      'found "ws://db-1:7443"',
      'for loopback only',
    ],
    [
      'no scheme',
      'ssh://deploy@web-1',
      'web-1',
      2,
      'agents.web-1.url',
      'found "web-1"',
      'begins with unix://',
    ],
    [
      'another scheme',
      'ssh://deploy@web-1',
      'http://web-1',
      2,
      'agents.web-1.url',
      'found "http://web-1"',
      'http:// is none of',
    ],
    [
      'a relative socket',
      'ssh://deploy@web-1',
      'unix://run/agent.sock',
      2,
      'agents.web-1.url',
      '',
      'three slashes',
    ],
    [
      'a port that is none',
      'ssh://deploy@web-1',
      'ssh://web-1:99999',
      2,
      'agents.web-1.url',
      '',
      'from 1 to 65535',
    ],
  ])('%s', (_name, what, by, line, path, message, expected) => {
    const [problem, ...more] = problemsOf(changed(what, by));
    expect(more).toEqual([]);
    expect(problem).toEqual({
      line,
      column: expect.any(Number),
      path,
      message: expect.stringContaining(message),
      expected: expect.stringContaining(expected),
    });
  });

  test('a password does not come back in the message', () => {
    for (const text of [
      changed('ssh://deploy@web-1', 'ssh://deploy:hunter2@web-1'),
      changed('https://git.', 'https://me:hunter2@git.'),
      changed('https://git.', 'https://me:x/hunter2@git.'),
      changed('https://git.', 'me:hunter2@git.'),
    ]) {
      const [problem] = problemsOf(text);
      expect(JSON.stringify(problem)).toContain(':…@');
      expect(JSON.stringify(problem)).not.toContain('hunter2');
    }
  });

  test('all are told at once, in the order of the lines', () => {
    const problems = problemsOf(
      changed('image: nginx', 'imagee: nginx')
        .replace('agent: db-1', 'agent: db-2')
        .replace('ssh://', 'http://'),
    );
    expect(problems.map(({ line }) => line)).toEqual([2, 19, 21]);
  });

  test('no more than people read are told, and how many more there are', () => {
    const many = Array.from({ length: 500 }, (_, at) => `k${at}: 1`).join('\n');
    const problems = problemsOf(`${many}\n${GOOD}`);
    expect(problems).toHaveLength(100);
    expect(problems.at(-1)?.message).toContain('(and 400 more problems after it)');
  });
});

describe('what is no YAML, or too much of it', () => {
  test.each<[string, string, Partial<MapProblem>]>([
    ['empty', '', { line: 1, message: 'the file is empty' }],
    ['only a comment', '# nothing\n', { line: 1, message: 'the file is empty' }],
    ['a word', 'hello', { line: 1, path: '', message: 'found "hello"' }],
    ['a list', '- a\n- b\n', { line: 1, path: '', message: 'found a list' }],
    ['syntax', 'agents:\n  a: [1, 2\nservices: {}\n', { line: 3 }],
    ['an open quote', 'agents: "abc\n', { expected: 'YAML that parses' }],
    ['a tab', 'agents:\n\ta: 1\n', { line: 2, message: 'a tab is used for indentation', expected: 'spaces' }],
    ['a tag', 'agents: !secret 1\n', { line: 1, column: 9, expected: 'plain values, without tags' }],
    ['a second document', 'agents: {}\n---\na: 1\n', { line: 2, expected: 'one document' }],
    [
      'an alias to nothing',
      'agents: *nothing\n',
      { line: 1, message: 'there is no anchor "&nothing" before this' },
    ],
    ['__proto__', 'agents: { __proto__: {} }\n', { line: 1, message: '"__proto__" can\'t be a key' }],
    ['an empty key', 'agents: { "": {} }\n', { line: 1, message: 'a key is empty' }],
    ['a map as a key', '? { a: 1 }\n: 1\n', { line: 1 }],
    ['brackets', '['.repeat(900_000), { line: 1, message: 'it is nested too deeply' }],
    ['braces', '{a: '.repeat(200_000), { line: 1, message: 'it is nested too deeply' }],
    ['dashes', '- '.repeat(400_000), { line: 1, message: 'it is nested too deeply' }],
    [
      'levels by indentation',
      Array.from({ length: 1_300 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      { message: 'it is nested too deeply' },
    ],
    [
      '60 levels',
      Array.from({ length: 60 }, (_, at) => `${' '.repeat(at)}a:`).join('\n'),
      { line: 52, message: 'it is nested too deeply' },
    ],
    [
      'aliases of aliases',
      ['a: &a [x, x, x, x, x, x, x, x, x]']
        .concat(
          [...'bcdefghi'].map(
            (key, at) => `${key}: &${key} [${Array(9).fill(`*${'abcdefgh'[at]}`).join(', ')}]`,
          ),
        )
        .join('\n'),
      { message: 'its aliases (*name) multiply it beyond measure' },
    ],
    [
      'a thousand aliases',
      `a: &a 1\nb: [${Array(1_000).fill('*a').join(', ')}]`,
      { expected: 'at most 100 aliases' },
    ],
    ['10 MB', 'a'.repeat(10_000_000), { line: 1, message: 'the file is larger than 1 MB' }],
    [
      '1 MB in characters, more in bytes',
      'ä'.repeat(MAX_MAP_FILE_BYTES / 2 + 1),
      { message: 'the file is larger than 1 MB' },
    ],
  ])('%s', (_name, text, expected) => {
    const [first] = problemsOf(text);
    expect(first).toMatchObject(expected);
    expect(first?.message.length).toBeLessThan(200);
  });

  test('an alias within itself is a problem like any other, not an endless one', () => {
    expect(problemsOf('agents: &a { x: *a }\nservices: *a\n').length).toBeGreaterThan(0);
  });

  test('a file of nothing but unknown keys, is told about too', () => {
    const text = Array.from({ length: 20_000 }, (_, at) => `k${at}: 1`).join('\n');
    expect(problemsOf(text)).toHaveLength(100);
  });
});

test('anchors and merge keys share settings', () => {
  const text = changed(
    'run: { environment: { TZ: UTC }',
    'run: { <<: &shared { restart: always, tty: true }, environment: { TZ: UTC }',
  );
  const result = parseMapFile(text);
  expect(result.ok && result.value.services[0]?.maps[0]?.servers[1]?.containers[0]?.run).toMatchObject({
    restart: 'always',
    tty: true,
  });
});

test('agents as they may be written', () => {
  for (const url of [
    'unix:///run/towline/agent.sock',
    'ssh://web-1',
    'ssh://deploy@web-1.example.com:2222',
    'ssh://web-1/run/user/1000/towline/agent.sock',
    'ssh://[2001:db8::1]:22',
  ]) {
    expect(parseMapFile(changed('ssh://deploy@web-1', url)), url).toMatchObject({ ok: true });
  }
  for (const url of ['wss://db-1', 'ws://localhost:7443', 'ws://127.0.0.1:1', 'ws://[::1]:7443/']) {
    expect(parseMapFile(changed('wss://db-1:7443', url)), url).toMatchObject({ ok: true });
  }
});

test('names of other scripts, and numbers as names, are names', () => {
  const text = changed('          db:', '          データ庫:').replace('production', '2026');
  const result = parseMapFile(text);
  expect(result.ok && result.value.services[0]?.maps[0]).toMatchObject({
    name: '2026',
    servers: [{ name: 'web' }, { name: 'データ庫' }],
  });
});

test('describeProblem is a line that editors can jump to', () => {
  const [problem] = problemsOf(changed('agent: db-1', 'agent: db-2'));
  if (problem === undefined) throw new Error('there is no problem');
  expect(describeProblem(problem, 'towline.yaml')).toBe(
    'towline.yaml:21:20: services.shop.maps.production.servers.db.agent: there is no agent "db-2", did you mean "db-1"?; expected one of web-1, db-1',
  );
  expect(describeProblem({ ...problem, path: '' }, 'm.yaml')).toMatch(/^m\.yaml:21:20: there is no/);
});

describe('over all texts', () => {
  test('nothing makes it throw, and every problem is in the text', () => {
    const line = fc.constantFrom(
      ...LINES,
      '- a',
      '  - *x',
      '&x',
      '? [a]',
      '<<: 1',
      '"',
      "'",
      '|',
      '{',
      ']',
      ': :',
      '%YAML 1.1',
      '---',
    );
    const text = fc.oneof(
      fc.array(line, { maxLength: 30 }).map((lines) => lines.join('\n')),
      fc.string({ unit: 'binary', maxLength: 200 }),
    );
    fc.assert(
      fc.property(text, (any) => {
        const result = parseMapFile(any);
        if (result.ok) return;
        expect(result.error.length).toBeGreaterThan(0);
        for (const { line: at, column } of result.error) {
          expect(at).toBeGreaterThanOrEqual(1);
          expect(at).toBeLessThanOrEqual(any.split(/\r\n|\r|\n/).length + 1);
          expect(column).toBeGreaterThanOrEqual(1);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('one line changed in a good file never makes it throw', () => {
    fc.assert(
      fc.property(
        fc.nat(LINES.length - 1),
        fc.nat(80),
        fc.string({ unit: 'grapheme-ascii', maxLength: 5 }),
        (at, column, by) => {
          const lines = LINES.map((line, index) =>
            index === at ? line.slice(0, column) + by + line.slice(column + 1) : line,
          );
          const result = parseMapFile(lines.join('\n'));
          if (!result.ok) for (const problem of result.error) expect(problem.expected).not.toBe('');
        },
      ),
      { numRuns: 500 },
    );
  });
});
