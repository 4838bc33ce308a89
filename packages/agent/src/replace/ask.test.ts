import { once } from 'node:events';
import { createServer as createHttpServer, type RequestListener } from 'node:http';
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import type { Probe } from '@towline/core/protocol';
import { afterEach, expect, test } from 'vitest';
import { type Answer, ask } from './ask.ts';

const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

async function listen(server: Server): Promise<number> {
  const sockets = new Set<Socket>();
  server.on('connection', (socket: Socket) => sockets.add(socket));
  closers.push(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return (server.address() as AddressInfo).port;
}

const serving = (answer: RequestListener) => listen(createHttpServer(answer));
/** A program that does this with each connection. */
const taking = (serve: (socket: Socket) => void) =>
  listen(
    createServer((socket) => {
      socket.on('error', () => {});
      serve(socket);
    }),
  );

type Statuses = Extract<Probe['check'], { kind: 'http' }>['statuses'];
const LONG_MS = 60_000;

function get(port: number, statuses: Statuses = [[200, 399]], timeoutMs = LONG_MS): Promise<Answer> {
  const check = { kind: 'http', path: '/health?deep=1', port, statuses } as const;
  return ask(check, { host: '127.0.0.1', port }, timeoutMs, new AbortController().signal);
}

function tcp(port: number, signal = new AbortController().signal, timeoutMs = LONG_MS): Promise<Answer> {
  return ask({ kind: 'tcp', port }, { host: '127.0.0.1', port }, timeoutMs, signal);
}

/** Nobody listens there, and no other test gets it. */
const NOBODYS_PORT = 1;

test.each<[number, Statuses | undefined, boolean]>([
  [200, undefined, true],
  [204, undefined, true],
  // It leads somewhere, and is not followed.
  [302, undefined, true],
  [404, undefined, false],
  [503, undefined, false],
  [302, [[200, 299]], false],
  [
    401,
    [
      [200, 200],
      [400, 403],
    ],
    true,
  ],
])('the status %i, where %o are good', async (status, statuses, ok) => {
  const asked: string[] = [];
  const port = await serving((request, response) => {
    asked.push(`${request.method} ${request.url} ${request.headers.host}`);
    response.writeHead(status, { location: '/elsewhere' }).end();
  });
  expect(await get(port, statuses)).toEqual({ ok, words: String(status) });
  expect(asked).toEqual([`GET /health?deep=1 127.0.0.1:${port}`]);
});

test('of a body without an end no more is taken than has come already', async () => {
  let written = 0;
  const ended = Promise.withResolvers<void>();
  const port = await serving((_, response) => {
    response.writeHead(200);
    const chunk = Buffer.alloc(64 * 1024);
    const more = () => {
      while (!response.destroyed) {
        written += chunk.length;
        if (!response.write(chunk)) break;
      }
    };
    response.on('drain', more);
    response.on('close', ended.resolve);
    more();
  });
  expect(await get(port)).toEqual({ ok: true, words: '200' });
  await ended.promise;
  // What the system's buffers hold, and not gigabytes.
  expect(written).toBeLessThan(64 * 1024 * 1024);
});

test.each<[string, (socket: Socket) => void, string]>([
  ['closes at once', (socket) => socket.destroy(), 'it closed the connection without an answer'],
  ['resets', (socket) => socket.resetAndDestroy(), 'it closed the connection without an answer'],
  [
    'closes in the middle of its headers',
    (socket) => socket.end('HTTP/1.1 200 OK\r\nContent-'),
    'it closed the connection without an answer',
  ],
  ['speaks something else', (socket) => socket.end('220 mail ready\r\n'), 'its answer is no HTTP'],
  [
    'has headers without an end',
    (socket) => socket.write(`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(100_000)}`),
    'its answer is no HTTP',
  ],
])('one that %s', async (_, serve, words) => {
  expect(await get(await taking(serve))).toEqual({ ok: false, words });
});

test.each<[string, (socket: Socket) => void]>([
  ['takes the connection and never answers', () => {}],
  [
    'answers a byte at a time',
    (socket) => {
      const words = 'HTTP/1.1 200 OK\r\nX: ';
      let at = 0;
      const timer = setInterval(() => socket.write(words[at++] ?? 'x'), 20);
      socket.on('close', () => clearInterval(timer));
    },
  ],
])('one that %s has the time of one try', async (_, serve) => {
  const gone = Promise.withResolvers<void>();
  const port = await taking((socket) => {
    socket.on('close', gone.resolve);
    socket.resume();
    serve(socket);
  });
  expect(await get(port, [[200, 200]], 300)).toEqual({ ok: false, words: 'no answer in 0.3 s' });
  // Nothing is left open behind it.
  await gone.promise;
});

test('nobody listens', async () => {
  expect(await get(NOBODYS_PORT)).toEqual({ ok: false, words: 'connection refused' });
  expect(await tcp(NOBODYS_PORT)).toEqual({ ok: false, words: 'connection refused' });
});

test('TCP: one that takes the connection is enough, and it is closed again', async () => {
  const gone = Promise.withResolvers<void>();
  const port = await taking((socket) => {
    socket.on('close', gone.resolve);
    socket.resume();
  });
  expect(await tcp(port)).toEqual({ ok: true, words: 'takes connections' });
  await gone.promise;
});

test('what is not waited for any more ends', async () => {
  const port = await taking(() => {});
  const stop = new AbortController();
  const check = { kind: 'http', path: '/', port, statuses: [[200, 200]] as [number, number][] } as const;
  const answer = ask(check, { host: '127.0.0.1', port }, LONG_MS, stop.signal);
  stop.abort();
  expect((await answer).ok).toBe(false);
  expect((await tcp(port, stop.signal)).ok).toBe(false);
});
