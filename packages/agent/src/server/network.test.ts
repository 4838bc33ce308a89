import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { PROTOCOL_VERSION } from '@towline/core/protocol';
import { type Authority, certificateAuthority, type Issued } from '@towline/test/sandbox';
import { createTRPCClient, createWSClient, TRPCClientError, wsLink } from '@trpc/client';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { type ClientOptions, WebSocket } from 'ws';
import { createToken, revokeToken } from '../access/index.ts';
import { type AgentRouter, type RunAgentOptions, type RunningAgent, runAgent } from './index.ts';

let dir: string;
let ca: Authority;
let server: Issued;
let stateDir: string;
const agents: RunningAgent[] = [];
let log: string[] = [];
let count = 0;
const closing: (() => void)[] = [];

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-network-'));
  ca = await certificateAuthority(dir);
  server = await ca.issue('server', ['127.0.0.1', 'localhost']);
});
afterAll(() => rm(dir, { recursive: true }));

beforeEach(async () => {
  log = [];
  stateDir = join(dir, `state-${count++}`);
  await mkdir(stateDir);
});
afterEach(async () => {
  for (const close of closing.splice(0)) close();
  await Promise.all(agents.splice(0).map((agent) => agent.close()));
  // Whatever happened: no token stands in what was logged of it.
  expect(log.join('\n')).not.toContain('towline_');
});

const told = (fields: object, message: string) => void log.push(`${message} ${JSON.stringify(fields)}`);

function agentOf(change: Partial<RunAgentOptions> = {}) {
  return runAgent({
    socketPath: join(stateDir, 'a.sock'),
    stateDir,
    listen: { host: '127.0.0.1', port: 0, tls: server },
    // Nothing here needs one.
    engine: { kind: 'socket', path: join(dir, 'no-engine.sock') },
    version: '0.0.7',
    log: { info: told, warn: told, error: told },
    ...change,
  });
}

async function started(change: Partial<RunAgentOptions> = {}): Promise<RunningAgent> {
  const agent = await agentOf(change);
  if (!agent.ok) throw new Error(agent.error.message);
  agents.push(agent.value);
  return agent.value;
}

async function token(name: string, role: 'operator' | 'viewer' = 'operator', expiresAt?: number) {
  const made = await createToken(stateDir, { name, role, expiresAt }, Date.now());
  if (!made.ok) throw new Error(made.error.message);
  return made.value;
}

const portOf = (agent: RunningAgent) => agent.address?.port ?? 0;
const trusting = () => ({ ca: readFileSync(ca.cert), rejectUnauthorized: true });
const bearer = (text: string) => ({ authorization: `Bearer ${text}` });

interface Outcome {
  opened?: WebSocket;
  status?: number;
  code?: string;
  error?: string;
}

/** What comes of a try to connect. */
function knock(agent: RunningAgent, options: ClientOptions = {}, scheme = 'wss'): Promise<Outcome> {
  const socket = new WebSocket(`${scheme}://127.0.0.1:${portOf(agent)}/`, { ...trusting(), ...options });
  closing.push(() => socket.terminate());
  return new Promise((resolve) => {
    socket.once('open', () => resolve({ opened: socket }));
    socket.on('error', (error) => resolve({ error: error.message }));
    socket.once('unexpected-response', async (_, response) => {
      const body = (await response.toArray()).join('');
      const { towline } = JSON.parse(body);
      expect(towline.message).toMatch(/\.$/);
      resolve({ status: response.statusCode ?? 0, code: towline.code });
    });
  });
}

function dial(agent: RunningAgent, text: string) {
  class Socket extends WebSocket {
    constructor(url: string) {
      super(url, { ...trusting(), headers: bearer(text) });
    }
  }
  const wire = createWSClient({
    url: `wss://127.0.0.1:${portOf(agent)}/`,
    WebSocket: Socket as unknown as typeof globalThis.WebSocket,
  });
  closing.push(() => void wire.close());
  return createTRPCClient<AgentRouter>({ links: [wsLink({ client: wire })] });
}

async function errorOf(call: Promise<unknown>) {
  const error: unknown = await call.catch((reason: unknown) => reason);
  if (!(error instanceof TRPCClientError)) throw new Error(`the call did not fail as it should: ${error}`);
  return error.data?.towline;
}

