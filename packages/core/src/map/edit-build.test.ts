import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type BuildDefinition, buildDefinitionSchema, lockedFields } from '../build/index.ts';
import { addBuild, type BuildChanges, editBuild, type MapFile, parseMapFile } from './index.ts';

const BLOCK = `# Who may deploy: the shop's people.
agents:
  web-1: { url: "ssh://deploy@web-1" }   # behind the gateway

services:
  shop:   # the team
    builds:
      # The shop's own pages.
      storefront:
        # main only
        source:
          git: "https://git.example.com/shop/storefront.git"   # moved in May
          ref: main
        command:
          image: node:22
          run: npm ci && npm run build  # twice as fast as install
          caches:
            - /root/.npm     # packages
            # the compiler's
            - /cache
          environment: { CI: 'true', LEVEL: 3 }

        image:
          name:    registry.example.com/shop/storefront
          version: "1.4.0"
          args:
            MODE: production
          # the text is here, because the repository has none
          dockerfile_inline: |
            FROM scratch
            COPY . /

        agent: web-1
      api: &api { source: { git: /srv/api.git, ref: 'main' }, image: { name: shop/api, version: 1.0.0 }, agent: web-1 }
    maps:
      production:
        servers:
          web:
            agent: web-1
            containers:
              - { name: storefront, build: storefront }
              - { name: api, build: api }   # last
`;

