import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import { connect, createServer as createRelay } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { executeOutputSchema } from '@towline/core/answers';
import type { LinkState } from '@towline/core/plan';
import {
  type ExecuteInput,
  type Hello,
  LOGS_SINCE_CAPABILITY,
  PROTOCOL_VERSION,
  type WatchEvent,
} from '@towline/core/protocol';
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from 'vitest';
import { type WebSocket, WebSocketServer } from 'ws';
import { type AgentLink, createLink, type LinkOptions } from './agent-link.ts';
import { CallError } from './call-error.ts';
import { jobEvents } from './resumable.ts';
import { unixTransport } from './unix-transport.ts';

/** A request as it comes over the wire. */
interface Request {
  id: number;
  method: 'query' | 'mutation' | 'subscription' | 'subscription.stop';
  params: { path: string; input?: Record<string, unknown>; lastEventId?: string };
}

/** The other end of the wire, for what no honest agent would do. What honest ones do is tested with them. */
class Peer {
  readonly path: string;
  readonly requests: Request[] = [];
  readonly sockets = new Set<WebSocket>();
  handlers: Record<string, (request: Request, socket: WebSocket) => void> = {};
  autoPong = true;
  #close = async () => {};

  constructor(path: string) {
    this.path = path;
    this.handlers.hello = (request, socket) => this.answer(socket, request, hello());
    this.handlers.watch = (request, socket) => {
      this.tell(socket, request, { type: 'snapshot', containers: [], jobs: [], degraded: [] });
    };
  }

  async listen(): Promise<void> {
    const http = createServer();
    const server = new WebSocketServer({ server: http, autoPong: this.autoPong });
    server.on('connection', (socket) => {
      this.sockets.add(socket);
      socket.on('close', () => this.sockets.delete(socket));
      socket.on('message', (data) => {
        const read: Request | Request[] = JSON.parse(String(data));
        for (const request of [read].flat()) {
          this.requests.push(request);
          if (request.method !== 'subscription.stop') this.handlers[request.params.path]?.(request, socket);
        }
      });
    });
    await new Promise<void>((resolve) => http.listen(this.path, resolve));
    this.#close = async () => {
      for (const socket of this.sockets) socket.terminate();
      await new Promise<void>((resolve) => http.close(() => resolve()));
    };
  }

  close(): Promise<void> {
    return this.#close();
  }

  cut(): void {
    for (const socket of this.sockets) socket.terminate();
  }

  answer(socket: WebSocket, { id }: Request, data: unknown): void {
    socket.send(JSON.stringify({ id, result: { type: 'data', data } }));
  }

  tell(socket: WebSocket, { id }: Request, data: unknown, eventId?: string): void {
    const result =
      eventId === undefined
        ? { type: 'data', data }
        : { type: 'data', id: eventId, data: { id: eventId, data } };
    socket.send(JSON.stringify({ id, result }));
  }

  asked(path: string): Request[] {
    return this.requests.filter(({ params }) => params?.path === path);
  }
}

function hello(change: Partial<Hello> = {}): Hello {
  return {
    protocol: PROTOCOL_VERSION,
    version: '0.1.0',
    pid: 1,
    startedAt: '2026-01-01T00:00:00Z',
    engine: { state: 'unreachable', message: 'none here' },
    capabilities: [],
    ...change,
  };
}

let dir: string;
let peer: Peer;
let link: AgentLink | undefined;
let states: LinkState[];
let watched: WatchEvent[];

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-link-'));
  peer = new Peer(join(dir, 'a:b c.sock'));
  states = [];
  watched = [];
});

afterEach(async () => {
  await link?.close();
  await peer.close();
  await rm(dir, { recursive: true });
});

function open(change: Partial<LinkOptions> = {}): AgentLink {
  link = createLink({
    transport: { ok: true, value: unixTransport({ kind: 'unix', path: peer.path }) },
    version: '0.1.0',
    backoff: { firstMs: 5, capMs: 20 },
    listener: {
      onState: (state) => states.push(state),
      onHello: () => {},
      onWatch: (event) => watched.push(event),
    },
    ...change,
  });
  return link;
}

function execute(input: ExecuteInput, change: Partial<LinkOptions> = {}) {
  return open(change).insist((client) => client.execute.mutate(input), executeOutputSchema, 'Nobody knows.');
}

function messages(): string[] {
  return states.flatMap((state) => ('message' in state ? [state.message] : []));
}

test('says hello first, and only then watches', async () => {
  await peer.listen();
  open();
  await vi.waitUntil(() => watched.length > 0);
  expect(peer.requests.map(({ params }) => params.path)).toEqual(['hello', 'watch']);
  expect(states).toEqual([{ state: 'connected' }]);
});