test('an operator’s token may do everything, a viewer’s looks on, and each is told which it is', async () => {
  const [anna, board] = [await token('anna'), await token('board', 'viewer')];
  const agent = await started();
  const operator = dial(agent, anna);
  const viewer = dial(agent, board);
  const me = { protocol: PROTOCOL_VERSION, version: '0.0.6' };
  expect((await operator.hello.query(me)).caller).toEqual({ name: 'anna', role: 'operator' });
  expect((await viewer.hello.query(me)).caller).toEqual({ name: 'board', role: 'viewer' });

  expect(await viewer.jobs.query({})).toEqual([]);
  const secret = { name: 'git', value: 'x'.repeat(20), operator: 'anna' };
  expect(await errorOf(viewer.putSecret.mutate(secret))).toEqual({
    code: 'refused',
    message: expect.stringContaining('"board" is a viewer\'s'),
    refusal: expect.objectContaining({ code: 'read-only' }),
  });
  expect(await operator.secretNames.query()).toEqual([]);
  await operator.putSecret.mutate(secret);
  expect(await viewer.secretNames.query()).toEqual([expect.objectContaining({ name: 'git' })]);
});

test('who has no good token is told why, and a web page nothing', async () => {
  const [anna, gone, late] = [
    await token('anna'),
    await token('gone'),
    await token('late', 'viewer', Date.now()),
  ];
  await revokeToken(stateDir, 'gone', Date.now());
  const agent = await started();
  const cases: [ClientOptions, number, string][] = [
    [{}, 401, 'token-missing'],
    [{ headers: bearer('nonsense') }, 401, 'token-unknown'],
    [{ headers: bearer(gone) }, 401, 'token-revoked'],
    [{ headers: bearer(late) }, 401, 'token-expired'],
    [{ headers: { ...bearer(anna), origin: 'https://example.com' } }, 403, 'origin'],
  ];
  for (const [options, status, code] of cases) expect(await knock(agent, options)).toEqual({ status, code });
  expect(await knock(agent, { headers: bearer(anna) })).toMatchObject({ opened: expect.anything() });

  // None of them was a guess: pages and old tokens shut the door for nobody.
  for (let n = 0; n < 12; n++) {
    const page = { headers: { origin: 'https://example.com' } };
    expect(await knock(agent, n % 2 === 0 ? page : { headers: bearer(gone) })).not.toMatchObject({
      status: 429,
    });
  }
  expect(await knock(agent, { headers: bearer(anna) })).toMatchObject({ opened: expect.anything() });

  // Not in the address, and no page without one.
  const page = request({
    host: '127.0.0.1',
    port: portOf(agent),
    path: `/healthz?token=${anna}`,
    ...trusting(),
  });
  page.end();
  const [answer] = await once(page, 'response');
  expect(answer.statusCode).toBe(404);
  answer.destroy();
});

test('a token that is revoked ends its connections at once, and nobody else’s', async () => {
  const [anna, bert] = [await token('anna'), await token('bert')];
  const agent = await started();
  const [hers, his] = [
    await knock(agent, { headers: bearer(anna) }),
    await knock(agent, { headers: bearer(bert) }),
  ];
  const closed = once(hers.opened ?? expect.fail(), 'close');
  await revokeToken(stateDir, 'anna', Date.now());
  const [code, reason] = await closed;
  expect([code, String(reason)]).toEqual([4401, 'token-revoked']);
  expect(his.opened?.readyState).toBe(WebSocket.OPEN);
  // One that is made while it runs is good at once.
  expect(await knock(agent, { headers: bearer(await token('anna')) })).toMatchObject({
    opened: expect.anything(),
  });
});

test('an address with too many wrong tokens waits, also with a good one that is new there; another does not', async () => {
  const anna = await token('anna');
  const bert = await token('bert');
  const agent = await started();
  expect(await knock(agent, { headers: bearer(bert) })).toMatchObject({ opened: expect.anything() });
  for (let n = 0; n < 10; n++) {
    expect(await knock(agent, { headers: bearer(`guess-${n}`) })).toMatchObject({ status: 401 });
  }
  expect(await knock(agent, { headers: bearer(anna) })).toEqual({ status: 429, code: 'too-many-tries' });
  expect(await knock(agent, { headers: bearer(bert) })).toMatchObject({ opened: expect.anything() });
  expect(await knock(agent, { headers: bearer(anna), localAddress: '127.0.0.2' })).toMatchObject({
    opened: expect.anything(),
  });
});

