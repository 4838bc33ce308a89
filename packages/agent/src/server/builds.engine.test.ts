import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  AWAIT_BUILD_CAPABILITY,
  BUILDS_CAPABILITY,
  PROTOCOL_VERSION,
  type WatchEvent,
} from '@towline/core/protocol';
import { residentBytes, sharedSandbox, startAgent } from '@towline/test/sandbox';
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { BuildsOnEngine, SERVICE } from '../builds/builds-on-engine.ts';
import { type AgentRouter, type RunningAgent, runAgent } from './index.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
let dir: string;
/** For repositories and definitions. */
let on: BuildsOnEngine;
let agent: RunningAgent;
let relay: Relay;
let connection: ReturnType<typeof dial>;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-sb-'));
  on = await BuildsOnEngine.start(host, registry);
  const started = await runAgent({
    socketPath: join(dir, 'agent.sock'),
    stateDir: join(dir, 'state'),
    engine: { kind: 'socket', path: host.socket },
    version: '0.0.7',
    log: { info() {}, warn() {}, error() {} },
  });
  if (!started.ok) throw new Error(started.error.message);
  agent = started.value;
  relay = await startRelay(join(dir, 'relay.sock'), join(dir, 'agent.sock'));
  connection = dial(relay.path);
});
afterEach(async () => {
  await connection.close();
  await relay.close();
  await agent.close();
  await on.close();
  await rm(dir, { recursive: true, force: true });
});

interface Relay {
  path: string;
  /** Ends all connections that there are. */
  cut(): void;
  close(): Promise<void>;
}

/** A line between the two sides that can be cut. */
async function startRelay(path: string, target: string): Promise<Relay> {
  const open = new Set<Socket>();
  const server = createServer((socket) => {
    const other = connect(target);
    for (const [from, to] of [
      [socket, other],
      [other, socket],
    ] as const) {
      open.add(from);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => {
        open.delete(from);
        to.destroy();
      });
    }
  });
  await new Promise<void>((resolve) => server.listen(path, resolve));
  const cut = () => {
    for (const socket of open) socket.destroy();
  };
  return {
    path,
    cut,
    async close() {
      const closed = new Promise((resolve) => server.close(resolve));
      cut();
      await closed;
    },
  };
}

function dial(socketPath: string) {
  const socket = createWSClient({
    url: `ws+unix:${socketPath}:/`,
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: WebSocket as unknown as typeof globalThis.WebSocket,
    retryDelayMs: () => 5,
  });
  return {
    client: createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] }),
    close: () => socket.close(),
  };
}

test('a line that is cut in the middle of a live log: no line is lost, and none comes twice', async () => {
  const { client } = connection;
  const count = 100_000;
  const command = { image: on.baseImage, run: `seq 1 ${count}` };
  const { runId } = await client.runBuild.mutate(on.input(on.definition({ command })));
  const texts: string[] = [];
  const seqs: number[] = [];
  let cuts = 0;
  const over = Promise.withResolvers<void>();
  client.followBuildLog.subscribe(
    { run: runId, step: 'build' },
    {
      onData({ data }) {
        for (const { seq, text } of data.entries) {
          seqs.push(seq);
          texts.push(text);
        }
        if (seqs.length < (cuts + 1) * 15_000) return;
        cuts++;
        relay.cut();
      },
      onComplete: over.resolve,
      onError: over.reject,
    },
  );
  await over.promise;
  expect(cuts).toBeGreaterThan(3);
  expect(seqs).toEqual(seqs.map((_, at) => at + 1));
  expect(texts.slice(-count)).toEqual(Array.from({ length: count }, (_, at) => String(at + 1)));
});

test('runs are in the watch from their first event to their last, and in its snapshot', async () => {
  const { client } = connection;
  expect((await client.hello.query({ protocol: PROTOCOL_VERSION, version: '0' })).capabilities).toEqual(
    expect.arrayContaining([BUILDS_CAPABILITY, AWAIT_BUILD_CAPABILITY]),
  );
  const events: WatchEvent[] = [];
  const watching = client.watch.subscribe(undefined, { onData: (event) => void events.push(event) });
  await vi.waitFor(() => expect(events[0]).toMatchObject({ type: 'snapshot', builds: [] }));
  const { runId, tag } = await client.runBuild.mutate(on.input());
  const states = () => events.flatMap((event) => (event.type === 'build-run' ? event.run.state : []));
  await vi.waitFor(() => expect(states().at(-1)).toBe('DONE'), { timeout: 30_000 });
  expect(states()).toContain('RUNNING');
  expect(events.every((event) => event.type !== 'build-run' || event.run.vertices.length === 0)).toBe(true);
  watching.unsubscribe();

  const types: string[] = [];
  const followed = Promise.withResolvers<void>();
  client.followBuildRun.subscribe(
    { id: runId, lastEventId: '1' },
    {
      onData: ({ data }) => void types.push(data.type),
      onComplete: followed.resolve,
      onError: followed.reject,
    },
  );
  await followed.promise;
  expect([types[0], types.at(-1)]).toEqual(['started', 'ended']);
  expect((await client.buildRun.query({ id: runId })).vertices.length).toBeGreaterThan(0);
  await client.setBuildNote.mutate({ id: runId, note: 'good', operator: 'tester' });
  expect(await client.buildRuns.query({ service: SERVICE, build: 'storefront' })).toMatchObject({
    runs: [{ id: runId, tag, note: 'good', vertices: [] }],
    more: false,
    everRun: 1,
  });
  const later: WatchEvent[] = [];
  client.watch.subscribe(undefined, { onData: (event) => void later.push(event) });
  await vi.waitFor(() => expect(later[0]).toMatchObject({ builds: [{ id: runId, state: 'DONE' }] }));
});