test('a socket that is not there yet is tried again until it is', async () => {
  open();
  await vi.waitUntil(() => states.length > 2);
  expect(messages()[0]).toContain(`no agent's socket at ${peer.path}`);
  await peer.listen();
  await vi.waitUntil(() => watched.length > 0);
  expect(link?.state()).toEqual({ state: 'connected' });
});

test('a lost connection is made again, and the time of the last one is told', async () => {
  await peer.listen();
  open();
  await vi.waitUntil(() => watched.length === 1);
  peer.cut();
  await vi.waitUntil(() => watched.length === 2);
  const lost = states.find(({ state }) => state === 'lost');
  expect(lost).toMatchObject({
    message: expect.stringContaining('closed the connection'),
    lastSeenAt: expect.any(String),
  });
});

test.each([
  [PROTOCOL_VERSION + 1, 'towline is too old. Update the checkout'],
  [0, 'the agent is too old. Update it: over SSH, `towline agent install` does.'],
])('an agent of protocol %i is incompatible, and the side to upgrade is named', async (protocol, part) => {
  peer.handlers.hello = (request, socket) => peer.answer(socket, request, hello({ protocol }));
  await peer.listen();
  open();
  await vi.waitUntil(() => states.length > 0);
  expect(states).toEqual([{ state: 'incompatible', message: expect.stringContaining(part) }]);
  const answer = await link?.call((client) => client.jobs.query({}), {
    safeParse: () => ({ success: true, data: 1 }),
  });
  expect(answer).toMatchObject({ ok: false, error: { code: 'protocol-mismatch' } });
  // One that is upgraded meanwhile is linked to.
  peer.handlers.hello = (request, socket) => peer.answer(socket, request, hello());
  await vi.waitUntil(() => watched.length > 0);
  expect(states.map(({ state }) => state).filter((state) => state !== 'lost')).toEqual([
    'incompatible',
    'connected',
  ]);
});

test('an agent that says itself that the protocols differ is incompatible as well', async () => {
  peer.handlers.hello = ({ id }, socket) => {
    const towline = { code: 'protocol-mismatch', message: 'towline is too old. Update it.' };
    socket.send(JSON.stringify({ id, error: { code: -32000, message: 'x', data: { towline } } }));
  };
  await peer.listen();
  open();
  await vi.waitUntil(() => states.length > 0);
  expect(states).toEqual([{ state: 'incompatible', message: 'towline is too old. Update it.' }]);
});

test('whoever wants it has an agent tried again before its time', async () => {
  const far = 3_600_000;
  open({ backoff: { firstMs: far, capMs: far } });
  await vi.waitUntil(() => states.length > 0);
  await peer.listen();
  link?.retry();
  await vi.waitUntil(() => states.length > 1);
  expect(states.map(({ state }) => state)).toEqual(['lost', 'connected']);
});

test('one that spoke another protocol is tried again when somebody wants it, and as often as that', async () => {
  await peer.listen();
  let protocol = PROTOCOL_VERSION + 1;
  peer.handlers.hello = (request, socket) => peer.answer(socket, request, hello({ protocol }));
  open();
  await vi.waitUntil(() => states.length === 1);
  const asked = peer.asked('hello').length;
  link?.retry();
  // Said once, however often it is found.
  await vi.waitUntil(() => peer.asked('hello').length > asked);
  protocol = PROTOCOL_VERSION;
  link?.retry();
  await vi.waitUntil(() => watched.length > 0);
  expect(states.map(({ state }) => state)).toEqual(['incompatible', 'connected']);
});

test('a peer that says nothing is given up after a while', async () => {
  peer.handlers.hello = () => {};
  await peer.listen();
  open({ patienceMs: 50 });
  await vi.waitUntil(() => states.length > 1);
  expect(messages()[0]).toContain('took the connection and does not answer');
});

test('unknown events are passed over and counted', async () => {
  peer.handlers.watch = (request, socket) => {
    peer.tell(socket, request, { type: 'weather', sun: true });
    peer.tell(socket, request, { type: 'engine-lost', message: 'gone', more: 1 });
  };
  await peer.listen();
  open();
  await vi.waitUntil(() => watched.length > 0);
  expect(watched).toEqual([{ type: 'engine-lost', message: 'gone' }]);
  expect(link?.ignored()).toBe(1);
  expect(states).toEqual([{ state: 'connected' }]);
});

