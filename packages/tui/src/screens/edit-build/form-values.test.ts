import { type BuildDefinition, buildDefinitionSchema, canonical } from '@towline/core/build';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FieldKey, FormValues } from './fields.ts';
import { toDefinition, toValues } from './form-values.ts';

const BASE: BuildDefinition = {
  name: 'storefront',
  source: {
    git: 'https://git.example.com/shop/storefront.git',
    ref: 'main',
    credentials: { kind: 'token', secret: 'git-shop' },
  },
  command: { image: 'node:22', run: 'npm ci', caches: ['/root/.npm'] },
  image: { name: 'registry.example.com/shop/storefront', version: '1.4.0' },
  agent: 'web-1',
};

const name = fc.stringMatching(/^[a-z][a-z0-9]{0,8}$/);
const value = fc.stringMatching(/^[ -~]{0,12}$/);
const mounts = fc.uniqueArray(fc.record({ id: name, secret: name }), {
  minLength: 1,
  maxLength: 3,
  selector: ({ id }) => id,
});
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: undefined });
const https = fc.record({
  git: name.map((repository) => `https://git.example.com/${repository}.git`),
  ref: name,
  submodules: optional(fc.boolean()),
  credentials: optional(
    fc.oneof(
      fc.record({ kind: fc.constant('token' as const), secret: name }),
      fc.record({ kind: fc.constant('password' as const), user: name, secret: name }),
    ),
  ),
});
const ssh = fc.record({
  git: name.map((repository) => `git@git.example.com:shop/${repository}.git`),
  ref: name,
  credentials: optional(fc.constant({ kind: 'ssh' as const })),
});
const definition = fc
  .record({
    name: fc.constant('storefront'),
    source: fc.oneof(https, ssh),
    command: optional(
      fc.record({
        image: name,
        run: fc.constantFrom('npm ci', 'npm ci\nnpm run build', 'cat <<END\n\tx\nEND'),
        workdir: optional(name),
        caches: optional(
          fc.array(
            name.map((folder) => `/${folder}`),
            { minLength: 1, maxLength: 3 },
          ),
        ),
        secrets: optional(mounts),
        environment: optional(fc.dictionary(name, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true })),
      }),
    ),
    image: fc.record({
      name,
      version: name,
      dockerfile: optional(name),
      context: optional(name),
      args: optional(fc.dictionary(name, value, { minKeys: 1, maxKeys: 3, noNullPrototype: true })),
      target: optional(name),
      secrets: optional(mounts),
      ssh: optional(fc.boolean()),
    }),
    agent: name,
    keep: optional(fc.integer({ min: 1, max: 10_000 })),
  })
  .map((candidate) => buildDefinitionSchema.parse(candidate));

test('a definition that nobody touched comes out of the form as it went in', () => {
  fc.assert(
    fc.property(definition, (before) => {
      const read = toDefinition(toValues(before), before);
      expect('definition' in read ? canonical(read.definition) : read.problems).toBe(canonical(before));
    }),
  );
});

test.each<[Partial<FormValues>, FieldKey, RegExp]>([
  [{ git: '' }, 'git', /Write where the repository is/],
  [{ git: 'https://ada:pw@git.example.com/x.git' }, 'git', /Leave user and password out/],
  [{ ref: '-x' }, 'ref', /not a branch, tag or commit/i],
  [{ credentials: 'ssh' }, 'credentials', /for ssh:\/\//],
  [{ git: 'git@git.example.com:x.git' }, 'credentials', /agent's SSH key/],
  [{ git: 'file:///srv/x.git' }, 'credentials', /choose none/],
  [{ credentials: 'password', user: '' }, 'user', /must not be empty/],
  [{ secret: 'a b' }, 'secret', /not the name of a secret/i],
  [{ run: '' }, 'run', /must not be empty/],
  [{ commandImage: 'Not An Image' }, 'commandImage', /not an image/i],
  [{ workdir: '../out' }, 'workdir', /not a folder/i],
  [{ caches: 'relative' }, 'caches', /not an absolute path/i],
  [{ environment: 'A=1\nB' }, 'environment', /“B” has no “=”/],
  [{ environment: 'A=1\nA=2' }, 'environment', /A is there twice/],
  [{ name: 'shop/web:1.0' }, 'name', /not the name of an image/i],
  [{ version: 'a b' }, 'version', /not a version/i],
  [{ dockerfileFrom: 'text' }, 'dockerfileText', /must not be empty/],
  [{ dockerfile: '/etc/passwd' }, 'dockerfile', /not a path in the source/i],
  [{ target: '!' }, 'target', /not a stage/i],
  [{ imageSecrets: 'npmrc' }, 'imageSecrets', /has no “=”/],
  [{ keep: 'many' }, 'keep', /whole number/],
  [{ keep: '0' }, 'keep', /whole number/],
  [{ agent: '' }, 'agent', /must not be empty/],
])('with %o, %s says what is wrong', (change, key, words) => {
  const read = toDefinition({ ...toValues(BASE), ...change }, BASE);
  expect('problems' in read ? read.problems.get(key) : undefined).toMatch(words);
});

test('what a switch has turned off is no part of the definition', () => {
  const off = toDefinition({ ...toValues(BASE), command: 'off', credentials: 'none' }, BASE);
  expect('definition' in off && off.definition.command).toBeUndefined();
  expect('definition' in off && off.definition.source.credentials).toBeUndefined();
});