test('without TLS only loopback is listened on, with a token all the same', async () => {
  const listen = { host: 'localhost', port: 0 };
  expect(await agentOf({ listen })).toMatchObject({
    error: {
      code: 'listen',
      message: expect.stringContaining(`token create NAME --role operator --state-dir ${stateDir}`),
    },
  });
  const anna = await token('anna');
  expect(await agentOf({ listen: { host: '0.0.0.0', port: 0 } })).toMatchObject({
    error: { code: 'listen', message: expect.stringContaining('--tls-cert FILE') },
  });
  expect(await agentOf({ listen: { host: 'no-such-host.invalid', port: 0 } })).toMatchObject({
    error: { code: 'listen' },
  });
  const agent = await started({ listen: { host: '127.0.0.1', port: 0 } });
  expect(await knock(agent, {}, 'ws')).toEqual({ status: 401, code: 'token-missing' });
  expect(await knock(agent, { headers: bearer(anna) }, 'ws')).toMatchObject({ opened: expect.anything() });

  const taken = { listen: { host: '127.0.0.1', port: portOf(agent) }, socketPath: join(stateDir, 'b.sock') };
  stateDir = join(dir, `state-${count++}`);
  await mkdir(stateDir);
  await token('anna');
  expect(await agentOf({ ...taken, stateDir })).toMatchObject({
    error: { code: 'listen', message: expect.stringContaining('EADDRINUSE') },
  });
});

test('a certificate that is renewed is taken up while it runs; one that does not fit is not', async () => {
  const anna = await token('anna');
  const tls = { cert: join(stateDir, 'cert.pem'), key: join(stateDir, 'key.pem') };
  const place = async ({ cert, key }: { cert: string; key: string }) => {
    await copyFile(cert, tls.cert);
    await copyFile(key, tls.key);
  };
  await place(server);
  const agent = await started({ listen: { host: '127.0.0.1', port: 0, tls }, lookMs: 20 });
  const served = async () => {
    const socket = connectTls({ host: '127.0.0.1', port: portOf(agent), ...trusting() });
    await once(socket, 'secureConnect');
    const { subject } = socket.getPeerCertificate();
    socket.destroy();
    return subject.CN;
  };
  expect(await served()).toBe('server');
  const other = await ca.issue('renewed', ['127.0.0.1']);
  await place({ cert: other.cert, key: server.key });
  await vi.waitFor(() => expect(log.join('\n')).toContain('is not the key of the certificate'));
  expect(await served()).toBe('server');
  await place(other);
  await vi.waitFor(async () => expect(await served()).toBe('renewed'));
  await place(server);
  await agent.reload();
  expect(await served()).toBe('server');
  expect(await knock(agent, { headers: bearer(anna) })).toMatchObject({ opened: expect.anything() });
});

test('with a CA for clients only who has its certificate gets to show a token', async () => {
  const anna = await token('anna');
  const agent = await started({
    listen: { host: '127.0.0.1', port: 0, tls: { ...server, clientCa: ca.cert } },
  });
  const mine = await ca.issue('me');
  const theirs = await (await certificateAuthority(stateDir, 'other-ca')).issue('them');
  const showing = (issued: Issued) => ({ cert: readFileSync(issued.cert), key: readFileSync(issued.key) });
  const refused = { status: 403, code: 'client-certificate' };
  expect(await knock(agent, { headers: bearer(anna) })).toEqual(refused);
  expect(await knock(agent, { headers: bearer(anna), ...showing(theirs) })).toEqual(refused);
  expect(await knock(agent, showing(mine))).toEqual({ status: 401, code: 'token-missing' });
  expect(await knock(agent, { headers: bearer(anna), ...showing(mine) })).toMatchObject({
    opened: expect.anything(),
  });
});

test('old TLS and no TLS get nowhere, and strangers who say nothing are in nobody’s way', async () => {
  const anna = await token('anna');
  const agent = await started();
  const port = portOf(agent);
  const old = connectTls({
    host: '127.0.0.1',
    port,
    ...trusting(),
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
  });
  await once(old, 'error');
  expect(await knock(agent, { headers: bearer(anna) }, 'ws')).toMatchObject({ error: expect.anything() });

  // More than an address may have; the oldest of them are let go.
  const strangers: Socket[] = [];
  let dropped = 0;
  for (let n = 0; n < 40; n++) {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => {});
    socket.on('close', () => dropped++);
    strangers.push(socket);
    closing.push(() => socket.destroy());
  }
  await vi.waitFor(() => expect(dropped).toBeGreaterThanOrEqual(24));
  expect(await knock(agent, { headers: bearer(anna) })).toMatchObject({ opened: expect.anything() });
});
