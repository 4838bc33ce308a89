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
