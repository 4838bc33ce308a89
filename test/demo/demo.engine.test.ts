import { existsSync } from 'node:fs';
import { mkdtemp, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { sandboxesKeptFor } from '@towline/test/sandbox';
import { expect, onTestFinished, test } from 'vitest';
import { bringUp, isUp } from './bring-up.ts';
import { CONTAINERS } from './demo-map.ts';
import { type DemoPlace, demoPlace } from './demo-place.ts';
import { takeDown } from './take-down.ts';
import { notAtNewer, updateAll } from './update-all.ts';

async function newPlace(name: string): Promise<DemoPlace> {
  const folder = await mkdtemp(join(tmpdir(), 'tl-'));
  const place = demoPlace(join(folder, name));
  onTestFinished(async () => {
    await takeDown(place);
    await rm(folder, { recursive: true });
  });
  return place;
}

const quietly = { onStep: () => {}, signal: new AbortController().signal };

test('up, every server to its newer tag, and down without a trace', async () => {
  const place = await newPlace('demo');
  await bringUp(place, quietly);
  expect(await isUp(place)).toBe(true);
  expect(await notAtNewer(place)).toHaveLength(2 * CONTAINERS.length);

  expect(await updateAll(place)).toBe(0);
  expect(await notAtNewer(place)).toEqual([]);

  await takeDown(place);
  expect(await isUp(place)).toBe(false);
  expect(existsSync(place.folder)).toBe(false);
});

test('a folder that no engine could work in names one that it can', async () => {
  const place = await newPlace('a folder, whose name is: long and has spaces');
  await bringUp(place, quietly);
  expect(await isUp(place)).toBe(true);
  const [sandbox] = await sandboxesKeptFor(place.folder);
  const there = sandbox?.dir ?? '';
  expect(await realpath(join(place.folder, 'sandbox'))).toBe(there);

  await takeDown(place);
  expect([place.folder, there].filter(existsSync)).toEqual([]);
});

test('what an interrupted start left is taken down by the next', async () => {
  const place = await newPlace('demo');
  const interrupted = new AbortController();
  const onStep = (line: string) => {
    if (line.includes('agent')) interrupted.abort(new Error('interrupted'));
  };
  await expect(bringUp(place, { onStep, signal: interrupted.signal })).rejects.toThrow('interrupted');
  expect(existsSync(place.folder)).toBe(false);
  expect(await sandboxesKeptFor(place.folder)).toEqual([]);
});
