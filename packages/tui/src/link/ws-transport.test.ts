import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { promisify } from 'node:util';
import { certificateAuthority } from '@towline/test/sandbox';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { wsTransport } from './ws-transport.ts';

/** What stands where an agent should be, on loopback. What agents do is tested with them. */
let dir: string;
const ports: Record<string, number> = { gone: 1 };
const servers: Server[] = [];
const sockets = new Set<Socket>();

async function serve(name: string, server: Server): Promise<void> {
  server.on('connection', (socket: Socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  servers.push(server);
  const address = server.address();
  ports[name] = typeof address === 'object' && address !== null ? address.port : 0;
}

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-ws-'));
  const ca = await certificateAuthority(dir);
  const { cert, key } = await ca.issue('server', ['127.0.0.1']);
  // Whole, and of each other, and yet none that TLS takes.
  const weak = ['-keyout', join(dir, 'weak.key'), '-out', join(dir, 'weak.pem'), '-subj', '/CN=weak'];
  await promisify(execFile)('openssl', ['req', '-x509', '-newkey', 'rsa:512', '-nodes', ...weak]);
  const tls = { cert: readFileSync(cert), key: readFileSync(key) };
  await serve('silent', createServer());
  await serve(
    'closes',
    createServer((socket) => socket.destroy()),
  );
  await serve(
    'ssh',
    createServer((socket) => socket.write('SSH-2.0-OpenSSH_9.2\r\n')),
  );
  await serve(
    'old',
    createTlsServer({ ...tls, minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }),
  );
  await serve('good', createTlsServer(tls));
});
afterAll(async () => {
  for (const socket of sockets) socket.destroy();
  for (const server of servers) server.close();
  await rm(dir, { recursive: true });
});

function transport(
  name: string,
  host = '127.0.0.1',
  more: { ca?: string; client?: { cert: string; key: string } } = {},
) {
  const address = { kind: 'ws', secure: true, host, port: ports[name] ?? 1 } as const;
  // Who speaks is heard out on a busy machine as well; a name may be long in being looked up.
  const patienceMs = name === 'silent' || host !== '127.0.0.1' ? 200 : 20_000;
  return wsTransport(address, { ca: 'ca.pem', ...more }, { folder: dir, home: dir, env: {} }, patienceMs);
}
const open = (name: string, ...more: [host?: string, files?: object]) =>
  transport(name, ...more).open(new AbortController().signal);

test('the way through TLS is open once it is known who answers', async () => {
  const opened = await open('good');
  if (!opened.ok) throw new Error(opened.error.message);
  opened.value.destroy();
});

test.each([
  ['silent', '127.0.0.1', {}, 'says nothing in TLS'],
  ['closes', '127.0.0.1', {}, 'No TLS connection to 127.0.0.1:PORT came about'],
  ['ssh', '127.0.0.1', {}, 'is no TLS, and so no Towline agent'],
  ['old', '127.0.0.1', {}, 'has no TLS 1.2 or later'],
  ['gone', '127.0.0.1', {}, 'Nothing listens on 127.0.0.1:PORT'],
  ['good', 'no-such-host.invalid', {}, 'no-such-host.invalid:PORT'],
  ['good', '127.0.0.1', { ca: 'none.pem' }, `none.pem, can't be read`],
  [
    'good',
    '127.0.0.1',
    { client: { cert: 'weak.pem', key: 'weak.key' } },
    `client_key that the map names for 127.0.0.1:PORT can't be used`,
  ],
])('what stands at "%s" (%s, %j) is said: %s', async (name, host, files, part) => {
  expect(await open(name, host, files)).toMatchObject({
    ok: false,
    error: {
      code: 'agent-unreachable',
      message: expect.stringContaining(part.replace('PORT', String(ports[name]))),
    },
  });
});

test('a try that is given up leaves nothing open', async () => {
  const closing = new AbortController();
  const opening = transport('silent').open(closing.signal);
  const [peer] = await once(servers[0] ?? expect.fail(), 'connection');
  closing.abort();
  expect(await opening).toMatchObject({ ok: false });
  peer.resume();
  await once(peer, 'close');
});
