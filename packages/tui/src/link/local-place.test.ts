import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { type LocalPlace, localPlace, placeOfSocket, recordPath } from './local-place.ts';

const dir = mkdtempSync(join(tmpdir(), 'tl-place-'));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function machine(env: Record<string, string>, there: readonly string[] = ['/var/run/docker.sock']) {
  return { env, home: '/home/op', exists: (path: string) => there.includes(path) };
}

function place(env: Record<string, string>): LocalPlace {
  const found = localPlace(machine(env));
  if (!found.ok) throw new Error(found.error.message);
  return found.value;
}

const STATE = '/home/op/.local/state/towline';

test.each([
  [{}, `${STATE}/agent.sock`, `${STATE}/agent`],
  [{ XDG_RUNTIME_DIR: '/run/user/7' }, '/run/user/7/towline/agent.sock', `${STATE}/agent`],
  [{ XDG_STATE_HOME: '/s' }, '/s/towline/agent.sock', '/s/towline/agent'],
  [{ XDG_STATE_HOME: '', XDG_RUNTIME_DIR: '' }, `${STATE}/agent.sock`, `${STATE}/agent`],
])('%j has the default engine at the paths that the agent takes by itself', (env, socketPath, stateDir) => {
  const engine = { engine: 'unix:///var/run/docker.sock' };
  expect(place(env)).toEqual({ socketPath, stateDir, engine, named: false });
});

test('DOCKER_HOST that names the default engine has its place, and any other one of its own', () => {
  expect(place({ DOCKER_HOST: '/var/run/docker.sock' })).toEqual({ ...place({}), named: true });
  const [alpha, beta] = [place({ DOCKER_HOST: 'unix:///a.sock' }), place({ DOCKER_HOST: 'tcp://b:2376' })];
  expect(new Set([place({}), alpha, beta].map(({ socketPath }) => socketPath)).size).toBe(3);
  expect(new Set([place({}), alpha, beta].map(({ stateDir }) => stateDir)).size).toBe(3);
  expect(place({ DOCKER_HOST: '/a.sock' })).toEqual(alpha);
  expect(beta.engine).toEqual({ engine: 'https://b:2376' });
});

test('a DOCKER_HOST that is no address is said to be the one', () => {
  expect(localPlace(machine({ DOCKER_HOST: 'banana' }))).toMatchObject({
    ok: false,
    error: { code: 'engine-address', message: expect.stringMatching(/^DOCKER_HOST: "banana" can't be used/) },
  });
});

test('a socket leads to the engine that is recorded for it, whatever DOCKER_HOST says by then', () => {
  const env = { XDG_STATE_HOME: dir, DOCKER_CERT_PATH: '/certs' };
  const made = place({ ...env, DOCKER_HOST: 'https://b:1' });
  const later = machine({ XDG_STATE_HOME: dir, DOCKER_HOST: 'unix:///other.sock' });
  expect(placeOfSocket(made.socketPath, later)).toBeUndefined();
  mkdirSync(dirname(recordPath(made.stateDir)), { recursive: true });
  writeFileSync(recordPath(made.stateDir), JSON.stringify(made.engine));
  expect(placeOfSocket(made.socketPath, later)).toEqual(made);
  expect(placeOfSocket('/elsewhere/agent.sock', later)).toBeUndefined();
  expect(placeOfSocket(join(dir, 'towline/agent.sock'), later)).toMatchObject({
    engine: { engine: 'unix:///var/run/docker.sock' },
    named: false,
  });
});
