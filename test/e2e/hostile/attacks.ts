import { randomBytes, randomInt } from 'node:crypto';
import { once } from 'node:events';
import { connect as connectNet } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as connectTls } from 'node:tls';
import { WebSocket } from 'ws';

/** Where an agent is attacked: its Unix socket, or its port with TLS, with or without a token, from these addresses. */
export type Target =
  | { kind: 'unix'; path: string }
  | { kind: 'tls'; port: number; ca: string; token?: string; from?: readonly string[] };

/** A connection with nothing sent on it yet. */
async function open(target: Target): Promise<Duplex> {
  const socket =
    target.kind === 'unix'
      ? connectNet(target.path)
      : connectTls({
          host: '127.0.0.1',
          port: target.port,
          ca: target.ca,
          ...(target.from !== undefined && {
            localAddress: target.from[randomInt(target.from.length)] ?? '',
          }),
        });
  socket.on('error', () => {});
  await once(socket, target.kind === 'unix' ? 'connect' : 'secureConnect');
  return socket;
}

/** A WebSocket whose frames are the attacker's. */
async function upgraded(target: Target): Promise<Duplex> {
  const socket = await open(target);
  const token =
    target.kind === 'tls' && target.token !== undefined ? `Authorization: Bearer ${target.token}\r\n` : '';
  const key = randomBytes(16).toString('base64');
  socket.write(
    `GET / HTTP/1.1\r\nHost: agent\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${key}\r\n${token}\r\n`,
  );
  const [head] = await once(socket, 'data');
  if (!String(head).startsWith('HTTP/1.1 101'))
    throw new Error(`not let in: ${String(head).split('\r\n')[0]}`);
  return socket;
}

async function ended(socket: Duplex): Promise<void> {
  socket.resume();
  if (!socket.destroyed) await once(socket, 'close');
}

/** Sends messages that are none of the protocol, and takes every answer. Returns how many of them were answered. */
export async function malformedMessages(target: Target, count: number, connections = 10): Promise<number> {
  const answers = await Promise.all(
    Array.from({ length: connections }, async () => {
      const socket = await webSocket(target);
      const share = count / connections;
      let answered = 0;
      const done = Promise.withResolvers<void>();
      socket.on('message', () => {
        answered += 1;
        if (answered === share) done.resolve();
      });
      socket.on('close', () => done.resolve());
      for (let sent = 0; sent < share; sent++) {
        socket.send(MESSAGES[sent % MESSAGES.length] ?? '');
        if (sent % 100 === 99)
          await until(() => answered > sent - 500 || socket.readyState !== WebSocket.OPEN);
      }
      await done.promise;
      socket.terminate();
      return answered;
    }),
  );
  return answers.reduce((sum, each) => sum + each, 0);
}

async function webSocket(target: Target): Promise<WebSocket> {
  const socket =
    target.kind === 'unix'
      ? new WebSocket(`ws+unix:${target.path}:/`)
      : new WebSocket(`wss://127.0.0.1:${target.port}/`, {
          ca: target.ca,
          headers: { Authorization: `Bearer ${target.token}` },
        });
  socket.on('error', () => {});
  await once(socket, 'open');
  return socket;
}

const call = (id: unknown, path: unknown, input?: unknown) =>
  JSON.stringify({ id, method: 'query', params: { path, input } });

/** Each is answered with one error. */
const MESSAGES: readonly (string | Buffer)[] = [
  'hello?',
  '{"id":1,"method":"query","params":{"path":"he',
  '17',
  'null',
  '{"id":1}',
  call({}, 'hello'),
  call(1, '__proto__'),
  call(1, 'engine.remove', { id: 'x' }),
  call(1, 'execute', { key: 'k' }),
  call(1, 'versions', { image: '\u0000'.repeat(200), limit: 1e9 }),
  '['.repeat(2_000) + ']'.repeat(2_000),
  Buffer.from([0, 1, 2, 0xff, 0xfe]),
];