test('secrets are written and never read, and errors are the protocol’s', async () => {
  const { client } = connection;
  const secret = { name: 'npm', value: 'correct-horse-battery', operator: 'tester' };
  expect(await client.putSecret.mutate(secret)).toEqual({ name: 'npm', masked: true });
  expect(JSON.stringify(await client.secretNames.query())).toMatch(
    /^\[\{"name":"npm","updatedAt":"[^"]+"\}\]$/,
  );
  await client.removeSecret.mutate({ name: 'npm', operator: 'tester' });
  const errorOf = async (call: Promise<unknown>) => {
    const error: unknown = await call.then(
      () => undefined,
      (reason: unknown) => reason,
    );
    if (!(error instanceof TRPCClientError)) throw new Error(`the call did not fail as it should: ${error}`);
    return error.data?.towline;
  };
  expect(await errorOf(client.removeSecret.mutate({ name: 'npm', operator: 'tester' }))).toMatchObject({
    code: 'not-found',
  });
  const base = on.definition();
  const source = { ...base.source, credentials: { kind: 'token' as const, secret: 'npm' } };
  expect(await errorOf(client.runBuild.mutate(on.input({ ...base, source })))).toMatchObject({
    code: 'refused',
    refusal: { code: 'secret-missing' },
  });
  expect(await errorOf(client.buildRun.query({ id: 'none' }))).toMatchObject({ code: 'not-found' });
  expect(await errorOf(client.cancelBuild.mutate({ id: 'none' }))).toMatchObject({ code: 'not-found' });
  expect(
    await errorOf(client.runBuild.mutate(on.input({ ...base, source: { git: 'ext::sh', ref: 'main' } }))),
  ).toMatchObject({ code: 'bad-request' });
});

test('a reader that takes nothing of a log does not fill the agent, and gets every line in the end', async () => {
  const count = 300_000;
  const text = 'x'.repeat(200);
  const own = await startAgent({ host, dir: join(dir, 'own') });
  const asking = dial(own.socket);
  const raw = new WebSocket(`ws+unix:${own.socket}:/`);
  await once(raw, 'open');
  try {
    const command = { image: on.baseImage, run: `seq 1 ${count} | sed 's/$/ ${text}/'` };
    const { runId } = await asking.client.runBuild.mutate(on.input(on.definition({ command })));
    let lines = 0;
    let last = '';
    raw.on('message', (message) => {
      // The server asks now and then whether somebody is there.
      if (String(message) === 'PING') return raw.send('PONG');
      const { result } = JSON.parse(String(message));
      if (result?.type !== 'data') return;
      const { entries } = result.data.data;
      // After the first: by the next look at it all of them might have come.
      if (lines === 0) raw.pause();
      lines += entries.length;
      last = entries.at(-1).text;
    });
    const params = { path: 'followBuildLog', input: { run: runId, step: 'build' } };
    raw.send(JSON.stringify({ id: 1, method: 'subscription', params }));
    await vi.waitFor(() => expect(lines).toBeGreaterThan(0));
    // The build goes on without this reader.
    await vi.waitFor(
      async () => expect((await asking.client.buildRun.query({ id: runId })).state).toBe('DONE'),
      { timeout: 40_000, interval: 100 },
    );
    const resident = (await residentBytes(own.pid)) / 1024 / 1024;
    expect(lines).toBeLessThan(count);
    // Some 160 MB with the runtime; the log has 62 MB, and as text in memory twice that.
    expect(resident).toBeLessThan(320);
    raw.resume();
    await vi.waitFor(() => expect(last).toBe(`${count} ${text}`), 40_000);
    expect(lines).toBe(count + 1);
  } finally {
    raw.terminate();
    await asking.close();
    await own.stop();
  }
});
