import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { setImmediate } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { clockBehind } from '../clock-behind.ts';
import { createShopPlace, type ShopPlace } from './shop-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: ShopPlace;
let gateway: string;
let storefront: string;
let cache: string;

beforeAll(async () => {
  place = await createShopPlace();
  gateway = `web/${place.nameOf('gateway')}`;
  storefront = `web/${place.nameOf('storefront')}`;
  cache = `cache/${place.nameOf('cache')}`;
  const created = await place.run(
    ...[
      'batch',
      '--yes',
      '--set',
      `${gateway}=tag:1.0.0`,
      '--set',
      `${storefront}=tag:2.0.0`,
      '--set',
      `${cache}=tag:7.2.0`,
    ],
  );
  expect(created).toMatchObject({ code: 0 });
});

afterAll(() => place.close());

const TAG = (tag: string) => ({ tag, digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/) });

test('status prints the table, and the same as JSON', async () => {
  const text = await place.run('status');
  expect(text).toMatchObject({ code: 0 });
  expect(text.stdout).toMatch(/^SERVER +STATE +AGENT +CONTAINER +IMAGE +BUILD +DEPLOYED +DIGEST/);
  expect(text.stdout).toMatch(
    /^cache +Running +beta +cli-cache-\S+ +localhost:\d+\/shop\/cache +- +7\.2\.0 +[0-9a-f]{12} +running +Image Tag$/m,
  );
  const document = (await place.run('status', '--json')).json();
  expect(document).toMatchObject({
    service: 'shop',
    map: 'demo',
    origin: place.mapFile,
    servers: [
      {
        name: 'web',
        agent: 'alpha',
        state: 'Running',
        reason: null,
        runningJob: null,
        lastJob: { state: 'DONE' },
        tasks: [
          {
            container: place.nameOf('gateway'),
            kind: 'common',
            exists: true,
            state: 'running',
            deployed: TAG('1.0.0'),
            build: null,
            modes: ['image-tag'],
          },
          { container: place.nameOf('storefront'), deployed: TAG('2.0.0') },
        ],
      },
      { name: 'cache', agent: 'beta', state: 'Running' },
      { name: 'faulty', agent: 'alpha', state: 'Stopped', tasks: [{ exists: false, deployed: null }] },
    ],
  });
});

test('without a terminal towline alone is status', async () => {
  expect((await place.run()).stdout).toBe((await place.run('status')).stdout);
});

