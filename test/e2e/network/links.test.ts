import { X509Certificate } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { createServer as createSilent, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createToken, revokeToken } from '@towline/agent/access';
import { type RunningAgent, runAgent } from '@towline/agent/server';
import type { AgentDefinition } from '@towline/core/map';
import type { LinkState } from '@towline/core/plan';
import type { Hello } from '@towline/core/protocol';
import { type Authority, certificateAuthority, type Issued } from '@towline/test/sandbox';
import { type AgentLink, agentAddress, createLink, createTransports } from '@towline/tui/link';
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';

const quiet = { info() {}, warn() {}, error() {} };
let dir: string;
let ca: Authority;
let mine: Issued;
const tokens: Record<string, string> = {};
const agents: RunningAgent[] = [];
const links: AgentLink[] = [];
const ports: Record<string, number> = {};
/** An engine that takes every connection and says nothing. */
const waiting = new Set<Socket>();
const silent = createSilent((socket) => waiting.add(socket.on('error', () => {})));
const page = createServer((_, response) => response.end('<p>hello</p>'));

/** One agent for each way of listening, all with the same tokens. */
async function listen(
  name: string,
  certificate: Issued | undefined,
  clientCa?: string,
  engine = join(dir, 'no-engine.sock'),
): Promise<void> {
  const stateDir = join(dir, name);
  await mkdir(stateDir);
  for (const token of ['anna', 'board', 'gone', 'late']) {
    const role = token === 'board' ? 'viewer' : 'operator';
    const expiresAt = token === 'late' ? Date.now() : undefined;
    const made = await createToken(stateDir, { name: token, role, expiresAt }, Date.now());
    if (!made.ok) throw new Error(made.error.message);
    const file = join(dir, `${name}-${token}`);
    await writeFile(file, made.value, { mode: 0o600 });
    tokens[`${name}-${token}`] = file;
  }
  await revokeToken(stateDir, 'gone', Date.now());
  const tls = certificate && { ...certificate, ...(clientCa !== undefined && { clientCa }) };
  const agent = await runAgent({
    socketPath: join(stateDir, 'a.sock'),
    stateDir,
    listen: { host: '127.0.0.1', port: 0, ...(tls !== undefined && { tls }) },
    engine: { kind: 'socket', path: engine },
    version: '0.1.0',
    log: quiet,
  });
  if (!agent.ok) throw new Error(agent.error.message);
  agents.push(agent.value);
  ports[name] = agent.value.address?.port ?? 0;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-links-'));
  ca = await certificateAuthority(dir);
  await certificateAuthority(dir, 'other-ca');
  await writeFile(join(dir, 'nonsense'), 'towline_nonsense', { mode: 0o600 });
  const names = ['127.0.0.1', 'localhost'];
  const [good, late, named] = await Promise.all([
    ca.issue('good', names),
    ca.issue('late', names, -1),
    ca.issue('named', ['db-1.example.com']),
  ]);
  mine = await ca.issue('mine');
  await listen('good', good);
  await listen('late', late);
  await listen('named', named);
  await listen('clients', good, ca.cert);
  await listen('plain', undefined);
  await listen('tried', good);
  await once(silent.listen(join(dir, 'silent.sock')), 'listening');
  await listen('hung', good, undefined, join(dir, 'silent.sock'));
  await once(page.listen(0, '127.0.0.1'), 'listening');
  const address = page.address();
  ports.page = typeof address === 'object' && address !== null ? address.port : 0;
});
afterEach(() => Promise.all(links.splice(0).map((link) => link.close())));
afterAll(async () => {
  silent.close();
  for (const socket of waiting) socket.destroy();
  await Promise.all(agents.map((agent) => agent.close()));
  page.close();
  await rm(dir, { recursive: true });
});

interface Outcome {
  state: LinkState;
  hello: Hello | undefined;
}

/** What the first try to link comes to; the next one is `againMs` later. */
async function first(
  name: string,
  token: string,
  more: Partial<AgentDefinition> = {},
  againMs = 60_000,
): Promise<Outcome & { link: AgentLink }> {
  const scheme = name === 'plain' || name === 'page' ? 'ws' : 'wss';
  const address = agentAddress(more.url ?? `${scheme}://127.0.0.1:${ports[name]}`);
  if (!address.ok) throw new Error(address.error.message);
  const transports = createTransports({ env: {}, mapFile: join(dir, 'towline.yaml') });
  const proof = {
    token: { file: tokens[token] ?? token },
    ...(scheme === 'wss' && { ca: 'ca.pem' }),
    ...more,
  };
  const told = Promise.withResolvers<LinkState>();
  let hello: Hello | undefined;
  const link = createLink({
    transport: transports.to(address.value, proof),
    version: '0.1.0',
    // Each try with a wrong token counts.
    backoff: { firstMs: againMs, capMs: againMs },
    listener: {
      onState: (state) => told.resolve(state),
      onHello: (given) => {
        hello = given;
      },
      onWatch: () => {},
    },
  });
  links.push(link);
  return { state: await told.promise, hello, link };
}

const pinOf = async (certificate: string) => {
  const { fingerprint256 } = new X509Certificate(await readFile(join(dir, certificate)));
  return `sha256:${fingerprint256.replaceAll(':', '').toLowerCase()}`;
};
const client = () => ({ client: mine });