test.each([[{ type: 'snapshot', containers: 7 }], [null], ['hm']])(
  'a bad shape ends the link with a reason: %j',
  async (event) => {
    peer.handlers.watch = (request, socket) => peer.tell(socket, request, event);
    await peer.listen();
    open();
    await vi.waitUntil(() => messages().length > 1);
    expect(messages()[0]).toContain("can't read");
    expect(watched).toEqual([]);
  },
);

test('a half-open connection is found out, and was last seen when it was last heard of', async () => {
  peer.autoPong = false;
  await peer.listen();
  let heardAt = 0;
  const onState = (state: LinkState) => states.push(state);
  const onWatch = () => {
    heardAt = Date.now();
  };
  open({ keepaliveMs: 20, listener: { onState, onHello: () => {}, onWatch } });
  await vi.waitUntil(() => messages().length > 0);
  expect(messages()[0]).toContain('has not answered for some time');
  const lost = states.find((state) => state.state === 'lost');
  expect(Date.parse(lost?.lastSeenAt ?? '')).toBeLessThanOrEqual(heardAt);
});

test('a connection that ends after this machine slept was last seen before that', async () => {
  await peer.listen();
  open({ keepaliveMs: 20 });
  await vi.waitUntil(() => watched.length > 0);
  const before = Date.now();
  vi.setSystemTime(before + 8 * 3_600_000);
  onTestFinished(() => void vi.useRealTimers());
  peer.cut();
  await vi.waitUntil(() => messages().length > 0);
  const lost = states.find((state) => state.state === 'lost');
  expect(Date.parse(lost?.lastSeenAt ?? '')).toBeLessThanOrEqual(before);
});

test('a quiet connection that answers pings stays', async () => {
  await peer.listen();
  open({ keepaliveMs: 50 });
  await vi.waitUntil(() => watched.length > 0);
  const [socket] = peer.sockets;
  let pings = 0;
  socket?.on('ping', () => pings++);
  await vi.waitUntil(() => pings > 3);
  expect(states).toEqual([{ state: 'connected' }]);
});

test('a followed job goes on where it was cut, with nothing lost and nothing twice', async () => {
  const at = '2026-01-01T00:00:00Z';
  const total = 50;
  peer.handlers.followJob = (request, socket) => {
    const from = Number(request.params.input?.lastEventId ?? 0);
    // Each connection holds for seven events, and begins with one that was told before.
    for (let seq = Math.max(1, from); seq <= Math.min(from + 7, total); seq++) {
      const body =
        seq === total ? { type: 'ended', state: 'DONE' } : { type: 'step-progress', step: 's', current: seq };
      peer.tell(socket, request, { seq, at, ...body }, String(seq));
    }
    if (from + 7 < total) setImmediate(() => socket.terminate());
  };
  await peer.listen();
  const seen: number[] = [];
  for await (const event of open().follow(jobEvents('j'), new AbortController().signal)) seen.push(event.seq);
  expect(seen).toEqual(Array.from({ length: total }, (_, index) => index + 1));
  expect(peer.asked('followJob').length).toBeGreaterThan(5);
});

test('a refused stream says why', async () => {
  peer.handlers.followJob = ({ id }, socket) => {
    const towline = { code: 'not-found', message: 'No such job.' };
    socket.send(JSON.stringify({ id, error: { code: -32004, message: 'x', data: { towline } } }));
  };
  await peer.listen();
  const events = open().follow(jobEvents('j'), new AbortController().signal);
  await expect(events.next()).rejects.toThrow(new CallError({ code: 'not-found', message: 'No such job.' }));
});

test('following ends with its signal', async () => {
  await peer.listen();
  const leave = new AbortController();
  const events = open().follow(jobEvents('j'), leave.signal);
  const next = events.next();
  await vi.waitUntil(() => peer.asked('followJob').length > 0);
  leave.abort();
  expect(await next).toEqual({ done: true, value: undefined });
});

test('a line that is slow to bring what there is to see is not taken for a dead one', async () => {
  peer.handlers.watch = (request, socket) => {
    peer.tell(socket, request, {
      type: 'snapshot',
      containers: [],
      jobs: [],
      degraded: [],
      more: 'x'.repeat(60_000),
    });
  };
  await peer.listen();
  const path = join(dir, 'slow.sock');
  const relay = createRelay((near) => {
    const far = connect(peer.path);
    let left = Buffer.alloc(0);
    const drip = setInterval(() => {
      near.write(left.subarray(0, 600));
      left = left.subarray(600);
    }, 5);
    near.pipe(far);
    far.on('data', (data: Buffer) => {
      left = Buffer.concat([left, data]);
    });
    near.on('error', () => {});
    near.on('close', () => {
      clearInterval(drip);
      far.destroy();
    });
  });
  await new Promise<void>((resolve) => relay.listen(path, resolve));
  try {
    open({ transport: { ok: true, value: unixTransport({ kind: 'unix', path }) }, keepaliveMs: 20 });
    await vi.waitUntil(() => watched.length > 0 || states.some(({ state }) => state === 'lost'));
    expect(states).toEqual([{ state: 'connected' }]);
    expect(watched).toMatchObject([{ type: 'snapshot' }]);
  } finally {
    await link?.close();
    relay.close();
  }
});

