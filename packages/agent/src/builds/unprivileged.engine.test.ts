import { chmod, chown, mkdir, mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { acceptsConnections, sharedSandbox } from '@towline/test/sandbox';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import type { AgentRouter } from '../server/index.ts';
import { BuildsOnEngine } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const MAIN = fileURLToPath(new URL('../main.ts', import.meta.url));
const NOBODY = 65_534;
let on: BuildsOnEngine;
let dir: string;
let engine: Server;
let agent: PromiseLike<unknown> & { kill(signal: NodeJS.Signals): boolean };
const open = new Set<Socket>();

beforeEach(async () => {
  on = await BuildsOnEngine.start(hosts.a, registry);
  dir = await mkdtemp(join(tmpdir(), 'tl-u-'));
  await mkdir(join(dir, 'state'));
  await chown(dir, NOBODY, NOBODY);
  await chown(join(dir, 'state'), NOBODY, NOBODY);
  // The engine's own socket is in a folder that only root may enter.
  engine = createServer((socket) => {
    const other = connect(hosts.a.socket);
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => open.delete(from));
    }
  });
  const socketPath = join(dir, 'engine.sock');
  await new Promise<void>((resolve) => engine.listen(socketPath, resolve));
  await chmod(socketPath, 0o666);
  const user = ['--reuid', String(NOBODY), '--regid', String(NOBODY), '--clear-groups'];
  const words = [
    '--socket',
    join(dir, 'agent.sock'),
    '--state-dir',
    join(dir, 'state'),
    '--engine',
    socketPath,
  ];
  agent = execa('setpriv', [...user, process.execPath, MAIN, ...words], { reject: false, stdio: 'ignore' });
  await vi.waitFor(async () => expect(await acceptsConnections(join(dir, 'agent.sock'))).toBe(true));
});
afterEach(async () => {
  agent.kill('SIGTERM');
  await agent;
  for (const socket of open) socket.destroy();
  await new Promise((resolve) => engine.close(resolve));
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

test('an agent that is not root reads and removes what a command made as root', async () => {
  const socket = createWSClient({
    url: `ws+unix:${join(dir, 'agent.sock')}:/`,
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
  });
  try {
    const client = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] });
    const server = await on.servers.http();
    const run =
      'umask 077; mkdir -p out /cache/deep; echo secretive > out/page; cp out/page page; touch /cache/deep/er';
    const command = { image: on.baseImage, run, caches: ['/cache'] };
    const source = { git: server.url('storefront'), ref: 'main' };
    const definition = on.definition({ command, source });
    for (const number of [1, 2]) {
      const begun = await client.runBuild.mutate(on.input(definition));
      expect(begun.number).toBe(number);
      await vi.waitFor(
        async () => {
          const { state, error } = await client.buildRun.query({ id: begun.runId });
          expect(error).toBeUndefined();
          expect(state).toBe('DONE');
        },
        { interval: 50 },
      );
    }
    for (const entry of await readdir(join(dir, 'state'), { recursive: true })) {
      expect((await stat(join(dir, 'state', entry))).uid, entry).toBe(NOBODY);
    }
    const clean = { service: 'shop', build: 'storefront', what: ['source' as const, 'cache' as const] };
    expect((await client.cleanBuild.mutate({ ...clean, operator: 'tester' })).freed).toBeGreaterThan(0);
  } finally {
    await socket.close();
  }
});