test('agents: versions, engine, round trip', async () => {
  const ran = await place.run('agents', '--json');
  expect(ran.code).toBe(0);
  const engine = {
    name: expect.any(String),
    version: expect.any(String),
    apiVersion: expect.any(String),
    os: 'linux',
  };
  const reachable = {
    state: 'reachable',
    message: null,
    version: '0.1.0',
    protocol: 1,
    engine,
    roundTripMs: expect.any(Number),
    clockAheadMs: 0,
  };
  expect(ran.json()).toMatchObject({
    agents: [
      { name: 'alpha', url: `unix://${place.agents.alpha.socket}`, ...reachable },
      { name: 'beta', ...reachable },
    ],
  });
  expect((await place.run('agents')).stdout).toMatch(
    /^alpha +reachable +0\.1\.0 +\S+ \S+ +none +[\d.]+ ms +unix:/m,
  );
  const behind = await place.runWith(clockBehind(26 * 3_600_000), 'agents');
  expect(behind.stdout).toMatch(/^alpha: Its clock is 1 d [12] h ahead of this machine's\.$/m);
});

test('versions, newest first, with what is deployed', async () => {
  const ran = await place.run('versions', gateway, '--json');
  expect(ran.code).toBe(0);
  expect(ran.json()).toMatchObject({
    image: `${place.registry}/shop/gateway`,
    deployed: TAG('1.0.0'),
    total: 4,
    versions: expect.arrayContaining([
      expect.objectContaining({ ...TAG('1.0.0'), deployed: true, size: expect.any(Number) }),
    ]),
  });
  const text = await place.run('versions', gateway);
  const tags = text.stdout.split('\n').map((line) => line.split(' ')[0]);
  expect(tags.filter((tag) => /^\d/.test(tag ?? ''))).toEqual(['1.2.0', '1.1.0', '1.0.0']);
  expect(text.stdout).toMatch(/^1\.0\.0 .*deployed/m);
});

describe('execute', () => {
  test('follows the job with plain lines, and ends when it has', async () => {
    const ran = await place.run('execute', gateway, '--tag', '1.1.0');
    expect(ran).toMatchObject({ code: 0 });
    expect(ran.stdout).toMatch(/^web: DONE: cli-gateway-\S+ 1\.0\.0 → 1\.1\.0 in [\d.]+ s \(job \S+\)$/);
    expect(ran.stderr).toMatch(/^web: pull the image of cli-gateway-\S+: DONE in [\d.]+ s/m);
    expect(ran.stderr).not.toContain('\u001b');
    expect(await place.deployed('web', 'gateway')).toBe('1.1.0');
  });

  test('with --json it is one document', async () => {
    const ran = await place.run('execute', 'cache', '--tag', '7.4.0', '--json');
    expect(ran.code).toBe(0);
    expect(ran.json()).toMatchObject({
      jobs: [
        {
          id: expect.any(String),
          service: 'shop',
          map: 'demo',
          server: 'cache',
          agent: 'beta',
          state: 'DONE',
          tasks: [
            { container: place.nameOf('cache'), mode: 'image-tag', from: TAG('7.2.0'), to: TAG('7.4.0') },
          ],
          steps: expect.arrayContaining([
            expect.objectContaining({ state: 'DONE', startedAt: expect.any(String) }),
          ]),
          operator: expect.any(String),
          startedAt: expect.any(String),
          endedAt: expect.any(String),
        },
      ],
      failures: [],
      refused: [],
    });
  });

  test('--detach prints the id, and `job ID --follow` finds its end', async () => {
    const begun = await place.run('execute', gateway, '--tag', '1.2.0', '--detach');
    expect(begun).toMatchObject({ code: 0, stdout: expect.stringMatching(/^\S+$/) });
    const followed = await place.run('job', begun.stdout, '--follow');
    expect(followed).toMatchObject({ code: 0, stdout: expect.stringContaining('DONE') });
    const events = (await place.run('job', begun.stdout, '--follow', '--json')).jsonLines();
    expect(events[0]).toMatchObject({ seq: 1, type: 'queued' });
    expect(events.at(-1)).toMatchObject({ seq: events.length, type: 'ended', state: 'DONE' });
  });

  test('a server runs what is armed on it, and says what it left out', async () => {
    const ran = await place.run('execute', 'web', '--tag', '1.2.0');
    expect(ran.stderr).toContain('runs 1.2.0 already');
    // storefront has no 1.2.0: the registry says so, and nothing was touched.
    expect(ran.code).toBe(2);
    expect(await place.deployed('web', 'storefront')).toBe('2.0.0');
  });

  test('latest over latest is deployed again', async () => {
    expect(await place.run('execute', gateway, '--tag', 'latest')).toMatchObject({ code: 0 });
    expect(await place.run('execute', gateway, '--tag', 'latest')).toMatchObject({ code: 0 });
    expect(await place.run('execute', gateway, '--tag', '1.0.0')).toMatchObject({ code: 0 });
  });
});

describe('batch', () => {
  test('--plan prints what would run, in order, and why the rest would not', async () => {
    const words = [
      'batch',
      '--set',
      `${cache}=tag:7.2.0`,
      `${gateway}=tag:1.1.0`,
      '--set',
      `${storefront}=tag:2.0.0`,
    ];
    const ran = await place.run(...words, '--plan', '--json');
    expect(ran.json()).toMatchObject({
      taskCount: 2,
      serverCount: 2,
      servers: [
        {
          server: 'web',
          agent: 'alpha',
          tasks: [
            {
              container: place.nameOf('gateway'),
              mode: 'image-tag',
              from: { tag: '1.0.0' },
              to: '1.1.0',
              stages: ['deploy'],
            },
          ],
          containers: [{ container: place.nameOf('gateway'), to: TAG('1.1.0'), order: 'stop-first' }],
        },
        {
          server: 'cache',
          agent: 'beta',
          tasks: [{ to: '7.2.0' }],
          containers: [{ changes: [{ setting: 'Cmd', by: 'image' }] }],
        },
      ],
      refused: [{ server: 'web', container: place.nameOf('storefront'), code: 'same-version' }],
    });
    const text = await place.run(...words, '--plan');
    expect(text.stdout).toContain('Would run 2 tasks on 2 servers');
    expect(text.stdout).toContain('runs 2.0.0 already');
    expect(text.code).toBe(2);
    const none = await place.run('execute', gateway, '--tag', '9.9.9', '--plan');
    expect(none.stdout).toMatch(
      /^Nothing would run\.\nWould not run:\n {2}web\/cli-gateway-\S+: .* has no .*:9\.9\.9/,
    );
    expect(none.code).toBe(2);
    expect(await place.deployed('web', 'gateway')).toBe('1.0.0');
  });

  test('without a person and without --yes nothing is done', async () => {
    const ran = await place.run('batch', '--set', `${gateway}=tag:1.1.0`);
    expect(ran).toMatchObject({ code: 64, stdout: '' });
    expect(ran.stderr).toContain('--yes');
    expect(await place.deployed('web', 'gateway')).toBe('1.0.0');
  });

  test('--yes runs it, a job for each server', async () => {
    const ran = await place.run(
      'batch',
      '--yes',
      '--json',
      '--set',
      `${gateway}=tag:1.1.0`,
      `${storefront}=tag:2.1.0`,
      `${cache}=tag:7.2.0`,
    );
    expect(ran.code).toBe(0);
    expect(ran.json()).toMatchObject({
      jobs: [
        { server: 'web', state: 'DONE', tasks: [{ to: TAG('1.1.0') }, { to: TAG('2.1.0') }] },
        { server: 'cache', state: 'DONE', tasks: [{ to: TAG('7.2.0') }] },
      ],
    });
  });

  test('with nothing set nothing is armed', async () => {
    expect(await place.run('batch', '--yes')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('--set'),
    });
  });
});