/** Frames that no WebSocket has: each ends its connection. Returns how many connections were ended so. */
export async function brokenFrames(target: Target, count: number): Promise<number> {
  let endings = 0;
  for (let at = 0; at < count; at++) {
    const socket = await upgraded(target);
    socket.write(FRAMES[at % FRAMES.length]?.() ?? '');
    await ended(socket);
    endings += 1;
  }
  return endings;
}

const FRAMES: readonly (() => Buffer)[] = [
  // A reserved opcode, a text without a mask, a ping that is too long, a text that is not UTF-8.
  () => Buffer.from([0x83, 0x80, 0, 0, 0, 0]),
  () => Buffer.from([0x81, 0x02, 0x6f, 0x6b]),
  () => Buffer.concat([Buffer.from([0x89, 0xfe, 0x01, 0x00, 0, 0, 0, 0]), Buffer.alloc(256)]),
  () => Buffer.from([0x81, 0x82, 0, 0, 0, 0, 0xff, 0xfe]),
  // One that says it has a terabyte.
  () => Buffer.from([0x81, 0xff, 0, 0, 1, 0, 0, 0, 0, 0, 1, 2, 3, 4]),
  // Compressed, which nobody agreed to; and whatever.
  () => Buffer.from([0xc1, 0x80, 0, 0, 0, 0]),
  () => Buffer.concat([Buffer.from([0xf0 | randomInt(16)]), randomBytes(60)]),
];

/** Connections that each sent half of the largest frame that is taken, and hold it. Ends them when it is called. */
export async function halfFrames(target: Target, count: number): Promise<() => void> {
  const half = Buffer.alloc(512 * 1024);
  const head = Buffer.from([0x81, 0xff, 0, 0, 0, 0, 0, 0x0f, 0xff, 0xff, 0, 0, 0, 0]);
  const sockets: Duplex[] = [];
  for (let at = 0; at < count; at++) {
    const socket = await upgraded(target);
    socket.write(head);
    if (!socket.write(half)) await Promise.race([once(socket, 'drain'), once(socket, 'close')]);
    sockets.push(socket);
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Clients that ask for streams and take nothing of them. Ends them when it is called. */
export async function slowReaders(target: Target, count: number): Promise<() => void> {
  const sockets: Duplex[] = [];
  for (let at = 0; at < count; at++) {
    const socket = await upgraded(target);
    socket.pause();
    for (let id = 1; id <= 20; id++) {
      const text = Buffer.from(JSON.stringify({ id, method: 'subscription', params: { path: 'watch' } }));
      socket.write(Buffer.concat([Buffer.from([0x81, 0x80 | text.length, 0, 0, 0, 0]), text]));
    }
    sockets.push(socket);
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/** Clients that ask without end for what is not there, and take no answer. Ends them when it is called. */
export async function untakenAnswers(target: Target, count: number, connections = 4): Promise<() => void> {
  const text = Buffer.from(call(1, 'x'.repeat(80)));
  const frame = Buffer.concat([Buffer.from([0x81, 0xfe, 0, text.length, 0, 0, 0, 0]), text]);
  const sockets: Duplex[] = [];
  for (let at = 0; at < connections; at++) {
    const socket = await upgraded(target);
    socket.pause();
    socket.write(Buffer.concat(Array.from({ length: count / connections }, () => frame)));
    sockets.push(socket);
  }
  return () => {
    for (const socket of sockets) socket.destroy();
  };
}

/**
 * Opens connections as fast as it can, with half a request, rubbish, or nothing at all on each, and lets go of them. Stops
 * by itself.
 */
export async function floodOfStrangers(target: Target, count: number, atOnce = 100): Promise<void> {
  for (let done = 0; done < count; done += atOnce) {
    const sockets = await Promise.all(
      Array.from({ length: atOnce }, async (_, at) => {
        const socket = await open(target).catch(() => undefined);
        socket?.write([randomBytes(100), 'GET / HTTP/1.1\r\nHost: ', ''][at % 3] ?? '');
        return socket;
      }),
    );
    for (const socket of sockets) socket?.destroy();
  }
}

async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise((resolve) => setImmediate(resolve));
}
