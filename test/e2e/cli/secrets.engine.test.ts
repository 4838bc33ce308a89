import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type BuildPlace, createBuildPlace } from './build-place.ts';
import { TOWLINE } from './towline-process.ts';

const VALUE = 'correct-horse-battery-staple';

let place: BuildPlace;

beforeAll(async () => {
  place = await createBuildPlace();
});

afterAll(() => place.close());

function towline(input: string, ...args: string[]) {
  return execa(process.execPath, [TOWLINE, ...args], {
    cwd: place.dir,
    env: place.env,
    extendEnv: false,
    input,
    reject: false,
  });
}

test('a secret comes from stdin, is listed by its name, and is removed', async () => {
  expect(await towline(`${VALUE}\n`, 'build', 'secret', 'put', 'npm-token')).toMatchObject({
    exitCode: 0,
    stdout: 'npm-token is on alpha.',
  });
  const list = await towline('', 'build', 'secret', 'list', '--json');
  expect(JSON.parse(list.stdout)).toEqual({
    secrets: [{ name: 'npm-token', agent: 'alpha', updatedAt: expect.any(String) }],
    unreachable: [],
  });
  expect(await towline('', 'build', 'secret', 'put', 'empty')).toMatchObject({ exitCode: 1 });
  expect(await towline('x', 'build', 'secret', 'put', 'not/a name')).toMatchObject({ exitCode: 64 });
  expect(await towline('x', 'build', 'secret', 'put', 'npm-token', VALUE)).toMatchObject({ exitCode: 64 });
  expect(await towline('x', '--read-only', 'build', 'secret', 'put', 'other')).toMatchObject({ exitCode: 2 });
  expect(await towline('', 'build', 'secret', 'remove', 'npm-token')).toMatchObject({ exitCode: 0 });
  expect(await towline('', 'build', 'secret', 'remove', 'npm-token')).toMatchObject({ exitCode: 1 });
});

test('a build has it as a file, and nothing shows it', async () => {
  const run = 'cat /run/secrets/token; echo; echo it was read';
  await place.writeMap(
    (await readFile(place.mapFile, 'utf8')).replace(
      'version: 1.4.0',
      `version: 1.4.0\n        command: { image: "${place.registry}/test/faulty:ok", run: "${run}", secrets: [{ id: token, secret: npm-token }] }`,
    ),
  );
  const missing = await place.run('build', 'run', 'storefront', '--json');
  expect(missing).toMatchObject({ code: 2, stderr: expect.stringContaining('npm-token') });
  expect((await towline(VALUE, 'build', 'secret', 'put', 'npm-token')).exitCode).toBe(0);
  const ran = await place.run('build', 'run', 'storefront', '--json');
  expect(ran.code).toBe(0);
  const log = await place.run('build', 'log', 'storefront');
  expect(log.stdout).toContain('it was read');
  expect(`${ran.stdout}${ran.stderr}${log.stdout}${log.stderr}`).not.toContain(VALUE);
  const state = join(place.dir, 'alpha');
  for (const file of await readdir(state, { recursive: true, withFileTypes: true })) {
    if (!file.isFile() || file.parentPath.includes('secrets')) continue;
    expect(await readFile(join(file.parentPath, file.name), 'latin1')).not.toContain(VALUE);
  }
});