describe('prune', () => {
  test('--list shows what is left over, of the map’s images alone', async () => {
    const text = await place.run('prune', '--list', '--keep', '0');
    expect(text.code).toBe(0);
    const lines = text.stdout.split('\n').filter((line) => line.startsWith('  image '));
    expect(lines.every((line) => /\/shop\/|\/test\/faulty/.test(line))).toBe(true);
    expect(text.stdout).not.toContain('.prev.');
    const { agents } = Object((await place.run('prune', '--list', '--json')).json());
    expect(agents).toMatchObject([{ agent: 'alpha' }, { agent: 'beta' }]);
  });

  test('without a person and without --yes nothing is removed', async () => {
    const ran = await place.run('prune', '--keep', '0', '--previous');
    expect(ran).toMatchObject({ code: 64, stdout: '' });
    expect(ran.stderr).toContain('--yes');
    expect(ran.stderr).toMatch(/\.prev\./);
  });
});

describe('jobs', () => {
  test('lists them all, newest first, and one with its events', async () => {
    const listed = (await place.run('jobs', '--json')).json() as {
      jobs: { id: string; queuedAt?: string; agent: string }[];
    };
    expect(listed.jobs.length).toBeGreaterThan(2);
    expect(new Set(listed.jobs.map(({ agent }) => agent))).toEqual(new Set(['alpha', 'beta']));
    const id = listed.jobs[0]?.id ?? '';
    const one = await place.run('job', id, '--json');
    expect(one).toMatchObject({ code: 0 });
    expect(one.json()).toMatchObject({
      id,
      events: expect.arrayContaining([expect.objectContaining({ type: 'ended' })]),
    });
    const text = await place.run('job', id);
    expect(text.stdout).toContain(`Job ${id}: `);
    expect((await place.run('jobs')).stdout).toContain(id);
  });

  test('one that nobody knows is a word that is off, as a server is', async () => {
    expect(await place.run('job', 'nosuchjob')).toMatchObject({
      code: 64,
      stderr: expect.stringContaining('towline jobs'),
    });
  });
});

