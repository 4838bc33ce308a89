import { readFile, writeFile } from 'node:fs/promises';
import type { Fleet } from '@towline/tui/fleet';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';

let place: BuildPlace;
let fleet: Fleet;

beforeAll(async () => {
  place = await createBuildPlace();
  fleet = await place.fleet();
});

afterAll(async () => {
  await fleet.close();
  await place.close();
});

function build(name: string) {
  const found = fleet.store.getState().services[0]?.builds.find((each) => each.name === name);
  if (found === undefined) throw new Error(`no build ${name}`);
  return found;
}

test('an image may have another name until the build has run, and then no more', async () => {
  const { image } = build('inner');
  const renamed = { image: { ...image, name: `${image.name}-too` } };
  expect(await fleet.saveBuild('shop', 'inner', renamed)).toEqual({ ok: true, value: undefined });
  expect(build('inner').image.name).toBe(`${image.name}-too`);
  expect((await place.run('build', 'run', 'inner')).code).toBe(0);
  expect(await fleet.saveBuild('shop', 'inner', { image })).toMatchObject({
    ok: false,
    error: { code: 'field-locked' },
  });
  // Its version is counted up by hand, and may change at any time.
  const next = { image: { ...renamed.image, version: '1.1.0' } };
  expect(await fleet.saveBuild('shop', 'inner', next)).toMatchObject({ ok: true });
  const ran = await place.run('build', 'run', 'inner', '--json');
  expect(ran.json()).toMatchObject({ tag: '1.1.0.B000002', state: 'DONE' });
});

test('a file that somebody else saved is read again before it is saved over', async () => {
  const theirs = `# Theirs.\n${await readFile(place.mapFile, 'utf8')}`;
  await writeFile(place.mapFile, theirs);
  const changes = { keep: 3 };
  expect(await fleet.saveBuild('shop', 'storefront', changes)).toMatchObject({
    ok: false,
    error: { code: 'map-file-changed' },
  });
  expect(await readFile(place.mapFile, 'utf8')).toBe(theirs);
  expect(await fleet.reloadMap()).toMatchObject({ ok: true });
  expect(await fleet.saveBuild('shop', 'storefront', changes)).toMatchObject({ ok: true });
  expect(build('storefront').keep).toBe(3);
  expect(await readFile(place.mapFile, 'utf8')).toMatch(/^# Theirs\.\n/);
});

test('a build that would be none is not saved', async () => {
  const before = await readFile(place.mapFile, 'utf8');
  const { source } = build('storefront');
  const changes = { source: { ...source, git: 'https://ada:secret@git.example/shop.git' } };
  expect(await fleet.saveBuild('shop', 'storefront', changes)).toMatchObject({
    ok: false,
    error: { code: 'invalid-build' },
  });
  expect(await readFile(place.mapFile, 'utf8')).toBe(before);
});

test('a map file with other agents is for another start', async () => {
  const before = await readFile(place.mapFile, 'utf8');
  await writeFile(place.mapFile, before.replace('agents:\n', 'agents:\n  gamma: { url: "unix:///run/g" }\n'));
  expect(await fleet.reloadMap()).toMatchObject({ ok: false, error: { code: 'other-agents' } });
  await writeFile(place.mapFile, before);
});
