import { openTerminal, type Terminal } from '@towline/test/terminal';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: BuildPlace;
let terminal: Terminal | undefined;

beforeAll(async () => {
  place = await createBuildPlace();
});

afterEach(async () => {
  await terminal?.close();
  terminal = undefined;
});

afterAll(() => place.close());

function open(...args: string[]): Terminal {
  terminal = openTerminal({
    command: process.execPath,
    args: [TOWLINE, ...args],
    cwd: place.dir,
    env: place.env,
  });
  return terminal;
}

async function secrets(): Promise<string[]> {
  const { secrets: list } = Object((await place.run('build', 'secret', 'list', '--json')).json());
  return list.map(({ name }: { name: string }) => name);
}

test('the value of a secret is asked for and not shown', async () => {
  const asked = open('build', 'secret', 'put', 'registry-token');
  await asked.waitFor('Value of registry-token (it is not shown):');
  asked.press('v', 'e', 'r', 'y', 's', 'e', 'c', 'r', 'e', 't', 'Enter');
  await asked.waitFor('registry-token is on alpha.');
  expect((await asked.exited).code).toBe(0);
  expect(asked.screen().join('\n')).not.toContain('verysecret');
  expect(await secrets()).toEqual(['registry-token']);
});

test.each([
  ['Ctrl-C', ['x', 'Ctrl-C']],
  ['the end of the input', ['Ctrl-D']],
  ['Enter alone', ['Enter']],
])('%s writes none', async (_name, keys) => {
  const asked = open('build', 'secret', 'put', 'other');
  await asked.waitFor('Value of other');
  asked.press(...keys);
  await asked.waitFor('Nothing was done.');
  expect((await asked.exited).code).toBe(1);
  expect(await secrets()).not.toContain('other');
});

test('batch says which builds it would run, and runs them on one line that is drawn again', async () => {
  const front = `web/${place.nameOf('front')}`;
  const asked = open('batch', '--set', `${front}=build`);
  await asked.waitFor('build storefront on alpha');
  await asked.waitFor('[y/N]');
  asked.press('y', 'Enter');
  await asked.waitFor('web: DONE');
  expect((await asked.exited).code).toBe(0);
  const screen = asked.screen().join('\n');
  expect(screen).toContain('storefront: DONE: 1.4.0.B000001');
  expect(screen).not.toMatch(/\d+\/\d+ (DOWNLOAD|CREATE IMAGE|PUSH|pull|check)/);
  expect(await place.runs('a', 'front')).toBe('1.4.0.B000001');
});
