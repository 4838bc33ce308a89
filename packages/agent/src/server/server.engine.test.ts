import { execFile } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { access, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { JobEvent } from '@towline/core/job';
import { type ExecuteInput, type LogLine, PROTOCOL_VERSION, type WatchEvent } from '@towline/core/protocol';
import {
  type Host,
  type RunningAgentProcess,
  residentBytes,
  sharedSandbox,
  startAgent,
} from '@towline/test/sandbox';
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { WebSocket } from 'ws';
import { createToken } from '../access/index.ts';
import { type AgentRouter, type RunningAgent, runAgent, type ServerLog } from './index.ts';

let host: Host;
let registry: string;
let dir: string;

beforeAll(async () => {
  const sandbox = await sharedSandbox();
  host = sandbox.hosts.b;
  registry = sandbox.registry;
  dir = await mkdtemp(join(tmpdir(), 'tl-server-'));
});
afterAll(() => rm(dir, { recursive: true, force: true }));

const quiet: ServerLog = { info() {}, warn() {}, error() {} };
const uniqueName = () => `server-${randomBytes(4).toString('hex')}`;

/** Containers that the tests of this file made, by how their names begin. */
const made: string[] = [];
function containerName(): string {
  const name = uniqueName();
  made.push(name);
  return name;
}
afterEach(async () => {
  for (const prefix of made.splice(0)) {
    const names = await host.docker('ps', '-a', '--filter', `name=^${prefix}`, '--format', '{{.Names}}');
    const list = names.split('\n').filter((name) => name !== '');
    if (list.length > 0) await host.docker('rm', '-f', '-v', ...list);
  }
});

function dial(socketPath: string) {
  return dialUrl(`ws+unix:${socketPath}:/`);
}

/** Tries again and again: an agent that is not there yet is reached as soon as it is. */
function dialUrl(url: string, headers: Record<string, string> = {}) {
  class Socket extends WebSocket {
    constructor() {
      super(url, { headers });
    }
  }
  const socket = createWSClient({
    url,
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: Socket as unknown as typeof globalThis.WebSocket,
    retryDelayMs: () => 5,
  });
  const client = createTRPCClient<AgentRouter>({ links: [wsLink({ client: socket })] });
  return { client, close: () => socket.close() };
}

/** The error as the protocol has it, of a call that fails. */
async function errorOf(call: Promise<unknown>) {
  const error: unknown = await call.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (!(error instanceof TRPCClientError)) throw new Error(`the call did not fail as it should: ${error}`);
  return error.data?.towline;
}

/** A connection without a client library: frames as they are. */
async function dialRaw(socketPath: string, headers: Record<string, string> = {}) {
  const socket = new WebSocket(`ws+unix:${socketPath}:/`, { headers });
  const frames: string[] = [];
  socket.on('message', (data) => frames.push(String(data)));
  await once(socket, 'open');
  return {
    socket,
    frames,
    /** Sends, and waits for the next frame that comes. */
    async ask(frame: string | Buffer): Promise<string> {
      const before = frames.length;
      socket.send(frame);
      await vi.waitFor(() => expect(frames.length).toBeGreaterThan(before), { interval: 2 });
      return frames[before] ?? '';
    },
  };
}

describe('an agent', () => {
  let agent: RunningAgent;
  let socketPath: string;
  let token: string;
  let connection: ReturnType<typeof dial>;
  const version = '0.0.7';

  beforeAll(async () => {
    socketPath = join(dir, 'agent.sock');
    const made = await createToken(join(dir, 'state'), { name: 'anna', role: 'operator' }, Date.now());
    if (!made.ok) throw new Error(made.error.message);
    token = made.value;
    const started = await runAgent({
      socketPath,
      listen: { host: '127.0.0.1', port: 0 },
      stateDir: join(dir, 'state'),
      engine: { kind: 'socket', path: host.socket },
      version,
      log: quiet,
    });
    if (!started.ok) throw new Error(started.error.message);
    agent = started.value;
    connection = dial(socketPath);
  });
  afterAll(async () => {
    await connection?.close();
    await agent?.close();
  });

  test('says hello', async () => {
    const hello = await connection.client.hello.query({ protocol: PROTOCOL_VERSION, version: '0.0.6' });
    expect(hello).toMatchObject({
      protocol: PROTOCOL_VERSION,
      version,
      pid: process.pid,
      engine: { state: 'reachable', os: 'linux' },
      capabilities: expect.arrayContaining(['watch', 'execute', 'versions', 'logs']),
    });
  });

  test.each([
    [PROTOCOL_VERSION - 1, 'towline is too old'],
    [PROTOCOL_VERSION + 1, 'the agent is too old'],
  ])('says which side is too old to one of protocol %d', async (protocol, words) => {
    const error = await errorOf(connection.client.hello.query({ protocol, version: '9.9.9' }));
    expect(error).toEqual({ code: 'protocol-mismatch', message: expect.stringContaining(words) });
  });

  test('knows versions, and says why not', async () => {
    const { versions } = connection.client;
    const found = await versions.query({ image: `${registry}/shop/storefront`, limit: 2 });
    expect(found.total).toBe(3);
    expect(found.versions.map(({ tag }) => tag)).toEqual(['2.1.1', '2.1.0']);
    expect(await errorOf(versions.query({ image: `${registry}/shop/nothing` }))).toMatchObject({
      code: 'not-found',
    });
    expect(await errorOf(versions.query({ image: 'localhost:1/shop/gateway' }))).toMatchObject({
      code: 'registry-unavailable',
    });
    expect(await errorOf(versions.query({ image: 'Not A Name' }))).toMatchObject({ code: 'bad-request' });
    expect(await errorOf(versions.query({ image: '' }))).toMatchObject({ code: 'bad-request' });
  });

  test('shows containers as they come and go', async () => {
    const name = containerName();
    const events: WatchEvent[] = [];
    const watching = connection.client.watch.subscribe(undefined, { onData: (event) => events.push(event) });
    await vi.waitFor(() => expect(events[0]).toMatchObject({ type: 'snapshot', degraded: [] }));
    const id = (await host.docker('run', '-d', '--name', name, `${registry}/test/faulty:ok`)).trim();
    const container = expect.objectContaining({ id, name, state: 'running', tag: 'ok' });
    await vi.waitFor(() => expect(events).toContainEqual({ type: 'container', container }));
    await host.docker('rm', '-f', name);
    await vi.waitFor(() => expect(events).toContainEqual({ type: 'container-gone', id, name }));
    watching.unsubscribe();
  });

  test('streams a container’s log', async () => {
    const name = containerName();
    await host.docker('run', '-d', '--name', name, `${registry}/shop/cache:7.2.0`);
    const lines: LogLine[] = [];
    const ended = Promise.withResolvers<void>();
    connection.client.logs.subscribe(
      { container: name, follow: true },
      { onData: (line) => lines.push(line), onComplete: ended.resolve, onError: ended.reject },
    );
    await vi.waitFor(() => expect(lines[0]?.line).toContain('cache 7.2.0 serves'));
    await host.docker('stop', name);
    await ended.promise;
    expect(lines).toHaveLength(1);
  });

  test('refuses the log of no container', async () => {
    const failed = Promise.withResolvers<unknown>();
    connection.client.logs.subscribe(
      { container: 'no-such-container' },
      { onError: (error) => failed.resolve(error.data?.towline) },
    );
    expect(await failed.promise).toMatchObject({
      code: 'not-found',
      message: expect.stringContaining('no-such'),
    });
  });

  test('executes, tells of the job, and answers a repeated key with the same', async () => {
    const name = containerName();
    await host.docker('run', '-d', '--name', name, `${registry}/test/faulty:ok`);
    const events: WatchEvent[] = [];
    const watching = connection.client.watch.subscribe(undefined, { onData: (event) => events.push(event) });
    const input: ExecuteInput = {
      key: randomUUID(),
      service: 'shop',
      map: 'demo',
      server: name,
      operator: 'op@desk',
      containers: [{ name, image: `${registry}/test/faulty`, kind: 'common', settle: 0 }],
      choices: [{ container: name, choice: { mode: 'image-tag', tag: 'ok2' } }],
    };
    const { jobId, repeated } = await connection.client.execute.mutate(input);
    expect(repeated).toBe(false);
    expect(await connection.client.execute.mutate(input)).toEqual({ jobId, repeated: true });

    const followed = await follow({ id: jobId });
    expect(followed.map(({ seq }) => seq)).toEqual(followed.map((_, at) => at + 1));
    expect(followed.at(-1)).toMatchObject({ type: 'ended', state: 'DONE' });
    const resumed = await follow({ id: jobId, lastEventId: '3' });
    expect(resumed).toEqual(followed.slice(3));

    expect(await connection.client.job.query({ id: jobId })).toMatchObject({
      state: 'DONE',
      operator: 'op@desk',
    });
    expect((await connection.client.jobs.query({})).map(({ id }) => id)).toContain(jobId);
    await vi.waitFor(() => {
      const told = events.findLast((event) => event.type === 'job' && event.job.id === jobId);
      expect(told).toMatchObject({ job: { state: 'DONE' } });
    });
    watching.unsubscribe();
    // One who comes later finds it in the snapshot.
    const later: WatchEvent[] = [];
    const again = connection.client.watch.subscribe(undefined, { onData: (event) => later.push(event) });
    await vi.waitFor(() =>
      expect(later[0]).toMatchObject({
        jobs: expect.arrayContaining([expect.objectContaining({ id: jobId })]),
      }),
    );
    again.unsubscribe();
  });

  test('a job that a token began is its owner’s, whoever the request says it is', async () => {
    const name = containerName();
    await host.docker('run', '-d', '--name', name, `${registry}/test/faulty:ok`);
    const headers = { authorization: `Bearer ${token}` };
    const network = dialUrl(`ws://127.0.0.1:${agent.address?.port}/`, headers);
    const { jobId } = await network.client.execute.mutate({
      key: randomUUID(),
      service: 'shop',
      map: 'demo',
      server: name,
      operator: 'somebody@else',
      containers: [{ name, image: `${registry}/test/faulty`, kind: 'common', settle: 0 }],
      choices: [{ container: name, choice: { mode: 'image-tag', tag: 'ok2' } }],
    });
    // The same job for all, by whatever way they came.
    await follow({ id: jobId });
    const job = await connection.client.job.query({ id: jobId });
    expect(job).toMatchObject({ state: 'DONE', operator: 'anna' });
    expect(await network.client.job.query({ id: jobId })).toEqual(job);
    await network.close();
  });

  function follow(input: { id: string; lastEventId?: string }): Promise<JobEvent[]> {
    return new Promise((resolve, reject) => {
      const events: JobEvent[] = [];
      connection.client.followJob.subscribe(input, {
        onData: ({ data }) => events.push(data),
        onComplete: () => resolve(events),
        onError: reject,
      });
    });
  }

  test('knows no job that it never had', async () => {
    const { client } = connection;
    expect(await errorOf(client.job.query({ id: 'none' }))).toMatchObject({ code: 'not-found' });
    expect(await errorOf(client.cancelJob.mutate({ id: 'none' }))).toMatchObject({ code: 'not-found' });
    expect(await errorOf(follow({ id: 'none' }))).toMatchObject({ code: 'not-found' });
  });

  test('wants a request in the form that the protocol has', async () => {
    const input = {
      key: 'k',
      service: '',
      map: 'm',
      server: 's',
      operator: 'o',
      containers: [],
      choices: [],
    };
    expect(await errorOf(connection.client.execute.mutate(input))).toMatchObject({
      code: 'bad-request',
      message: expect.stringContaining('"key"'),
    });
  });

  describe('against a client that does not speak the protocol', () => {
    const query = (id: number, path: string, input: unknown = undefined) =>
      JSON.stringify({ id, method: 'query', params: { path, input } });
    const hello = query(7, 'hello', { protocol: PROTOCOL_VERSION, version: 'x' });

    test.each<[string, string | Buffer]>([
      ['text', 'hello?'],
      ['bytes', Buffer.from([0, 1, 2, 255])],
      ['a number', '17'],
      ['null', 'null'],
      ['no method', '{"id":1}'],
      ['another method', '{"id":1,"method":"subscribe","params":{"path":"hello"}}'],
      ['no path', '{"id":1,"method":"query","params":{}}'],
      ['an id that is none', '{"id":{},"method":"query","params":{"path":"hello"}}'],
      ['a procedure that is none', query(1, 'engine.remove')],
      ['a procedure of every object', query(1, '__proto__')],
      ['another one', query(1, 'constructor')],
      ['a query of what is a mutation', query(1, 'execute')],
      ['a query of what is a stream', query(1, 'watch')],
      ['no input', query(1, 'hello')],
      ['input of another form', query(1, 'versions', [{}])],
      ['a limit without end', query(1, 'versions', { image: 'a', limit: 1e9 })],
      [
        'very many at once',
        JSON.stringify(Array.from({ length: 51 }, (_, id) => JSON.parse(query(id, 'jobs')))),
      ],
      ['nested very deep', `${'['.repeat(100_000)}${']'.repeat(100_000)}`],
    ])('%s gets an error of the protocol, and nothing of the insides', async (_, frame) => {
      const { socket, ask } = await dialRaw(socketPath);
      const answer = await ask(frame);
      const { error } = JSON.parse(answer);
      expect(error.data.towline).toMatchObject({ code: 'bad-request', message: expect.any(String) });
      expect(answer).not.toMatch(/stack|\.ts|node_modules|node:/);
      const frames = await ask(hello);
      // The batch is answered one by one.
      expect(frames).toBeTruthy();
      socket.terminate();
    });

    test('a frame that is larger than any request ends its connection, and no other', async () => {
      const { socket } = await dialRaw(socketPath);
      socket.on('error', () => {});
      const closed = once(socket, 'close');
      socket.send('x'.repeat(2 * 1024 * 1024));
      const [code] = await closed;
      expect(code).toBe(1009);
      expect((await connection.client.jobs.query({})).length).toBeGreaterThanOrEqual(0);
    });

    test('streams without end are refused', async () => {
      const { socket, frames } = await dialRaw(socketPath);
      for (let id = 1; id <= 70; id++) {
        socket.send(JSON.stringify({ id, method: 'subscription', params: { path: 'watch' } }));
      }
      await vi.waitFor(() =>
        expect(frames.filter((frame) => frame.includes('"bad-request"'))).toHaveLength(6),
      );
      // Those that end make room.
      socket.send(JSON.stringify({ id: 1, method: 'subscription.stop' }));
      await vi.waitFor(() => expect(frames.some((frame) => frame.includes('"stopped"'))).toBe(true));
      socket.send(JSON.stringify({ id: 99, method: 'subscription', params: { path: 'watch' } }));
      await vi.waitFor(() =>
        expect(frames.some((frame) => frame.includes('"id":99') && frame.includes('snapshot'))).toBe(true),
      );
      socket.terminate();
    });

    test('a web page is refused at the door', async () => {
      const origin = { origin: 'https://example.com' };
      const socket = new WebSocket(`ws+unix:${socketPath}:/`, { headers: origin });
      const [error] = await once(socket, 'error');
      expect(String(error)).toContain('403');
      expect(await get('/healthz', origin)).toBe(403);
    });

    test('there is nothing over HTTP but whether it is alive', async () => {
      expect(await get('/healthz')).toBe(200);
      expect(await get('/')).toBe(404);
      expect(await get('/jobs')).toBe(404);
    });

    async function get(path: string, headers: Record<string, string> = {}): Promise<number | undefined> {
      const asking = request({ socketPath, path, headers });
      asking.end();
      const [answer] = await once(asking, 'response');
      answer.resume();
      return answer.statusCode;
    }
  });

  test('is the only one on its socket and its state', async () => {
    const options = {
      socketPath,
      stateDir: join(dir, 'state'),
      engine: { kind: 'socket', path: host.socket } as const,
      version,
      log: quiet,
    };
    expect(await runAgent(options)).toMatchObject({ ok: false, error: { code: 'state-in-use' } });
    const other = join(dir, 'other');
    expect(await runAgent({ ...options, stateDir: other })).toMatchObject({
      ok: false,
      error: { code: 'socket-in-use' },
    });
    // What it had taken already, it let go of.
    expect(await readdir(other)).not.toContain('agent.lock');
    expect((await connection.client.jobs.query({})).length).toBeGreaterThanOrEqual(0);
  });
});

describe('an agent’s process', () => {
  const exists = (path: string) =>
    access(path).then(
      () => true,
      () => false,
    );
  const lives = (pid: number) => exists(`/proc/${pid}/stat`);

  // 40 MB are written by the engine first, and read a line at a time: half a minute where others run beside it.
  test('a reader that takes nothing does not fill it, and gets every line in the end', {
    timeout: 180_000,
  }, async () => {
    const name = containerName();
    const count = 200_000;
    const text = 'x'.repeat(200);
    const script = `seq 1 ${count} | sed 's/$/ ${text}/'`;
    await host.docker('run', '-d', '--name', name, `${registry}/test/faulty:ok`, 'sh', '-c', script);
    await host.docker('wait', name);
    const agent = await startAgent({ host, dir: join(dir, uniqueName()) });
    try {
      const { socket } = await dialRaw(agent.socket);
      let lines = 0;
      let last = '';
      socket.on('message', (data) => {
        // The server asks now and then whether somebody is there.
        if (String(data) === 'PING') return socket.send('PONG');
        const { result } = JSON.parse(String(data));
        if (result?.type !== 'data') return;
        // After the first: by the next look at it all of them might have come.
        if (lines === 0) socket.pause();
        lines++;
        last = result.data.line;
      });
      const params = { path: 'logs', input: { container: name, tail: 1_000_000 } };
      socket.send(JSON.stringify({ id: 1, method: 'subscription', params }));
      await vi.waitFor(() => expect(lines).toBeGreaterThan(0));
      await busyNoMore(agent);
      const held = await residentBytes(agent.pid);
      expect(lines).toBeLessThan(count);
      socket.resume();
      await vi.waitFor(() => expect(lines).toBe(count), { timeout: 120_000 });
      expect(last).toBe(`${count} ${text}`);
      // Some 160 MB with the runtime; 500 MB when everything that the engine has is taken in.
      expect(held).toBeLessThan(320 * 1024 * 1024);
      socket.terminate();
    } finally {
      await agent.stop();
    }
  });

  /** Waits until the process has nothing to do: it used no processor for a while. */
  async function busyNoMore({ pid }: RunningAgentProcess): Promise<void> {
    let before = '';
    let same = 0;
    await vi.waitFor(
      async () => {
        const fields = (await readFile(`/proc/${pid}/stat`, 'utf8')).split(' ');
        const ticks = `${fields[13]} ${fields[14]}`;
        same = ticks === before ? same + 1 : 0;
        before = ticks;
        expect(same).toBeGreaterThan(5);
      },
      { interval: 100 },
    );
  }

  test('ends on SIGTERM and leaves neither socket nor lock; killed, it starts again over what it left', async () => {
    const place = join(dir, uniqueName());
    const first = await startAgent({ host, dir: place });
    expect(((await stat(first.socket)).mode & 0o777).toString(8)).toBe('600');
    await first.stop('SIGTERM');
    expect(await exists(first.socket)).toBe(false);
    expect(await exists(join(place, 'state', 'agent.lock'))).toBe(false);

    const second = await startAgent({ host, dir: place });
    await second.stop('SIGKILL');
    expect(await exists(second.socket)).toBe(true);
    const third = await startAgent({ host, dir: place });
    const { client, close } = dial(third.socket);
    expect((await client.hello.query({ protocol: PROTOCOL_VERSION, version: 'x' })).pid).toBe(third.pid);
    await close();
    await third.stop();
  });

  test('takes the engine that it is told, whatever DOCKER_HOST is', async () => {
    const env = { ...process.env, DOCKER_HOST: '::nonsense::' };
    const agent = await startAgent({ host, dir: join(dir, uniqueName()), env });
    const { client, close } = dial(agent.socket);
    const hello = await client.hello.query({ protocol: PROTOCOL_VERSION, version: 'x' });
    expect(hello.engine.state).toBe('reachable');
    await close();
    await agent.stop();
  });

  test('ends on SIGTERM with clients that watch', async () => {
    const agent = await startAgent({ host, dir: join(dir, uniqueName()) });
    const { socket, ask } = await dialRaw(agent.socket);
    await ask(JSON.stringify({ id: 1, method: 'subscription', params: { path: 'watch' } }));
    const closed = once(socket, 'close');
    await agent.stop('SIGTERM');
    await closed;
    expect(await exists(agent.socket)).toBe(false);
  });

  test('ends by itself when it is idle, and not while somebody is there', async () => {
    const place = join(dir, uniqueName());
    // Who comes a second later finds it gone.
    const { client, close } = dial(join(place, 'agent.sock'));
    const agent = await startAgent({ host, dir: place, args: ['--idle-exit', '1'] });
    const name = containerName();
    await host.docker('run', '-d', '--name', name, `${registry}/test/faulty:exits-later`);
    // Longer than it may be idle.
    await host.docker('wait', name);
    expect((await client.hello.query({ protocol: PROTOCOL_VERSION, version: 'x' })).pid).toBe(agent.pid);
    await close();
    await vi.waitFor(async () => expect(await lives(agent.pid)).toBe(false));
    expect(await exists(agent.socket)).toBe(false);
    await agent.stop();
  });

  test('an engine that is not there is said in hello, and in the watch', async () => {
    const nobody = join(dir, 'nobody.sock');
    const agent = await startAgent({ host, dir: join(dir, uniqueName()), args: ['--engine', nobody] });
    const { client, close } = dial(agent.socket);
    const hello = await client.hello.query({ protocol: PROTOCOL_VERSION, version: 'x' });
    expect(hello.engine).toMatchObject({ state: 'unreachable', message: expect.stringContaining(nobody) });
    const events: WatchEvent[] = [];
    client.watch.subscribe(undefined, { onData: (event) => events.push(event) });
    await vi.waitFor(() => expect(events).toMatchObject([{ type: 'engine-lost' }]));
    await close();
    await agent.stop();
  });

  test.each([
    [['--listen', '0.0.0.0:7443'], 64, 'with TLS alone'],
    [['--listen', 'nonsense'], 64, 'is no HOST:PORT'],
    [['--engine', 'ssh://elsewhere'], 64, 'Start towline-agent on it'],
    [['--socket', `/tmp/${'x'.repeat(120)}`], 1, 'Choose a shorter one'],
    [['--socket', ''], 64, 'It is a path'],
    [['--state-dir', ''], 64, 'It is a path'],
    [['token', 'create', 'a/b', '--role', 'viewer'], 64, 'no name for a token'],
    [['--idle-exit', 'soon'], 64, 'number of seconds'],
  ])('%j is refused with %i, in a sentence', async (args, exitCode, words) => {
    const program = fileURLToPath(new URL('../main.ts', import.meta.url));
    const state = ['--state-dir', join(dir, uniqueName())];
    const { code, stderr } = await new Promise<{ code: unknown; stderr: string }>((resolve) => {
      execFile(process.execPath, [program, ...state, ...args], (error, _, stderr) =>
        resolve({ code: error?.code, stderr }),
      );
    });
    expect(code).toBe(exitCode);
    expect(stderr).toContain(words);
    expect(stderr).not.toMatch(/^\s+at /m);
  });

  test('a state folder with a file where a folder belongs is refused with the file’s name', async () => {
    const stateDir = join(dir, uniqueName());
    await mkdir(stateDir);
    await writeFile(join(stateDir, 'jobs'), '');
    const refused = await runAgent({
      socketPath: join(dir, `${uniqueName()}.sock`),
      stateDir,
      engine: { kind: 'socket', path: host.socket },
      version: '0.0.0',
      log: quiet,
    });
    expect(refused).toMatchObject({ ok: false, error: { code: 'state-dir' } });
    expect(refused.ok ? '' : refused.error.message).toContain(join(stateDir, 'jobs'));
    expect(await readdir(stateDir)).not.toContain('agent.lock');
  });
});
