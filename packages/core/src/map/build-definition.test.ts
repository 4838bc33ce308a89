import { describe, expect, test } from 'vitest';
import { type BuildDefinition, buildDefinitionSchema } from '../build/index.ts';
import { formatMapFile, type MapProblem, parseMapFile } from './index.ts';

/** Every key that a build has, one a line. */
const FULL = `
agents:
  web-1: { url: "unix:///a" }
services:
  shop:
    builds:
      storefront:
        source:
          git: "https://git.example.com/shop/storefront.git"
          ref: release/2
          submodules: true
          credentials: { user: ann, password: { secret: git-password } }
        command:
          image: "node:22"
          run: npm ci
          workdir: web
          caches: [/root/.npm]
          secrets: [{ id: npmrc, secret: npm-token }]
          environment: { CI: true, LEVEL: 3, TEXT: "a b" }
        image:
          name: docker.io/shop/storefront
          version: "1.4.0"
          dockerfile: docker/web.Dockerfile
          context: web
          args: { MODE: production, N: 1 }
          target: run
          secrets: [{ id: key, secret: api-key }]
          ssh: true
        agent: web-1
        keep: 5
    maps:
      demo:
        servers:
          web: { agent: web-1, containers: [{ name: storefront, build: storefront }] }
`;

const DEFINITION: BuildDefinition = {
  name: 'storefront',
  source: {
    git: 'https://git.example.com/shop/storefront.git',
    ref: 'release/2',
    submodules: true,
    credentials: { kind: 'password', user: 'ann', secret: 'git-password' },
  },
  command: {
    image: 'node:22',
    run: 'npm ci',
    workdir: 'web',
    caches: ['/root/.npm'],
    secrets: [{ id: 'npmrc', secret: 'npm-token' }],
    environment: { CI: 'true', LEVEL: '3', TEXT: 'a b' },
  },
  image: {
    name: 'docker.io/shop/storefront',
    version: '1.4.0',
    dockerfile: 'docker/web.Dockerfile',
    context: 'web',
    args: { MODE: 'production', N: '1' },
    target: 'run',
    secrets: [{ id: 'key', secret: 'api-key' }],
    ssh: true,
  },
  agent: 'web-1',
  keep: 5,
};

function changed(what: string, by: string): string {
  if (!FULL.includes(what)) throw new Error(`"${what}" is not in the file`);
  return FULL.replace(what, by);
}

function buildOf(text: string): BuildDefinition | undefined {
  const parsed = parseMapFile(text);
  if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
  return parsed.value.services[0]?.builds[0];
}

function problemsOf(text: string): MapProblem[] {
  const parsed = parseMapFile(text);
  return parsed.ok ? [] : parsed.error;
}

describe('a build in full', () => {
  test('is read, is one for the agent, and is written again', () => {
    const parsed = parseMapFile(FULL);
    if (!parsed.ok) throw new Error(JSON.stringify(parsed.error));
    const [service] = parsed.value.services;
    expect(service?.builds).toEqual([DEFINITION]);
    expect(service?.maps[0]?.servers[0]?.containers[0]?.image).toBe('docker.io/shop/storefront');
    expect(buildDefinitionSchema.parse(DEFINITION)).toEqual(DEFINITION);
    const written = service && formatMapFile(service, parsed.value.agents);
    expect(written !== undefined && buildOf(written)).toEqual(DEFINITION);
  });

  test.each<[string, string, BuildDefinition['source']['credentials'], string]>([
    [
      '{ token: { secret: hub } }',
      'https://git.example.com/shop/storefront.git',
      { kind: 'token', secret: 'hub' },
      'a token',
    ],
    ['ssh', 'git@git.example.com:shop/storefront.git', { kind: 'ssh' }, 'the SSH key'],
  ])('with the credentials %s', (credentials, git, expected) => {
    const text = changed('{ user: ann, password: { secret: git-password } }', credentials).replace(
      'https://git.example.com/shop/storefront.git',
      git,
    );
    expect(buildOf(text)?.source.credentials).toEqual(expected);
  });

  test('with the text of a Dockerfile', () => {
    const text = changed('dockerfile: docker/web.Dockerfile', 'dockerfile_inline: "FROM scratch\\n"');
    expect(buildOf(text)?.image.dockerfileInline).toBe('FROM scratch\n');
    expect(buildOf(text)?.image.dockerfile).toBeUndefined();
  });
});

test.each<[string, string, string, string, string]>([
  ['a password in the URL', '//git.example', '//ann:hunter2@git.example', 'source.git', '{ secret: NAME }'],
  ['a token in the URL', '//git.example', '//hunter2@git.example', 'source.git', '{ secret: NAME }'],
  ['a password as it is', '{ secret: git-password }', 'secretly', 'source.credentials', '{ secret: NAME }'],
  [
    'a command of git',
    '"https://git.example.com/shop/storefront.git"',
    '"ext::sh -c x"',
    'source.git',
    'A URL has no spaces',
  ],
  ['an option for a ref', 'release/2', '--upload-pack=x', 'source.ref', 'a branch, a tag or a commit'],
  ['a way out of the source', 'docker/web.Dockerfile', '../Dockerfile', 'image.dockerfile', 'in the source'],
  ['a way out of the context', 'context: web', 'context: a/../..', 'image.context', 'without ..'],
  ['a cache that is relative', '[/root/.npm]', '[node_modules]', 'command.caches[0]', 'absolute'],
  [
    'a secret without a name',
    'secret: npm-token }',
    'secret: "npm token" }',
    'command.secrets[0].secret',
    'the name of a secret',
  ],
  [
    'two secrets for one id',
    'secret: npm-token }',
    'secret: npm-token }, { id: npmrc, secret: api-key }',
    'command.secrets[1].id',
    'each id once',
  ],
  ['a variable that is none', 'CI: true', 'C-I: true', 'command.environment.C-I', 'letters, digits and _'],
  [
    'a path and a text',
    'dockerfile: docker/web.Dockerfile',
    'dockerfile: x\n          dockerfile_inline: FROM scratch',
    'image.dockerfile_inline',
    'not both',
  ],
  ['a key that is near', 'dockerfile:', 'dokcerfile:', 'image.dokcerfile', 'dockerfile_inline'],
  ['nothing to keep', 'keep: 5', 'keep: 0', 'keep', 'from 1'],
  [
    'an SSH key for https',
    '{ user: ann, password: { secret: git-password } }',
    'ssh',
    'source.credentials',
    'a user with a password',
  ],
  [
    'a password for a folder',
    'https://git.example.com/shop/storefront.git',
    '/srv/a.git',
    'source.credentials',
    'read without',
  ],
])('%s', (_name, what, by, path, expected) => {
  const problems = problemsOf(changed(what, by));
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatchObject({
    path: `services.shop.builds.storefront.${path}`,
    expected: expect.stringContaining(expected),
  });
  // What should not have been there is not said again: it would end in a log.
  expect(JSON.stringify(problems)).not.toContain('hunter2');
});
