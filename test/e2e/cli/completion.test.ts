import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliPlace, createPlace } from './towline-process.ts';

let place: CliPlace;

beforeAll(async () => {
  place = await createPlace();
});

afterAll(() => place.close());

test.each(['bash', 'zsh', 'fish'])('completion for %s is a script', async (shell) => {
  const ran = await place.run('completion', shell);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toContain('towline complete --');
});

test('what the script asks is answered', async () => {
  expect((await place.run('complete', '--', 'sta')).stdout).toMatch(/^status\b/m);
  expect((await place.run('complete', '--', 'map', '')).stdout).toMatch(/^check\b/m);
});

test('another shell is refused', async () => {
  expect((await place.run('completion', 'csh')).code).toBe(64);
});
