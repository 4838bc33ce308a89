import { spawnSync } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { shopMap } from './shop-map.ts';
import { type CliPlace, createPlace, TOWLINE } from './towline-process.ts';

let place: CliPlace;

beforeAll(async () => {
  place = await createPlace();
});

afterAll(() => place.close());

const gateway = { name: 'gateway', image: 'shop/gateway' };

function mapWith(containers: readonly object[], agent = 'alpha'): object {
  return shopMap({ alpha: '/run/none.sock' }, { web: { agent, containers } });
}

const GOOD = mapWith([gateway]);

describe('a bad map file gives the line, the path and what was expected', () => {
  test.each<[string, string | object, string]>([
    ['an unknown key', mapWith([{ ...gateway, imgae: 'x' }]), 'containers[0]'],
    ['a wrong type', mapWith([{ ...gateway, settle: 'long' }]), 'containers[0].settle'],
    ['an unknown agent', mapWith([gateway], 'beta'), 'servers.web.agent'],
    ['two containers of one name', mapWith([gateway, gateway]), 'containers[1]'],
    ['YAML that does not parse', 'agents: {\n  a: [', ''],
    ['an empty file', '', ''],
    ['a file of 10 MB', `# ${'x'.repeat(10 * 1024 * 1024)}\n`, ''],
    ['no text at all', '\u0000\u0001\u0002', ''],
  ])('%s', async (_name, map, path) => {
    await place.writeMap(map);
    const ran = await place.run('map', 'check');
    expect(ran.code).toBe(1);
    expect(ran.stdout).toBe('');
    expect(ran.stderr).toMatch(/towline\.yaml:\d+:\d+: /);
    expect(ran.stderr).toContain(path);
    expect(ran.stderr).toContain('expected');
    expect(ran.stderr).not.toMatch(/^ {4}at /m);
  });

  test.each([[[]], [['status']], [['batch', '--yes']], [['jobs']]])(
    'towline %j says the same',
    async (args) => {
      await place.writeMap(mapWith([gateway], 'beta'));
      const checked = await place.run('map', 'check');
      const ran = await place.run(...args);
      expect(ran).toMatchObject({ code: 1, stdout: '', stderr: checked.stderr });
    },
  );

  test('a file in another encoding is refused at its line, and not read as other words', async () => {
    await writeFile(place.mapFile, Buffer.from('agents: {}\nservices: { caf\u00e9: {} }\n', 'latin1'));
    const ran = await place.run('map', 'check');
    expect(ran.code).toBe(1);
    expect(ran.stderr).toContain('towline.yaml:2:1: ');
    expect(ran.stderr).toContain('UTF-8');
  });

  test('a result that can’t be written is no success', async () => {
    await place.writeMap(GOOD);
    const script = `"${process.execPath}" "${TOWLINE}" map check > /dev/full`;
    const ran = spawnSync('sh', ['-c', script], { cwd: place.dir, env: place.env, encoding: 'utf8' });
    expect(ran.status).toBe(1);
    expect(ran.stderr).toContain('could not be written');
  });

  test('with --json the problems are data', async () => {
    await place.writeMap(mapWith([{ ...gateway, settle: 'long' }]));
    const ran = await place.run('map', 'check', '--json');
    expect(ran.code).toBe(1);
    expect(ran.json()).toMatchObject({
      error: {
        code: 'map-file-bad',
        message: expect.stringMatching(/has one problem\.$/),
        problems: [
          { line: expect.any(Number), column: expect.any(Number), path: expect.stringContaining('settle') },
        ],
      },
    });
  });
});

test('one that can not be read is said to be so', async () => {
  expect(await place.run('status', '--file', 'none.yaml')).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no map file'),
  });
  expect(await place.run('status', '--file', place.dir)).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('is a folder'),
  });
});

test('a good one whose files are not here is fine, with a warning', async () => {
  const map = shopMap({}, { web: { agent: 'alpha', containers: [gateway] } });
  await place.writeMap({ ...map, agents: { alpha: { url: 'wss://web-1:7443', token: { file: 'token' } } } });
  const ran = await place.run('map', 'check');
  expect(ran).toMatchObject({ code: 0, stdout: expect.stringContaining('is fine') });
  const missing = `The token that the map names, ${place.dir}/token, can't be read: there is no such file.`;
  expect(ran.stderr).toContain(`warning: agents.alpha: ${missing}`);
  const { warnings } = (await place.run('map', 'check', '--json')).json() as { warnings: string[] };
  expect(warnings).toEqual([`agents.alpha: ${missing}`]);
});

test('a good one is fine, from each of the places that are looked at', async () => {
  await place.writeMap(GOOD);
  expect(await place.run('map', 'check')).toMatchObject({
    code: 0,
    stdout: expect.stringContaining('1 agent, 1 service, 1 map, 1 server, 1 container'),
  });
  expect((await place.run('map', 'check', '--json')).json()).toMatchObject({
    file: place.mapFile,
    ok: true,
    containers: 1,
  });
  const named = join(place.dir, 'named.yaml');
  await writeFile(named, stringify(GOOD));
  expect((await place.run('map', 'check', '--file', 'named.yaml')).stdout).toContain(named);
  expect((await place.runWith({ TOWLINE_FILE: named }, 'map', 'check')).stdout).toContain(named);
  const other = await createPlace();
  try {
    expect(await other.run('map', 'check')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('map init'),
    });
    const config = join(other.dir, 'config', 'towline');
    await mkdir(config, { recursive: true });
    await writeFile(join(config, 'towline.yaml'), stringify(GOOD));
    expect((await other.run('map', 'check')).stdout).toContain(config);
  } finally {
    await other.close();
  }
});
