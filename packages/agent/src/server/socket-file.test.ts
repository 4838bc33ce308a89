import { spawnSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, request, type Server } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { listenOnSocket } from './socket-file.ts';

let dir: string;
const servers: Server[] = [];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-socket-'));
});
afterEach(async () => {
  for (const server of servers.splice(0)) server.close();
  await rm(dir, { recursive: true, force: true });
});

function newServer(answer = ''): Server {
  const server = createServer((_, response) => void response.end(answer));
  servers.push(server);
  return server;
}

const mode = async (path: string) => ((await stat(path)).mode & 0o777).toString(8);
const ask = (socketPath: string) =>
  new Promise<string>((resolve, reject) => {
    const asking = request({ socketPath }, (answer) => {
      answer.setEncoding('utf8');
      answer.on('data', resolve);
    });
    asking.once('error', reject);
    asking.end();
  });

test('the socket is its user’s alone, and so are the folders that are made for it', async () => {
  const path = join(dir, 'made', 'for', 'agent.sock');
  const before = process.umask();
  expect(await listenOnSocket(newServer(), path)).toEqual({ ok: true, value: undefined });
  expect(await mode(path)).toBe('600');
  expect(await mode(join(dir, 'made', 'for'))).toBe('700');
  expect(await mode(join(dir, 'made'))).toBe('700');
  expect(process.umask()).toBe(before);
});

test('one that somebody answers on is left alone', async () => {
  const path = join(dir, 'agent.sock');
  await listenOnSocket(newServer('first'), path);
  const second = await listenOnSocket(newServer('second'), path);
  expect(second).toMatchObject({ ok: false, error: { code: 'socket-in-use' } });
  expect(await ask(path)).toBe('first');
});

test('the file of an agent that died is replaced', async () => {
  const path = join(dir, 'agent.sock');
  // A child that binds it and ends without a chance to clean up.
  const script = `require('node:http').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`;
  spawnSync(process.execPath, ['-e', script]);
  expect((await stat(path)).isSocket()).toBe(true);
  expect((await listenOnSocket(newServer('new'), path)).ok).toBe(true);
  expect(await ask(path)).toBe('new');
  expect(await mode(path)).toBe('600');
});

test('what is no socket is never removed', async () => {
  const path = join(dir, 'agent.sock');
  await writeFile(path, 'precious');
  expect(await listenOnSocket(newServer(), path)).toMatchObject({
    ok: false,
    error: { code: 'socket-path' },
  });
  await rm(path);
  await mkdir(path);
  expect(await listenOnSocket(newServer(), path)).toMatchObject({
    ok: false,
    error: { code: 'socket-path' },
  });
});

test('a path that no system allows is refused with what to do', async () => {
  const refused = await listenOnSocket(newServer(), join(dir, 'x'.repeat(120)));
  expect(refused.ok ? '' : refused.error.message).toContain('Choose a shorter one with --socket');
  await writeFile(join(dir, 'file'), '');
  const nowhere = await listenOnSocket(newServer(), join(dir, 'file', 'agent.sock'));
  expect(nowhere).toMatchObject({ ok: false, error: { code: 'socket-path' } });
});
