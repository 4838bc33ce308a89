import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { shopMap } from './shop-map.ts';
import { type CliPlace, createPlace } from './towline-process.ts';

let place: CliPlace;

beforeAll(async () => {
  place = await createPlace();
  const containers = [{ name: 'gateway', image: 'shop/gateway' }];
  await place.writeMap(shopMap({ alpha: `${place.dir}/none.sock` }, { web: { agent: 'alpha', containers } }));
});

afterAll(() => place.close());

describe('words that are off end with 64 and say what would be right', () => {
  test.each<[string[], string]>([
    [['statsu'], 'Did you mean status?'],
    [['status', '--jsn'], 'Did you mean --json?'],
    [['--frobnicate'], '--frobnicate'],
    [['execute'], 'target'],
    [['execute', 'web'], '--tag T'],
    [['execute', 'web', '--tag', '1', '--latest'], 'one choice'],
    [['execute', 'a/b/c', '--tag', '1'], 'SERVER/CONTAINER'],
    [['execute', 'wob', '--tag', '1'], 'It has web'],
    [['execute', 'web/gate', '--tag', '1'], 'It has gateway'],
    [['batch', '--set', 'web/gateway'], 'SERVER/CONTAINER=CHOICE'],
    [['batch', '--set', 'web/gateway=1.0'], 'tag:T'],
    [['batch', '--set', 'web/gateway=tag:1', '--set', 'web/gateway=tag:2'], 'twice'],
    [['batch', '--set', 'web/gate=tag:1', '--yes'], 'It has gateway'],
    [['logs', 'web', '--tail', 'all'], 'whole number'],
    [['logs'], 'target'],
    [['job'], 'id'],
    [['map'], 'check'],
    [['agent', 'install', 'root@web-1', '--plan'], 'names no machine: it is ssh://'],
    [['agent', 'uninstall', 'ssh://-web-1', '--plan'], 'dash'],
    [['status', '--service', 'shoop'], 'It has shop'],
    [['status', '--map', 'production'], 'It has demo'],
  ])('towline %j', async (args, part) => {
    const ran = await place.run(...args);
    expect(ran.stderr).toContain(part);
    expect(ran.stdout).toBe('');
    expect(ran.code).toBe(64);
    expect(ran.stderr).not.toMatch(/^error:/m);
    expect(ran.stderr).not.toMatch(/^ {4}at /m);
  });
});

test('help goes to stdout, names every command and every exit code', async () => {
  const ran = await place.run('--help');
  expect(ran.code).toBe(0);
  expect(ran.stderr).toBe('');
  for (const word of [
    'status',
    'execute',
    'batch',
    'rollback',
    'versions',
    'build',
    'logs',
    'jobs',
    'job',
    'map',
    'agents',
    'completion',
  ]) {
    expect(ran.stdout).toMatch(new RegExp(`^ {2}${word}\\b`, 'm'));
  }
  expect(ran.stdout).toContain('64 the words of the command are off');
  expect((await place.run('execute', '--help')).stdout).toContain('--read-only');
  expect((await place.run('--version')).stdout).toMatch(/^\d+\.\d+\.\d+$/);
});

test('the agent listens on the network for nobody without TLS, and without a token for nobody at all', () => {
  const agent = fileURLToPath(new URL('../../../packages/agent/src/main.ts', import.meta.url));
  const state = join(place.dir, 'no-tokens');
  const ran = (...args: string[]) =>
    spawnSync(process.execPath, [agent, '--state-dir', state, ...args], { encoding: 'utf8' });
  expect(ran('--help').status).toBe(0);
  for (const words of [
    ['--lisen', 'x'],
    ['--idle-exit', '-1'],
    ['token', 'create'],
    ['token', 'burn', 'x'],
  ]) {
    expect(ran(...words)).toMatchObject({ status: 64, stderr: expect.stringMatching(/^error: /) });
  }
  expect(ran('--help').stdout).toMatch(/--listen.*--tls-cert.*token create anna --role operator/s);
  expect(ran('--listen', '0.0.0.0:1')).toMatchObject({
    status: 64,
    stderr: expect.stringContaining('--tls-cert'),
  });
  expect(ran('--listen', 'localhost:1')).toMatchObject({
    status: 1,
    stderr: expect.stringContaining(`towline-agent token create NAME --role operator --state-dir ${state}`),
  });
  expect(existsSync(state)).toBe(true);
});

