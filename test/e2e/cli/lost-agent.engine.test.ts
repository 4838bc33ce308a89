import { join } from 'node:path';
import { type RunningAgentProcess, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { followJob, openFleet, readMapFile } from '@towline/tui/fleet';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { shopMap } from './shop-map.ts';
import { type CliPlace, createPlace, TOWLINE } from './towline-process.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.a;
let place: CliPlace;
let name: string;
let agent: RunningAgentProcess;

beforeEach(async () => {
  place = await createPlace();
  name = `lost-${place.dir.slice(-6).toLowerCase()}`;
  agent = await startAgent({ host, dir: join(place.dir, 'alpha') });
  // Watched for as long as it takes: the agent is lost in the middle of the check.
  const container = { name, image: `${registry}/test/faulty`, settle: 600, run: {} };
  const servers = { web: { agent: 'alpha', containers: [container] } };
  await place.writeMap(shopMap({ alpha: agent.socket }, servers));
  await host.docker('run', '-d', '--name', name, `${registry}/test/faulty:ok`);
});

afterEach(async () => {
  await agent.stop('SIGKILL');
  const ids = (await host.docker('ps', '-aq', '--filter', `name=${name}`)).split('\n').filter(Boolean);
  await host.docker('rm', '-f', ...ids);
  await place.close();
});

test('a lost link is said at once, and an agent that knows no such job ends with 5 and what to do', async () => {
  const execute = execa(process.execPath, [TOWLINE, 'execute', 'web', '--tag', 'ok2'], {
    cwd: place.dir,
    env: place.env,
    extendEnv: false,
    stdin: 'ignore',
    reject: false,
  });
  let said = '';
  execute.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  await vi.waitUntil(() => /start.*DONE/.test(said), 30_000);
  await agent.stop('SIGKILL');
  await vi.waitUntil(() => said.includes('The link to the agent alpha is lost'), 10_000);
  expect(said).toContain('It is tried again for up to 1 min 00 s');

  const elsewhere = ['--state-dir', join(place.dir, 'elsewhere')];
  agent = await startAgent({ host, dir: join(place.dir, 'alpha'), args: elsewhere });
  expect((await execute).exitCode).toBe(5);
  expect(said).toMatch(/knows no job \S+ \(any more\)\..*--state-dir/);
});

test('an agent that stays away is given up after the time that was said', async () => {
  const begun = await place.run('execute', 'web', '--tag', 'ok2', '--detach');
  expect(begun.code).toBe(0);
  const read = await readMapFile(place.mapFile);
  if (!read.ok) throw new Error(read.error.message);
  const source = { kind: 'file' as const, path: place.mapFile, ...read.value };
  const fleet = openFleet({ source, readOnly: false, env: place.env, version: '0.1.0' });
  try {
    await fleet.settled();
    const said: string[] = [];
    const begins = Promise.withResolvers<void>();
    const following = followJob(fleet, 'alpha', begun.stdout, {
      signal: new AbortController().signal,
      patienceMs: 500,
      onEvent: () => begins.resolve(),
      onLink: (line) => said.push(line),
    });
    await begins.promise;
    await agent.stop('SIGKILL');
    expect(await following).toMatchObject({
      kind: 'lost',
      failure: {
        code: 'agent-unreachable',
        message: expect.stringMatching(/away for more than 0\.5 s\..*goes on without us/),
      },
    });
    expect(said).toEqual([expect.stringContaining('tried again for up to 0.5 s')]);
  } finally {
    await fleet.close();
  }
});
