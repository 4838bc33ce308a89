import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { createShopPlace, type ShopPlace } from './shop-place.ts';
import { TOWLINE } from './towline-process.ts';

let place: ShopPlace;
let probe: string;

beforeAll(async () => {
  place = await createShopPlace();
  probe = `faulty/${place.nameOf('probe')}`;
  expect(await place.run('execute', probe, '--tag', 'ok')).toMatchObject({ code: 0 });
});

afterAll(() => place.close());

describe('2: a rule refused it, and nothing was touched', () => {
  test.each<[string, string[], string]>([
    ['the same version', ['--tag', 'ok'], 'runs ok already'],
    ['no tag', ['--tag', ''], 'pick one'],
    ['an invalid tag', ['--tag', 'no tag'], 'is no tag'],
    ['a mode of built images', ['--latest'], 'common image'],
    ['a build', ['--build', '--confirm'], 'common image'],
    ['read-only', ['--tag', 'ok2', '--read-only'], 'read-only'],
    ['a tag that the registry has not', ['--tag', 'nosuch'], 'nosuch'],
  ])('%s', async (_name, words, part) => {
    const ran = await place.run('execute', probe, ...words);
    expect(ran.stderr).toContain(part);
    expect(ran.code).toBe(2);
    expect(await place.deployed('faulty', 'probe')).toBe('ok');
  });

  test('the refusal is data with --json', async () => {
    expect((await place.run('execute', probe, '--tag', 'ok', '--json')).json()).toMatchObject({
      jobs: [],
      refused: [{ server: 'faulty', container: place.nameOf('probe'), code: 'same-version' }],
    });
    expect((await place.run('execute', probe, '--tag', 'nosuch', '--json')).json()).toMatchObject({
      jobs: [{ state: 'REFUSED', refusal: { code: 'tag-not-found' } }],
    });
  });
});

describe('3: it failed, and the old version serves', () => {
  test.each([
    ['exits', 'line 300'],
    ['unhealthy', 'healthcheck'],
  ])('an image that is %s', async (tag, part) => {
    const ran = await place.run('execute', probe, '--tag', tag);
    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/^faulty: RESTORED: /);
    expect(ran.stderr).toContain(part);
    expect(ran.stderr).toMatch(/old version serves/i);
    expect(await place.deployed('faulty', 'probe')).toBe('ok');
  });

  test('with --json the last lines of the container are there', async () => {
    expect((await place.run('execute', probe, '--tag', 'exits', '--json')).json()).toMatchObject({
      jobs: [
        {
          state: 'RESTORED',
          error: { code: expect.any(String), message: expect.any(String) },
          logs: [
            {
              container: place.nameOf('probe'),
              lines: expect.arrayContaining([expect.stringContaining('line 300')]),
            },
          ],
        },
      ],
    });
  });

  test('one that is cancelled, and by whom', async () => {
    const begun = await place.run('execute', probe, '--tag', 'held', '--detach');
    const ran = await place.run('job', begun.stdout, '--cancel', '--follow');
    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/^faulty: CANCELLED: /);
    expect(ran.stderr).toMatch(/^faulty: cancelled by \S+$/m);
    const { cancelledBy } = Object((await place.run('job', begun.stdout, '--json')).json());
    expect(ran.stderr).toContain(`cancelled by ${cancelledBy}`);
    expect(await place.run('job', begun.stdout, '--cancel')).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('nothing to cancel'),
    });
    expect(await place.deployed('faulty', 'probe')).toBe('ok');
  });

  test('one that is restored on one server and done on another is not done', async () => {
    const gateway = `web/${place.nameOf('gateway')}`;
    const ran = await place.run('batch', '--yes', '--set', `${probe}=tag:exits`, `${gateway}=tag:1.0.0`);
    expect(ran.code).toBe(3);
    expect(ran.stdout).toMatch(/^web: DONE/m);
    expect(ran.stdout).toMatch(/^faulty: RESTORED/m);
  });
});

test('Ctrl-C turns away from a job, which goes on', async () => {
  const child = spawn(process.execPath, [TOWLINE, 'execute', probe, '--tag', 'exits-later'], {
    cwd: place.dir,
    env: place.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const exited = once(child, 'exit');
  const lines: string[] = [];
  const reading = createInterface({ input: child.stderr }).on('line', (line) => lines.push(line));
  const closed = once(reading, 'close');
  await vi.waitUntil(() => lines.length > 0, 20_000);
  child.kill('SIGINT');
  expect(await exited).toEqual([130, null]);
  await closed;
  const id = /the job (\S+) goes on/.exec(lines.join('\n'))?.[1];
  expect(id).toBeDefined();
  const followed = await place.run('job', id ?? '', '--follow');
  expect([0, 3]).toContain(followed.code);
  expect(followed.stdout).toMatch(/DONE|RESTORED/);
});

test('an agent that is killed in the middle is waited for, and the job is followed to its end', async () => {
  const before = await place.deployed('faulty', 'probe');
  const tag = before === 'ok' ? 'ok2' : 'ok';
  const child = spawn(process.execPath, [TOWLINE, 'execute', probe, '--tag', tag, '--json'], {
    cwd: place.dir,
    env: place.env,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let said = '';
  let result = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  child.stdout.on('data', (chunk) => {
    result += chunk;
  });
  const exited = once(child, 'close');
  await vi.waitUntil(() => said.includes('\n'), 20_000);
  await place.agents.alpha.stop('SIGKILL');
  expect(await place.run('status')).toMatchObject({
    code: 5,
    stderr: expect.stringContaining('agent is not running'),
  });
  await place.restartAlpha();
  const [code] = await exited;
  expect(JSON.parse(result)).toMatchObject({
    jobs: [{ server: 'faulty', state: expect.stringMatching(/DONE|RESTORED/) }],
  });
  expect([0, 3]).toContain(code);
  expect(await place.run('status')).toMatchObject({ code: 0 });
});

test('4: the old version could not be restored, and the commands that bring it back are shown', async () => {
  const { a } = place.hosts;
  const name = place.nameOf('probe');
  expect(await place.run('execute', probe, '--tag', 'healthy')).toMatchObject({ code: 0 });
  const child = spawn(process.execPath, [TOWLINE, 'execute', probe, '--tag', 'held'], {
    cwd: place.dir,
    env: place.env,
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  const exited = once(child, 'close');
  await vi.waitUntil(() => said.includes(': start the new container'), 20_000);
  // Somebody takes away what the agent would go back to.
  await a.docker('rm', '-f', name);
  await place.failHeld();
  expect(await exited).toEqual([4, null]);
  expect(said).toMatch(/To bring it back by hand, on its machine:\n {2}\S+/);
  expect((await place.run('status', '--json')).json()).toMatchObject({
    servers: expect.arrayContaining([expect.objectContaining({ name: 'faulty', state: 'Degraded' })]),
  });
  const listed = (await place.run('jobs', '--json')).json() as {
    jobs: { state: string; commands: string[] }[];
  };
  expect(listed.jobs[0]?.state).toBe('DEGRADED');
  expect(listed.jobs[0]?.commands.length).toBeGreaterThan(0);
  // Or its agent does, once it is asked to.
  const restored = await place.run('restore', 'faulty');
  expect(restored.stdout).toMatch(/^faulty: RESTORED: cli-probe-\S+ held → healthy in /);
  expect(restored.code).toBe(0);
  expect(await place.deployed('faulty', 'probe')).toBe('healthy');
  expect(await place.run('restore', 'faulty')).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('faulty is not degraded: there is nothing to restore.'),
  });
});
