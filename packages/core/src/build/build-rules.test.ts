import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  type BuildDefinition,
  buildDefinitionSchema,
  buildKey,
  canonical,
  decideQueue,
  gitTransport,
  isCachePath,
  isGitRef,
  isInnerPath,
  isWorkdir,
  lockedFields,
  nextNumber,
  parseRunTag,
  type QueueEntry,
  runTag,
  secretsOf,
  stepsOf,
  whyNoGitUrl,
} from './index.ts';

const definition: BuildDefinition = {
  name: 'storefront',
  source: {
    git: 'https://git.example.com/a.git',
    ref: 'main',
    credentials: { kind: 'token', secret: 'git' },
  },
  command: { image: 'node:22', run: 'make', secrets: [{ id: 'npm', secret: 'npm-token' }] },
  image: { name: 'localhost:5000/shop/web', version: '1', secrets: [{ id: 'x', secret: 'git' }] },
  agent: 'a',
};

describe('build tags', () => {
  test.each([
    ['1.4.0', 27, '1.4.0.B000027'],
    ['1.4.0', 1_234_567, '1.4.0.B1234567'],
    ['1.B000001', 2, '1.B000001.B000002'],
  ])('%s and %d', (version, number, tag) => {
    expect(runTag(version, number)).toBe(tag);
    expect(parseRunTag(tag)).toEqual({ version, number });
  });

  test.each([
    '1.4.0',
    '',
    '.B000001',
    '1.B00001',
    '1.B0000001',
    '1.B000000',
    '1.b000001',
    '1.B000001x',
    '1.B9999999999999999',
  ])('%j is none', (tag) => {
    expect(parseRunTag(tag)).toBeUndefined();
  });

  test('what is written is read, and what is read is what was written', () => {
    fc.assert(
      fc.property(
        fc.string({ minLength: 1 }),
        fc.integer({ min: 1, max: 999_999_999 }),
        (version, number) => {
          expect(parseRunTag(runTag(version, number))).toEqual({ version, number });
        },
      ),
    );
  });
});

describe('numbers', () => {
  test('are counted up by one, over crashes: claimed and lost ones included', () => {
    fc.assert(
      // True: the claim was written before the crash. False: it was not, and nobody heard of the number.
      fc.property(fc.array(fc.boolean()), (written) => {
        const claims: { number: number }[] = [];
        for (const claimed of written) {
          const number = nextNumber(claims);
          if (claimed) claims.push({ number });
        }
        expect(claims.map(({ number }) => number)).toEqual(claims.map((_, at) => at + 1));
      }),
    );
  });

  test.each<[number[], number]>([
    [[], 1],
    [[1, 2, 3], 4],
    [[3, 1], 4],
    [[41, 7], 42],
    [[0], 1],
  ])('after %j comes %d', (claims, next) => {
    expect(nextNumber(claims.map((number) => ({ number })))).toBe(next);
  });

  test('what is no number is a fault, and not another count', () => {
    expect(() => nextNumber([{ number: Number.NaN }])).toThrow(RangeError);
    expect(() => nextNumber([{ number: 1.5 }])).toThrow(RangeError);
  });
});

test.each<[string, string[]]>([
  ['localhost:5000/shop/web', ['download', 'build', 'create-image', 'push']],
  ['docker.io/shop/web', ['download', 'build', 'create-image', 'push']],
  ['shop/web', ['download', 'build', 'create-image']],
])('the steps of a build of %s', (name, steps) => {
  const { command, image } = definition;
  expect(stepsOf({ command, image: { ...image, name } })).toEqual(steps);
  expect(stepsOf({ image: { ...image, name } })).toEqual(steps.filter((step) => step !== 'build'));
  expect(stepsOf({ image: { ...image, name } }, 'build')).toEqual([]);
  expect(stepsOf({ command, image }, 'push')).toEqual(['push']);
});

test('secrets are named once; names are locked by a run', () => {
  expect(secretsOf(definition)).toEqual(['git', 'npm-token']);
  expect(secretsOf({ ...definition, source: { git: '/a', ref: 'b', credentials: { kind: 'ssh' } } })).toEqual(
    ['npm-token', 'git'],
  );
  expect(lockedFields(0)).toEqual([]);
  expect(lockedFields(1)).toEqual(['name', 'image.name']);
});

test('canonical text: the order of keys does not count, that of a list does', () => {
  expect(canonical({ b: [1, 2], a: { d: 1, c: undefined } })).toBe(canonical({ a: { d: 1 }, b: [1, 2] }));
  expect(canonical([1, 2])).not.toBe(canonical([2, 1]));
});