test.each<[string, string, string, () => Promise<Partial<AgentDefinition>> | Partial<AgentDefinition>]>([
  ['a CA', 'good', 'anna', () => ({})],
  ['a pin and the CA', 'good', 'anna', async () => ({ pin: await pinOf('good.pem') })],
  [
    'a pin alone, whatever the name',
    'named',
    'anna',
    async () => ({ pin: await pinOf('named.pem'), ca: undefined }),
  ],
  ['a client’s certificate', 'clients', 'anna', client],
  ['a name', 'good', 'board', () => ({ url: `wss://localhost:${ports.good}` })],
  ['loopback alone', 'plain', 'board', () => ({})],
])('with %s the agent is linked to, and says who this is', async (_, name, who, more) => {
  const { state, hello } = await first(name, `${name}-${who}`, await more());
  expect(state).toEqual({ state: 'connected' });
  expect(hello?.caller).toEqual({ name: who, role: who === 'board' ? 'viewer' : 'operator' });
});

const OTHER_PIN = `sha256:${'ab'.repeat(32)}`;
const ONE_TOKEN = 'towline-agent token create';

test.each<[string, string, string, () => Partial<AgentDefinition>, string[]]>([
  ['a wrong token', 'good', 'nonsense', () => ({}), ['knows no such token', 'nonsense', ONE_TOKEN]],
  ['a revoked token', 'good', 'good-gone', () => ({}), ['"gone" was revoked', ONE_TOKEN]],
  ['an expired token', 'good', 'good-late', () => ({}), ['"late" has expired', ONE_TOKEN]],
  ['no token', 'good', 'no-file', () => ({}), ["no-file, can't be read"]],
  ['an expired certificate', 'late', 'late-anna', () => ({}), ['expired on', 'Renew it']],
  [
    'a certificate for another name',
    'named',
    'named-anna',
    () => ({}),
    ['for another name: DNS:db-1.example.com'],
  ],
  [
    'an unknown CA',
    'good',
    'good-anna',
    () => ({ ca: 'other-ca.pem' }),
    ['not signed by the ca', 'pin: "sha256:'],
  ],
  [
    'another pin',
    'good',
    'good-anna',
    () => ({ pin: OTHER_PIN }),
    [`not ${OTHER_PIN}`, 'shows another certificate'],
  ],
  ['no client’s certificate', 'clients', 'clients-anna', () => ({}), ['none was sent', 'client_cert']],
  [
    'an expired client’s certificate',
    'clients',
    'clients-anna',
    () => ({ client: { cert: 'late.pem', key: 'late.key' } }),
    ['yours has expired', 'client_cert'],
  ],
  [
    'a client’s certificate of another CA',
    'clients',
    'clients-anna',
    () => ({ client: { cert: 'other-ca.pem', key: 'other-ca.key' } }),
    ['yours is none of them', 'client_cert'],
  ],
  [
    'a port without an agent',
    'good',
    'good-anna',
    () => ({ url: 'wss://127.0.0.1:1' }),
    ['Nothing listens on 127.0.0.1:1'],
  ],
  ['something else', 'page', 'good-anna', () => ({}), ['is no Towline agent', 'answers 200']],
  [
    'TLS with one that has none',
    'plain',
    'plain-anna',
    () => ({ url: `wss://127.0.0.1:${ports.plain}` }),
    ['is no TLS'],
  ],
  [
    'no TLS with one that has it',
    'good',
    'good-anna',
    () => ({ url: `ws://127.0.0.1:${ports.good}` }),
    ['If it speaks TLS, its url begins with wss://'],
  ],
])('%s is named, with what to do', async (_, name, token, more, parts) => {
  const { state } = await first(name, token, more());
  expect(state.state).toBe('lost');
  for (const part of parts) expect('message' in state && state.message).toContain(part);
});

test('an engine that hangs is the engine’s trouble: its agent is linked to, and says so', async () => {
  const { state, hello } = await first('hung', 'hung-anna');
  expect(state).toEqual({ state: 'connected' });
  expect(hello?.engine).toMatchObject({ state: 'unreachable', message: expect.stringContaining('in time') });
});

test('an agent is known by its state folder, whatever process it is', async () => {
  const identityOf = async (state: string) => {
    const socketPath = join(dir, 'known.sock');
    const agent = await runAgent({
      socketPath,
      stateDir: join(dir, state),
      engine: { kind: 'socket', path: join(dir, 'no-engine.sock') },
      version: '0.1.0',
      log: quiet,
    });
    if (!agent.ok) throw new Error(agent.error.message);
    const { hello, link } = await first('known', '', { url: `unix://${socketPath}` });
    await link.close();
    await agent.value.close();
    return hello?.identity;
  };
  const known = await identityOf('known');
  expect(known).toMatch(/^[0-9a-f]{16}$/);
  expect(await identityOf('known')).toBe(known);
  expect(await identityOf('known-too')).not.toBe(known);
});

test('too many tries are named, with how long to wait', async () => {
  const { state, link } = await first('tried', 'nonsense', {}, 5);
  expect(state).toMatchObject({ state: 'lost' });
  await expect
    .poll(() => link.state())
    .toMatchObject({ state: 'lost', message: expect.stringMatching(/again in \d+ s/) });
});

test('a token that is revoked takes the link away, and a new one in its file brings it back', async () => {
  const stateDir = join(dir, 'good');
  const made = await createToken(stateDir, { name: 'bert', role: 'operator' }, Date.now());
  const { state, link } = await first('good', 'good-anna', {}, 300);
  expect(state).toEqual({ state: 'connected' });
  await revokeToken(stateDir, 'anna', Date.now());
  await expect
    .poll(() => link.state())
    .toMatchObject({ state: 'lost', message: expect.stringContaining('was revoked') });
  await writeFile(tokens['good-anna'] ?? '', made.ok ? made.value : '');
  await expect.poll(() => link.state()).toEqual({ state: 'connected' });
});