function read(text: string): MapFile {
  const parsed = parseMapFile(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value;
}

function buildOf(text: string, name = 'storefront'): BuildDefinition {
  const build = read(text).services[0]?.builds.find((one) => one.name === name);
  if (build === undefined) throw new Error(`there is no build ${name}`);
  return build;
}

const storefront = buildOf(BLOCK);
const { source, image } = storefront;
const command = storefront.command ?? { image: '', run: '' };

function edited(changes: BuildChanges, build = 'storefront', text = BLOCK): string {
  const result = editBuild(text, { service: 'shop', build }, changes);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

/** The lines that are in one text only: `-` of the first, `+` of the second. All others are the same, in the same order. */
function difference(before: string, after: string): string[] {
  const [a, b] = [before.split('\n'), after.split('\n')];
  const lengths = a.map(() => b.map(() => 0));
  const at = (i: number, j: number) => lengths[i]?.[j] ?? 0;
  for (let i = a.length - 1; i >= 0; i--) {
    for (let j = b.length - 1; j >= 0; j--) {
      const row = lengths[i];
      if (row) row[j] = a[i] === b[j] ? at(i + 1, j + 1) + 1 : Math.max(at(i + 1, j), at(i, j + 1));
    }
  }
  const lines: string[] = [];
  for (let i = 0, j = 0; i < a.length || j < b.length; ) {
    if (i < a.length && j < b.length && a[i] === b[j]) {
      i++;
      j++;
    } else if (j >= b.length || (i < a.length && at(i + 1, j) >= at(i, j + 1)))
      lines.push(`-${a[i++]?.trim()}`);
    else lines.push(`+${b[j++]?.trim()}`);
  }
  return lines;
}

describe('the lines that an edit changes, and no others', () => {
  test.each<[string, BuildChanges, string[]]>([
    ['nothing', { source, image, command, agent: 'web-1' }, []],
    [
      'a value, its comment stays',
      { source: { ...source, git: 'https://git.example.com/shop/web.git' } },
      [
        '-git: "https://git.example.com/shop/storefront.git"   # moved in May',
        '+git: "https://git.example.com/shop/web.git"   # moved in May',
      ],
    ],
    [
      'a value behind aligned spaces',
      { image: { ...image, name: 'shop/web' } },
      ['-name:    registry.example.com/shop/storefront', '+name:    shop/web'],
    ],
    [
      'a value that wants quotes',
      { command: { ...command, run: 'make: all # now' } },
      [
        '-run: npm ci && npm run build  # twice as fast as install',
        '+run: "make: all # now"  # twice as fast as install',
      ],
    ],
    [
      'a command of several lines',
      { command: { ...command, run: 'npm ci\nnpm run build\n' } },
      [
        '-run: npm ci && npm run build  # twice as fast as install',
        '+run: |  # twice as fast as install',
        '+npm ci',
        '+npm run build',
      ],
    ],
    ['a key more', { source: { ...source, submodules: true } }, ['+submodules: true']],
    [
      'credentials',
      { source: { ...source, credentials: { kind: 'password', user: 'ann', secret: 'git-password' } } },
      ['+credentials:', '+user: ann', '+password:', '+secret: git-password'],
    ],
    [
      'an item more, the comments of the others stay',
      { command: { ...command, caches: ['/root/.npm', '/cache', '/tmp/x'] } },
      ['+- /tmp/x'],
    ],
    ['an item less', { command: { ...command, caches: ['/cache'] } }, ['-- /root/.npm     # packages']],
    [
      'a key of a flow',
      { command: { ...command, environment: { CI: 'true', LEVEL: '3', NEW: 'a, b' } } },
      ["-environment: { CI: 'true', LEVEL: 3 }", '+environment: { CI: \'true\', LEVEL: 3, NEW: "a, b" }'],
    ],
    [
      'a line of a Dockerfile',
      { image: { ...image, dockerfileInline: 'FROM scratch\nCOPY site /\n' } },
      ['-COPY . /', '+COPY site /'],
    ],
    ['a number', { keep: 5 }, ['+keep: 5']],
    ['another version', { image: { ...image, version: '1.5' } }, ['-version: "1.4.0"', '+version: "1.5"']],
  ])('%s', (_name, changes, lines) => {
    const result = edited(changes);
    expect(difference(BLOCK, result)).toEqual(lines);
    expect(buildOf(result)).toMatchObject(Object.fromEntries(Object.entries(changes)));
  });

  test('a part that is taken away goes with the comments in it, and with no others', () => {
    const result = edited({ command: null });
    expect(buildOf(result).command).toBeUndefined();
    expect(difference(BLOCK, result).every((line) => line.startsWith('-'))).toBe(true);
    expect(difference(BLOCK, result)).toHaveLength(8);
  });

  test('a build on one line stays on it', () => {
    const api = buildOf(BLOCK, 'api');
    const result = edited(
      {
        source: { ...api.source, ref: 'v1' },
        image: { ...api.image, args: { A: '1' }, target: 'run' },
        keep: 3,
      },
      'api',
    );
    expect(difference(BLOCK, result)).toEqual([
      expect.stringMatching(/^-api:/),
      `+api: &api { source: { git: /srv/api.git, ref: 'v1' }, image: { name: shop/api, version: 1.0.0, args: { A: "1" }, target: run }, agent: web-1, keep: 3 }`,
    ]);
  });

  test('keys of a flow are taken away, wherever they are', () => {
    const flow = BLOCK.replace("ref: 'main' }", "ref: 'main', submodules: true, credentials: ssh }").replace(
      '/srv/api.git',
      'git@git.example.com:api.git',
    );
    const api = buildOf(flow, 'api');
    const result = edited({ source: { git: api.source.git, ref: 'main' } }, 'api', flow);
    expect(result).toContain("api: &api { source: { git: git@git.example.com:api.git, ref: 'main' }, image");
  });

  test('with the line ends that the file has, and without one at its end', () => {
    const windows = BLOCK.trimEnd().replaceAll('\n', '\r\n');
    const result = edited({ keep: 2, source: { ...source, ref: 'v2' } }, 'storefront', windows);
    expect(result.replaceAll('\r\n', '')).not.toContain('\n');
    expect(result).toBe(
      edited({ keep: 2, source: { ...source, ref: 'v2' } })
        .trimEnd()
        .replaceAll('\n', '\r\n'),
    );
  });
});

describe('what is refused', () => {
  const target = { service: 'shop', build: 'storefront' };
  test.each<[string, string, { service: string; build: string }, BuildChanges, string, string]>([
    ['no map file', 'agents: 5', target, {}, 'invalid-map', 'Line 1'],
    ['no such service', BLOCK, { service: 'x', build: 'y' }, {}, 'unknown-service', 'It has shop'],
    ['no such build', BLOCK, { service: 'shop', build: 'y' }, {}, 'unknown-build', 'storefront, api'],
    [
      'a value that is none',
      BLOCK,
      target,
      { source: { ...source, ref: '-x' } },
      'invalid-build',
      'storefront.source.ref',
    ],
    [
      'a password',
      BLOCK,
      target,
      { source: { ...source, git: 'https://ann:hunter2@git.example.com/a.git' } },
      'invalid-build',
      'secret',
    ],
    ['an agent that is not there', BLOCK, target, { agent: 'x' }, 'invalid-build', 'no agent'],
    [
      'a text that others share',
      BLOCK.replace(
        /api: &api.*/,
        'api: &api { source: &s { git: /a, ref: main }, image: { name: a, version: "1" }, agent: web-1 }\n      other: { source: *s, image: { name: b, version: "1" }, agent: web-1 }',
      ),
      { service: 'shop', build: 'api' },
      { source: { git: '/a', ref: 'v1' } },
      'cannot-edit',
      'text editor',
    ],
  ])('%s', (_name, text, where, changes, code, words) => {
    const result = editBuild(text, where, changes);
    expect(result).toMatchObject({ ok: false, error: { code, message: expect.stringContaining(words) } });
    expect(JSON.stringify(result)).not.toContain('hunter2');
  });

  test('the image of a build that has run', () => {
    const changes = { image: { ...image, name: 'shop/other' } };
    expect(editBuild(BLOCK, target, changes, { locked: lockedFields(1) })).toMatchObject({
      error: { code: 'field-locked' },
    });
    const free = editBuild(BLOCK, target, changes, { locked: lockedFields(0) });
    expect(free.ok && read(free.value).services[0]?.maps[0]?.servers[0]?.containers[0]?.image).toBe(
      'shop/other',
    );
  });
});

describe('addBuild', () => {
  const more: BuildDefinition = {
    name: 'mail',
    source: { git: 'git@git.example.com:mail.git', ref: 'main', credentials: { kind: 'ssh' } },
    image: { name: 'shop/mail', version: '2', dockerfileInline: 'FROM scratch\n' },
    agent: 'web-1',
  };
  const without = BLOCK.replace(/ {4}builds:[\s\S]*? {4}maps:/, '    maps:').replaceAll(
    /build: (\w+)/g,
    'image: $1',
  );

  test.each([
    ['behind the others', BLOCK],
    ['as the first', without],
    ['into an empty map', without.replace('    maps:', '    builds: {} # none yet\n    maps:')],
  ])('%s', (_name, text) => {
    const result = addBuild(text, 'shop', more);
    if (!result.ok) throw new Error(result.error.message);
    expect(buildOf(result.value, 'mail')).toEqual(more);
    const lines = difference(text, result.value);
    expect(lines).toContain('+dockerfile_inline: |');
    expect(lines.filter((line) => line.startsWith('-')).every((line) => line.includes('{}'))).toBe(true);
  });

  test('one of that name is there', () => {
    expect(addBuild(BLOCK, 'shop', { ...more, name: 'api' })).toMatchObject({
      error: { code: 'build-exists' },
    });
  });
});

describe('over all changes', () => {
  const name = fc.constantFrom('A', 'B', 'CI', 'LEVEL', 'MODE');
  const line = fc.oneof(
    fc.string({ unit: 'binary', maxLength: 20 }),
    fc.string({ maxLength: 20 }),
    fc.constantFrom(
      'yes',
      '1.10',
      'a: b',
      '- x',
      '# c',
      'a\nb\n',
      ' a\nb',
      'a\n\n',
      '*x',
      '&y',
      '',
      '{a',
      'a\r\nb',
      '|',
      "it's",
      '~',
    ),
  );
  const text = line.filter((value) => value !== '');
  const userName = text.filter((value) => !/\p{Cc}/u.test(value));
  const path = fc.constantFrom('/a', '/b', '/root/.npm', '/cache', '/var/x y');
  const some = <T>(value: fc.Arbitrary<T>) => fc.option(value, { nil: undefined });
  const mounts = fc.uniqueArray(fc.record({ id: name, secret: name }), {
    maxLength: 3,
    selector: ({ id }) => id,
  });
  const variables = fc.dictionary(name, line, { maxKeys: 4 });
  const defined = <T extends object>(value: T): T =>
    // Keys that are undefined are keys that are not there.
    JSON.parse(JSON.stringify(value));
  const changes = fc
    .record({
      source: fc.record({
        git: fc.constantFrom('https://git.example.com/shop/storefront.git', 'https://h/x'),
        ref: fc.constantFrom('main', 'v1', 'feature/a', '1.10', 'true'),
        submodules: some(fc.boolean()),
        credentials: some(
          fc.oneof(
            fc.record({ kind: fc.constant('token' as const), secret: name }),
            fc.record({ kind: fc.constant('password' as const), user: userName, secret: name }),
          ),
        ),
      }),
      command: fc.option(
        fc.record({
          image: fc.constantFrom('node:22', 'busybox'),
          run: text,
          workdir: some(fc.constantFrom('web', '/src')),
          caches: some(fc.array(path, { maxLength: 4 })),
          secrets: some(mounts),
          environment: some(variables),
        }),
      ),
      image: fc.record({
        name: fc.constantFrom('registry.example.com/shop/storefront', 'shop/web'),
        version: fc.constantFrom('1.4.0', '1.5', '2', 'true'),
        dockerfileInline: some(text),
        context: some(fc.constantFrom('.', 'web')),
        args: some(variables),
        target: some(fc.constantFrom('run', '1')),
        secrets: some(mounts),
        ssh: some(fc.boolean()),
      }),
      keep: fc.option(fc.integer({ min: 1, max: 9 })),
    })
    .map(defined);

  test('what is read afterwards is what was asked for, and all outside of the build is as it was', () => {
    const from = BLOCK.indexOf('      storefront:');
    const to = BLOCK.indexOf('      api:');
    fc.assert(
      fc.property(changes, fc.constantFrom('\n', '\r\n'), (change, eol) => {
        const before = BLOCK.replaceAll('\n', eol);
        const result = edited(change, 'storefront', before);
        const { command: given, keep, ...rest } = change;
        // What the file can have, its agent takes.
        expect(buildDefinitionSchema.safeParse(buildOf(result)).success).toBe(true);
        expect(buildOf(result)).toEqual({
          name: 'storefront',
          agent: 'web-1',
          ...rest,
          ...(given !== null && { command: given }),
          ...(keep !== null && { keep }),
        });
        expect(result.startsWith(BLOCK.slice(0, from).replaceAll('\n', eol))).toBe(true);
        expect(result.endsWith(BLOCK.slice(to).replaceAll('\n', eol))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  test('a change of one value touches its line alone, and changing it back gives the file that was', () => {
    fc.assert(
      fc.property(fc.constantFrom('v1', 'feature/a', '1.10'), fc.integer({ min: 1, max: 9 }), (ref, keep) => {
        const there = edited({ source: { ...source, ref }, keep });
        expect(difference(BLOCK, there)).toHaveLength(3);
        expect(edited({ source, keep: null }, 'storefront', there)).toBe(
          BLOCK.replace('ref: main', there.includes(`ref: "${ref}"`) ? 'ref: "main"' : 'ref: main'),
        );
      }),
    );
  });
});