describe('git URLs', () => {
  test.each([
    ['https://git.example.com/shop/web.git', 'http'],
    ['http://127.0.0.1:3000/a.git', 'http'],
    ['ssh://git@host:2222/a.git', 'ssh'],
    ['ssh://host/a.git', 'ssh'],
    ['git@github.com:shop/web.git', 'ssh'],
    ['git://host/a.git', 'anonymous'],
    ['file:///srv/a.git', 'local'],
    ['/srv/a.git', 'local'],
  ])('%s', (url, transport) => {
    expect(whyNoGitUrl(url)).toBeUndefined();
    expect(gitTransport(url)).toBe(transport);
  });

  test.each([
    ['', 'where the repository is'],
    ['https://ann:pw@host/a.git', 'secret'],
    ['https://ghp_token@host/a.git', 'secret'],
    ['https://ann:p@w@host/a.git', 'secret'],
    ['https://ann:p/w@host/a.git', 'secret'],
    ['https://ann:p#w@host/a.git', 'secret'],
    ['https://ann:12#w@host/a.git', 'secret'],
    ['ssh://git:p/w@host/a.git', 'secret'],
    ['ssh://git:pw@host/a.git', 'secret'],
    ['git:pw@host:a.git', 'secret'],
    ['--upload-pack=touch /tmp/x', 'spaces'],
    ['--upload-pack=x', '-'],
    ['ext::sh -c x', 'spaces'],
    ['ext::sh', 'helpers'],
    ['ssh://-oProxyCommand=x/a', 'host'],
    ['ssh://-oProxyCommand@host/a', 'host'],
    ['git@-oProxyCommand=x:a', 'Write'],
    ['ftp://host/a', 'ftp'],
    ['shop/web', 'Write'],
    ['https://host', 'path'],
    ['file://host/a', 'absolute'],
    ['https://host/\u0000', 'spaces'],
  ])('%j is none', (url, why) => {
    expect(whyNoGitUrl(url)).toContain(why);
    expect(
      buildDefinitionSchema.safeParse({ ...definition, source: { git: url, ref: 'main' } }).success,
    ).toBe(false);
  });
});

test.each([
  ['main', true],
  ['feature/a-b', true],
  ['v1.4.0', true],
  ['a'.repeat(40), true],
  ['', false],
  ['-x', false],
  ['a b', false],
  ['a..b', false],
  ['a~1', false],
  ['HEAD@{1}', false],
  ['/a', false],
  ['a/', false],
  ['a.lock', false],
  ['.a', false],
  ['a:b', false],
  ['@', false],
])('isGitRef(%j) is %j', (ref, is) => {
  expect(isGitRef(ref)).toBe(is);
});

test.each([
  ['Dockerfile', true, true, false],
  ['docker/web.Dockerfile', true, true, false],
  ['.', true, true, false],
  ['../x', false, false, false],
  ['a/../../x', false, false, false],
  ['a\\..\\x', false, false, false],
  ['-f', false, false, false],
  ['C:\\x', false, false, false],
  ['/srv', false, true, true],
  ['/', false, true, false],
  ['/srv/../etc', false, false, false],
  ['/a:b', false, true, false],
  ['', false, false, false],
])('the path %j: inside %j, a workdir %j, a cache %j', (path, inner, workdir, cache) => {
  expect([isInnerPath(path), isWorkdir(path), isCachePath(path)]).toEqual([inner, workdir, cache]);
});

describe('the queue', () => {
  const entry = (id: string, build: string, state = 'QUEUED'): QueueEntry => ({
    id,
    service: 'shop',
    build,
    tag: id,
    state,
  });

  test.each<[string, QueueEntry[], number, string[], [string, string][]]>([
    ['nothing', [], 2, [], []],
    ['one', [entry('1', 'a')], 2, ['1'], []],
    [
      'two of a build: one at a time',
      [entry('1', 'a'), entry('2', 'a')],
      2,
      ['1'],
      [['2', '1 of the same build runs']],
    ],
    [
      'one of a build that runs holds up no other',
      [entry('1', 'a', 'RUNNING'), entry('2', 'a'), entry('3', 'b')],
      2,
      ['3'],
      [['2', '1 of the same build runs']],
    ],
    [
      'the cap',
      [entry('1', 'a', 'RUNNING'), entry('2', 'b'), entry('3', 'b')],
      1,
      [],
      [
        ['2', 'the agent runs 1 build at once'],
        ['3', '2 of the same build is before it'],
      ],
    ],
  ])('%s', (_name, entries, cap, start, waiting) => {
    const decision = decideQueue(entries, cap);
    expect(decision.start).toEqual(start);
    expect(decision.waiting).toEqual(waiting.map(([id, reason], at) => ({ id, position: at + 1, reason })));
  });

  test('one of a build, no more than the cap, in order, and none waits that could run', () => {
    const one = fc.record({ build: fc.constantFrom('a', 'b', 'c'), running: fc.boolean() });
    fc.assert(
      fc.property(fc.array(one), fc.nat(4), (made, cap) => {
        const busy = new Set<string>();
        const entries = made.map(({ build, running }, at) => {
          const runs = running && !busy.has(build) && busy.size < cap;
          if (runs) busy.add(build);
          return entry(String(at), build, runs ? 'RUNNING' : 'QUEUED');
        });
        const { start, waiting } = decideQueue(entries, cap);
        const runs = entries.filter(({ id, state }) => state === 'RUNNING' || start.includes(id));
        expect(new Set(runs.map(buildKey)).size).toBe(runs.length);
        expect(runs.length).toBeLessThanOrEqual(cap);
        expect(start.length + waiting.length).toBe(entries.filter(({ state }) => state === 'QUEUED').length);
        for (const { id } of waiting) {
          const at = entries.findIndex((other) => other.id === id);
          const { build } = entries[at] ?? { build: '' };
          expect(runs.length === cap || runs.some((run) => run.build === build)).toBe(true);
          // Nothing of its build that came later was started.
          expect(
            entries.slice(at + 1).some((later) => later.build === build && start.includes(later.id)),
          ).toBe(false);
        }
      }),
    );
  });
});