describe('an agent that is not there', () => {
  test.each([
    [['status'], 'Unreachable'],
    [['agents'], 'unreachable'],
    [['jobs'], 'JOB'],
  ])('towline %j prints what is known and ends with 5', async (args, part) => {
    const ran = await place.run(...args);
    expect(ran.stdout).toContain(part);
    expect(ran.stderr).toContain(`no agent's socket at ${place.dir}/none.sock`);
    expect(ran.code).toBe(5);
  });

  test.each([
    [['execute', 'web/gateway', '--tag', '1']],
    [['execute', 'web', '--tag', '1']],
    [['batch', '--set', 'web/gateway=tag:1', '--yes']],
    [['batch', '--set', 'web/gateway=tag:1', '--plan']],
    [['versions', 'web']],
    [['logs', 'web/gateway']],
    [['job', 'abc']],
  ])('towline %j ends with 5', async (args) => {
    const ran = await place.run(...args);
    expect(ran.stderr + ran.stdout).toContain('none.sock');
    expect(ran.code).toBe(5);
  });

  test('with --json the reason is on stdout as well', async () => {
    const ran = await place.run('versions', 'web', '--json');
    expect(ran.json()).toMatchObject({
      error: { code: 'agent-unreachable', message: expect.stringContaining('none.sock') },
    });
    expect((await place.run('agents', '--json')).json()).toMatchObject({
      agents: [{ name: 'alpha', state: 'unreachable', version: null, engine: null, roundTripMs: null }],
    });
    expect((await place.run('execute', 'web', '--tag', '1', '--json')).json()).toMatchObject({
      jobs: [],
      refused: [{ server: 'web', container: 'gateway', code: 'agent-unreachable' }],
    });
  });
});

test('what is refused says why, and not that nothing is armed', async () => {
  const ran = await place.run('execute', 'web', '--tag', '1');
  expect(ran.stderr).toMatch(/^towline: .*none\.sock/m);
  expect(ran.stderr).toContain(`towline-agent --socket ${place.dir}/none.sock --state-dir DIR --engine URL`);
  expect(ran.stderr).not.toContain('Nothing is armed');
  expect((await place.run('batch', '--yes')).stderr).toContain('towline: Nothing is armed on the map demo.');
});

test('without a map file and an engine it is said that both are not there', async () => {
  const other = await createPlace();
  const stop = async () => {
    const lock = await readFile(join(other.place().stateDir, 'agent.lock'), 'utf8');
    process.kill((JSON.parse(lock) as { pid: number }).pid, 'SIGTERM');
  };
  try {
    const ran = await other.run('status');
    expect(ran).toMatchObject({ code: 5, stdout: '' });
    expect(ran.stderr).toMatch(
      /There is no map file, .*no-engine\.sock.*running\? Name a map file with --file, or/,
    );
    await stop();
    await vi.waitUntil(() => !existsSync(join(other.place().stateDir, 'agent.lock')), 20_000);
  } finally {
    await other.close();
  }
});

test('a token that is not where the map says is told with the file', async () => {
  const other = await createPlace();
  try {
    const map = shopMap({}, { web: { agent: 'alpha', containers: [{ name: 'gateway', image: 'a' }] } });
    await other.writeMap({
      ...map,
      agents: { alpha: { url: 'wss://web-1:7443', token: { file: 'token' } } },
    });
    const ran = await other.run('agents');
    expect(ran.stderr).toContain(`The token that the map names, ${other.dir}/token, can't be read`);
    expect(ran.code).toBe(5);
  } finally {
    await other.close();
  }
});
