import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { parse, stringify } from 'yaml';
import { type BuildPlace, createBuildPlace } from './build-place.ts';

const FIRST = '1.4.0.B000001';

let place: BuildPlace;
let original: string;
let front: string;

beforeAll(async () => {
  place = await createBuildPlace();
  original = await readFile(place.mapFile, 'utf8');
  front = `web/${place.nameOf('front')}`;
  expect((await place.run('execute', front, '--build', '--confirm')).code).toBe(0);
});

beforeEach(() => place.writeMap(original));

afterAll(() => place.close());

interface BuildInMap {
  source: { git: string; ref: string };
  command?: object;
  image: Record<string, unknown>;
}

/** The map with another definition of `storefront`. */
async function redefine(change: (build: BuildInMap) => void): Promise<void> {
  const map = parse(original);
  change(map.services.shop.builds.storefront);
  await place.writeMap(stringify(map));
}

const inContainer = (run: string) => (build: BuildInMap) => {
  build.command = { image: `${place.registry}/test/faulty:ok`, run };
};
const byDockerfile = (text: string) => (build: BuildInMap) => {
  build.image.dockerfile_inline = text;
};

test.each<[string, (build: BuildInMap) => void, string, RegExp]>([
  [
    'a repository that is not there',
    (build) => {
      build.source.git = 'file:///nowhere/storefront.git';
    },
    'DOWNLOAD',
    /nowhere/,
  ],
  [
    'a branch that is not there',
    (build) => {
      build.source.ref = 'autumn';
    },
    'DOWNLOAD',
    /autumn/,
  ],
  ['a command that fails', (build) => inContainer('echo no apples; exit 3')(build), 'BUILD', /no apples/],
  [
    'a Dockerfile with an error on a line',
    (build) => byDockerfile('FROM scratch\n\nCOPPY page /page\n')(build),
    'CREATE IMAGE',
    /Dockerfile:3: COPPY page \/page/,
  ],
  [
    'a Dockerfile whose step fails',
    (build) => byDockerfile(place.dockerfile('RUN echo no pears && exit 9'))(build),
    'CREATE IMAGE',
    /no pears/,
  ],
])('%s ends with its reason, and nothing is deployed', async (_name, change, step, reason) => {
  await redefine(change);
  const ran = await place.run('execute', front, '--build', '--confirm');
  expect(ran).toMatchObject({ code: 3 });
  expect(ran.stderr).toContain(`storefront: failed in ${step}: `);
  expect(ran.stderr).toMatch(reason);
  expect(ran.stderr).toContain(`Nothing was deployed on web: what runs there keeps running.`);
  expect(ran.stdout).toMatch(/^storefront: ERROR \d\/\d: 1\.4\.0\.B/m);
  expect(await place.runs('a', 'front')).toBe(FIRST);
  const [status] = Object((await place.run('status', '--json')).json()).servers;
  expect(status).toMatchObject({ name: 'web', state: 'Running' });
});

test('a registry that is not there ends the push, and nothing is deployed', async () => {
  const map = parse(original);
  map.services.shop.builds.inner.image.name = 'localhost:1/shop/inner';
  await place.writeMap(stringify(map));
  const ran = await place.run('execute', `inner/${place.nameOf('inside')}`, '--build', '--confirm');
  expect(ran).toMatchObject({ code: 3 });
  expect(ran.stderr).toMatch(/inner: failed in PUSH: .*localhost:1/);
  expect(await place.runs('a', 'inside')).toBeUndefined();
});

test('the image of a build that has run keeps its name, whatever the map file says by now', async () => {
  await redefine((build) => {
    build.image.name = 'localhost:1/shop/storefront';
  });
  const ran = await place.run('build', 'run', 'storefront', '--json');
  expect(ran.code).toBe(1);
  expect(ran.json()).toMatchObject({ error: { code: 'bad-request' } });
});

test('an agent that is killed in the middle is waited for, and the run has ended then', async () => {
  await redefine(inContainer('echo compiling; sleep 600'));
  const ran = place.run('execute', front, '--build', '--confirm');
  await vi.waitUntil(
    async () =>
      (await place.run('build', 'log', 'storefront', '--step', 'build')).stdout.includes('compiling'),
    { timeout: 30_000 },
  );
  await place.agents.alpha.stop('SIGKILL');
  await place.restartAlpha();
  const { code, stderr } = await ran;
  expect(code).toBe(3);
  expect(stderr).toMatch(/storefront: failed in BUILD: The agent stopped during BUILD/);
  expect(await place.runs('a', 'front')).toBe(FIRST);
  // Its number is not used again.
  const [last] = Object((await place.run('build', 'list', 'storefront', '--json')).json()).runs;
  await place.writeMap(original);
  const next = await place.run('build', 'run', 'storefront', '--json');
  expect(next.json()).toMatchObject({ number: last.number + 1, state: 'DONE' });
});
