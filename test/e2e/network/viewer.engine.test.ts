import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createToken, revokeToken } from '@towline/agent/access';
import { type RunningAgent, runAgent } from '@towline/agent/server';
import { certificateAuthority, type Host, sharedSandbox } from '@towline/test/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliPlace, createPlace } from '../cli/towline-process.ts';

let place: CliPlace;
let host: Host;
let agent: RunningAgent;
let stateDir: string;
let gateway: string;

beforeAll(async () => {
  const { hosts, registry } = await sharedSandbox();
  host = hosts.b;
  place = await createPlace();
  stateDir = join(place.dir, 'agent');
  gateway = `viewed-${place.dir.slice(-6).toLowerCase()}`;
  const authority = await certificateAuthority(place.dir);
  for (const [name, role] of [
    ['anna', 'operator'],
    ['board', 'viewer'],
  ] as const) {
    const made = await createToken(stateDir, { name, role }, Date.now());
    if (!made.ok) throw new Error(made.error.message);
    await writeFile(join(place.dir, `${name}.token`), made.value, { mode: 0o600 });
  }
  const started = await runAgent({
    socketPath: join(stateDir, 'a.sock'),
    stateDir,
    listen: { host: '127.0.0.1', port: 0, tls: await authority.issue('server', ['localhost']) },
    engine: { kind: 'socket', path: host.socket },
    version: '0.1.0',
    log: { info() {}, warn() {}, error() {} },
  });
  if (!started.ok) throw new Error(started.error.message);
  agent = started.value;
  await host.docker('run', '-d', '--name', gateway, `${registry}/shop/gateway:1.0.0`);
  const container = { name: gateway, image: `${registry}/shop/gateway`, settle: 0 };
  const url = `wss://localhost:${agent.address?.port}`;
  for (const name of ['anna', 'board']) {
    const map = {
      agents: { db: { url, token: { file: `${name}.token` }, ca: 'ca.pem' } },
      services: { shop: { maps: { live: { servers: { web: { agent: 'db', containers: [container] } } } } } },
    };
    await writeFile(join(place.dir, `${name}.yaml`), JSON.stringify(map));
  }
});

afterAll(async () => {
  await agent?.close();
  const left = await host?.docker('ps', '-aq', '--filter', `name=^${gateway}`);
  const ids = left?.split('\n').filter((id) => id !== '') ?? [];
  if (ids.length > 0) await host.docker('rm', '-f', '-v', ...ids);
  await place?.close();
});

const as = (who: string, ...args: string[]) => place.run('--file', join(place.dir, `${who}.yaml`), ...args);
const VIEWER = 'Your token "board" is a viewer\'s on db';

test('an operator deploys over TLS, and the job bears the token’s name for all who look', async () => {
  expect(await as('anna', 'execute', `web/${gateway}`, '--tag', '1.1.0')).toMatchObject({ code: 0 });
  expect((await as('board', 'agents')).stdout).toMatch(/^db +reachable as board, viewer /m);
  const jobs = await as('board', 'jobs', '--json');
  expect(jobs.code).toBe(0);
  expect(jobs.json()).toMatchObject({ jobs: [{ state: 'DONE', operator: 'anna' }] });
});

test('a viewer sees the table and the log, and is refused the rest with its reason', async () => {
  const status = await as('board', 'status');
  expect(status).toMatchObject({ code: 0, stdout: expect.stringContaining(gateway) });
  expect((await as('board', 'logs', `web/${gateway}`)).code).toBe(0);
  for (const words of [
    ['execute', `web/${gateway}`, '--tag', '1.2.0'],
    ['batch', '--set', `web/${gateway}=tag:1.2.0`, '--yes'],
    ['rollback', `web/${gateway}`],
  ]) {
    const ran = await as('board', ...words);
    expect([words[0], ran.code]).toEqual([words[0], 2]);
    expect(ran.stderr).toContain(VIEWER);
  }
  expect(await host.docker('inspect', '-f', '{{.Config.Image}}', gateway)).toContain(':1.1.0');
});

test('a revoked token reaches nothing, and says why', async () => {
  await revokeToken(stateDir, 'board', Date.now());
  const ran = await as('board', 'status');
  expect(ran.code).toBe(5);
  expect(ran.stderr).toContain('The token "board" was revoked');
});