describe('logs', () => {
  test('the tail, as text and as lines of JSON', async () => {
    const ran = await place.run('logs', cache, '--tail', '5');
    expect(ran).toMatchObject({ code: 0, stdout: 'cache 7.2.0 serves on port 8080' });
    expect((await place.run('logs', cache, '--json')).jsonLines()).toEqual([
      { at: expect.any(String), stream: 'stdout', line: 'cache 7.2.0 serves on port 8080' },
    ]);
    expect((await place.run('logs', cache, '--tail', '0')).stdout).toBe('');
  });

  test('a long one comes whole, to a reader that takes its time', async () => {
    const { a } = place.hosts;
    const lines = 200_000;
    await a.docker(
      ...[
        'run',
        '-d',
        '--name',
        place.nameOf('probe'),
        '--entrypoint',
        '/bin/sh',
        `${place.registry}/test/faulty:ok`,
      ],
      ...['-c', `trap 'exit 0' TERM; seq 1 ${lines}; sleep 1000000 & wait`],
    );
    const last = async () => await a.docker('logs', '--tail', '1', place.nameOf('probe'));
    await vi.waitUntil(async () => (await last()).trim() === String(lines), {
      timeout: 30_000,
      interval: 100,
    });
    const child = spawn(process.execPath, [TOWLINE, 'logs', 'faulty', '--tail', String(lines)], {
      cwd: place.dir,
      env: place.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let expected = 1;
    for await (const line of createInterface({ input: child.stdout })) {
      if (line !== String(expected)) throw new Error(`${line} came in place of ${expected}`);
      expected++;
      // What waits for this reader is more than fits into a pipe.
      if (expected % 20_000 === 0) await setImmediate();
    }
    expect(expected - 1).toBe(lines);
    await a.docker('rm', '-f', place.nameOf('probe'));
  });

  test('a container that is not there ends with 1', async () => {
    expect(await place.run('logs', 'faulty')).toMatchObject({ code: 1 });
  });

  test('a reader that goes away ends --follow', async () => {
    const child = spawn(process.execPath, [TOWLINE, 'logs', cache, '--follow'], {
      cwd: place.dir,
      env: place.env,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const [line] = await once(createInterface({ input: child.stdout }), 'line');
    expect(line).toBe('cache 7.2.0 serves on port 8080');
    const exited = once(child, 'exit');
    child.kill('SIGINT');
    expect(await exited).toEqual([null, 'SIGINT']);
  });
});

test('a pipe that is closed early ends nothing badly', async () => {
  for (const words of [
    'status',
    'jobs',
    'agents',
    `versions ${gateway}`,
    `logs ${cache}`,
    `execute ${gateway} --tag 1.2.0`,
    '--help',
  ]) {
    const script = `set -o pipefail; "${process.execPath}" "${TOWLINE}" ${words} 2>err | true; echo "$?"; cat err`;
    const child = spawn('bash', ['-c', script], {
      cwd: place.dir,
      env: place.env,
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let said = '';
    for await (const chunk of child.stdout) said += chunk;
    expect(said, words).toMatch(/^0\n/);
    expect(said, words).not.toContain('EPIPE');
  }
  expect(await place.deployed('web', 'gateway')).toBe('1.2.0');
});