test('a lost answer to execute is asked for again with the same key', async () => {
  let asked = 0;
  peer.handlers.execute = (request, socket) => {
    asked++;
    if (asked < 3) socket.terminate();
    else peer.answer(socket, request, { jobId: 'j1', repeated: true });
  };
  await peer.listen();
  const input = {
    key: 'the-same-key',
    service: 's',
    map: 'm',
    server: 'w',
    operator: 'o',
    containers: [],
    choices: [],
  };
  expect(await execute(input)).toEqual({ ok: true, value: { jobId: 'j1', repeated: true } });
  expect(peer.asked('execute').map(({ params }) => params.input?.key)).toEqual([
    'the-same-key',
    'the-same-key',
    'the-same-key',
  ]);
});

test('an answer that was long in coming before it was lost is asked for again as well', async () => {
  let asked = 0;
  peer.handlers.execute = (request, socket) => {
    asked++;
    if (asked === 1) setTimeout(() => socket.terminate(), 1_100);
    else peer.answer(socket, request, { jobId: 'j1', repeated: true });
  };
  await peer.listen();
  const input = { key: 'k', service: 's', map: 'm', server: 'w', operator: 'o', containers: [], choices: [] };
  expect(await execute(input, { insistMs: 1_000 })).toMatchObject({ ok: true });
});

test('another agent in the place of the one that was asked is not asked for its answer', async () => {
  let state = 0;
  peer.handlers.hello = (request, socket) => {
    peer.answer(
      socket,
      request,
      hello({ identity: `state-${++state}`, capabilities: [LOGS_SINCE_CAPABILITY] }),
    );
  };
  peer.handlers.execute = (_, socket) => socket.terminate();
  const at = '2026-01-01T00:00:00Z';
  peer.handlers.logs = (request, socket) => {
    peer.tell(socket, request, { at, stream: 'stdout', line: 'of one of them' });
    setTimeout(() => socket.terminate(), 5);
  };
  await peer.listen();
  const input = { key: 'k', service: 's', map: 'm', server: 'w', operator: 'o', containers: [], choices: [] };
  const answer = await execute(input);
  expect(answer).toMatchObject({
    ok: false,
    error: { code: 'agent-unreachable', message: expect.stringMatching(/Another agent .* Nobody knows\./) },
  });
  expect(peer.asked('execute')).toHaveLength(1);

  const seen: string[] = [];
  const following = async () => {
    const options = { follow: true, tail: 1, signal: new AbortController().signal };
    for await (const { line } of link?.logs('web', options) ?? []) seen.push(line);
  };
  await expect(following()).rejects.toThrow('It has no part in the log of web.');
  expect(seen).toEqual(['of one of them']);
});

test('one that is lost whenever it is asked for is not asked for without an end', async () => {
  peer.handlers.execute = (_, socket) => socket.terminate();
  await peer.listen();
  const input = { key: 'k', service: 's', map: 'm', server: 'w', operator: 'o', containers: [], choices: [] };
  expect(await execute(input)).toMatchObject({
    ok: false,
    error: { code: 'agent-unreachable', message: expect.stringContaining('Nobody knows.') },
  });
  expect(peer.asked('execute').length).toBe(10);
});

test('what can not be reached is said at once after the first try', async () => {
  const answer = await execute({
    key: 'k',
    service: 's',
    map: 'm',
    server: 'w',
    operator: 'o',
    containers: [],
    choices: [],
  });
  expect(answer).toMatchObject({
    ok: false,
    error: { code: 'agent-unreachable', message: expect.stringContaining(peer.path) },
  });
});

test('a url of a later version is told, and not tried', async () => {
  open({ transport: { ok: false, error: { code: 'not-available', message: 'ssh is not available yet.' } } });
  await vi.waitUntil(() => states.length > 0);
  expect(states).toEqual([{ state: 'lost', message: 'ssh is not available yet.' }]);
  await expect(link?.follow(jobEvents('j'), new AbortController().signal).next()).rejects.toThrow(
    'not available yet',
  );
});
