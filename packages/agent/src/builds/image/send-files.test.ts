import { randomBytes } from 'node:crypto';
import { appendFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { connect as connectHttp2 } from 'node:http2';
import { connect, createServer, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import protobuf from 'protobufjs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { contextFiles, textFile } from './context-files.ts';
import { framed, GRPC_OK, type GrpcHandler, serveGrpc } from './grpc-server.ts';
import { IgnoreRules } from './ignore-rules.ts';
import { sendFiles } from './send-files.ts';

/** As fsutil has it, read by a decoder that is not ours. */
const { root } = protobuf.parse(
  `syntax = "proto3";
  message Packet { int32 type = 1; Stat stat = 2; uint32 ID = 3; bytes data = 4; }
  message Stat { string path = 1; uint32 mode = 2; uint32 uid = 3; uint32 gid = 4; int64 size = 5; int64 modTime = 6; string linkname = 7; }`,
  { keepCase: true },
);
const Packet = root.lookupType('Packet');

interface Stat {
  path: string;
  mode: number;
  uid: number;
  gid: number;
  size: string;
  modTime: string;
  linkname: string;
}

let folder: string;
let ends: Socket[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'towline-send-'));
});
afterEach(async () => {
  for (const end of ends) end.destroy();
  ends = [];
  await rm(folder, { recursive: true, force: true });
});

/** Two ends of a connection. */
async function connection(): Promise<[Socket, Socket]> {
  const path = `${folder}.sock`;
  const listening = createServer();
  const accepted = new Promise<Socket>((resolve) => listening.once('connection', resolve));
  await new Promise<void>((resolve) => listening.listen(path, resolve));
  const near = connect(path);
  const far = await accepted;
  listening.close();
  ends.push(near, far);
  return [near, far];
}

/** The status, the message and the bytes of one call of ours, made as BuildKit makes it. */
async function call(
  handler: GrpcHandler,
  talk: (
    say: (message: Uint8Array) => void,
    onMessage: (listener: (message: Buffer) => void) => void,
  ) => void,
  headers: Record<string, string | string[]> = {},
) {
  const [near, far] = await connection();
  const served = serveGrpc(near, new Map([['/it', handler]]));
  const client = connectHttp2('http://localhost', { createConnection: () => far });
  const stream = client.request({ ':method': 'POST', ':path': '/it', ...headers });
  let rest = Buffer.alloc(0);
  let listener = (_: Buffer) => {};
  stream.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk]);
    while (rest.length >= 5 && rest.length >= 5 + rest.readUInt32BE(1)) {
      const end = 5 + rest.readUInt32BE(1);
      const message = rest.subarray(5, end);
      rest = rest.subarray(end);
      listener(message);
    }
  });
  const ended = new Promise<{ status: unknown; message: unknown }>((resolve, reject) => {
    stream.once('error', reject);
    stream.once('trailers', (found) =>
      resolve({ status: found['grpc-status'], message: found['grpc-message'] }),
    );
  });
  talk(
    (message) => stream.write(framed(message)),
    (next) => {
      listener = next;
    },
  );
  try {
    return await ended;
  } finally {
    client.destroy();
    served.close();
  }
}

/** What a builder has that asks for all files, or those that `wanted` says. */
async function received(
  files: Parameters<typeof sendFiles>[1],
  wanted: (stat: Stat) => boolean = () => true,
) {
  const stats: Stat[] = [];
  const contents = new Map<string, Buffer[]>();
  const open = new Set<number>();
  let listed = false;
  let fin = false;
  const ended = await call(
    async (grpc) => {
      await sendFiles(grpc, files);
      return GRPC_OK;
    },
    (say, onMessage) => {
      const send = (packet: object) => say(Packet.encode(Packet.fromObject(packet)).finish());
      const endAsSoonAsAllIsThere = () => {
        if (listed && open.size === 0) send({ type: 3 });
      };
      onMessage((message) => {
        const { type, stat, ID, data } = Packet.toObject(Packet.decode(message), {
          defaults: true,
          longs: String,
          bytes: Buffer,
        });
        if (type === 3) fin = true;
        else if (type === 2) {
          const { path } = stats[ID] ?? { path: '' };
          if (data.length > 0) contents.get(path)?.push(Buffer.from(data));
          else if (open.delete(ID)) endAsSoonAsAllIsThere();
        } else if (stat === null) {
          listed = true;
          endAsSoonAsAllIsThere();
        } else {
          const id = stats.push(stat) - 1;
          const isFile = (stat.mode & 0o777) === stat.mode;
          if (!isFile || !wanted(stat)) return;
          contents.set(stat.path, []);
          open.add(id);
          send({ type: 1, ID: id });
        }
      });
    },
  );
  return {
    ended,
    fin,
    stats,
    contents: new Map([...contents].map(([path, parts]) => [path, Buffer.concat(parts)])),
  };
}

test('a file whose name is no UTF-8 is named, unless it is left out', async () => {
  await writeFile(Buffer.concat([Buffer.from(join(folder, 'caf')), Uint8Array.of(0xe9)]), '');
  expect(() => [...contextFiles(folder, IgnoreRules.none)]).toThrow(
    'the name of "caf\ufffd" in the source is no UTF-8',
  );
  const read = IgnoreRules.read('caf?');
  expect(read.ok && [...contextFiles(folder, read.value)]).toEqual([]);
});

test('what there is comes in order, and each file to its last byte', async () => {
  const sizes = [0, 1, 65_535, 65_536, 65_537, 262_100, 262_144, 3_000_000];
  const files = new Map(sizes.map((size) => [`of-${size}`, randomBytes(size)]));
  for (let at = 0; at < 2_000; at++) files.set(`many/${at}`, randomBytes(at % 300));
  await mkdir(join(folder, 'many'));
  for (const [path, bytes] of files) await writeFile(join(folder, path), bytes);
  const { ended, fin, stats, contents } = await received(contextFiles(folder, IgnoreRules.none));
  expect(ended).toMatchObject({ status: '0' });
  expect(fin).toBe(true);
  expect(stats.map(({ path }) => path)).toEqual(['many', ...files.keys()].sort());
  expect(contents.size).toBe(files.size);
  for (const [path, bytes] of files) expect(contents.get(path)?.equals(bytes), path).toBe(true);
});

test('only what is asked for is sent', async () => {
  await writeFile(join(folder, 'known'), 'from the last build');
  await writeFile(join(folder, 'new'), 'not yet');
  const { stats, contents } = await received(
    contextFiles(folder, IgnoreRules.none),
    ({ path }) => path === 'new',
  );
  expect(stats.map(({ path }) => path)).toEqual(['known', 'new']);
  expect([...contents]).toEqual([['new', Buffer.from('not yet')]]);
});

test('a file is told of as it is, and is root’s', async () => {
  const name = `ü😀,${'n'.repeat(200)}`;
  await writeFile(join(folder, name), 'abc');
  await chmod(join(folder, name), 0o4751);
  await utimes(join(folder, name), 1_700_000_000, 1_700_000_000.25);
  await writeFile(join(folder, 'old'), '');
  await chmod(join(folder, 'old'), 0o600);
  await utimes(join(folder, 'old'), new Date(0), new Date(-1_500));
  await symlink('nowhere/ü', join(folder, 'link'));
  await mkdir(join(folder, 'sticky'));
  await chmod(join(folder, 'sticky'), 0o1777);
  const { stats } = await received(contextFiles(folder, IgnoreRules.none), () => false);
  const of = (path: string) => stats.find((stat) => stat.path === path);
  const common = { uid: 0, gid: 0 };
  expect(of(name)).toEqual({
    ...common,
    path: name,
    mode: 2 ** 23 + 0o751,
    size: '3',
    modTime: '1700000000250000000',
    linkname: '',
  });
  expect(of('old')).toMatchObject({ mode: 0o600, size: '0', modTime: '-1500000000' });
  expect(of('link')).toMatchObject({ mode: 2 ** 27 + 0o777, linkname: 'nowhere/ü', size: '0' });
  expect(of('sticky')).toMatchObject({ mode: 2 ** 31 + 2 ** 20 + 0o777 });
});

test('a file that has grown since it was listed comes as it is now', async () => {
  await writeFile(join(folder, 'grows'), 'x'.repeat(10));
  const { contents } = await received(contextFiles(folder, IgnoreRules.none), ({ path }) => {
    appendFileSync(join(folder, path), 'y'.repeat(100_000));
    return true;
  });
  expect(contents.get('grows')?.toString()).toBe('x'.repeat(10) + 'y'.repeat(100_000));
});

test('a file that is gone when it is asked for ends the transfer with the reason', async () => {
  const { ended } = await received([
    textFile('there', 'text'),
    { ...textFile('gone', ''), source: { path: join(folder, 'gone') } },
  ]);
  expect(ended.status).toBe('13');
  expect(decodeURIComponent(String(ended.message))).toContain('ENOENT');
});

test('a method that is not there is said to be', async () => {
  const ended = await call(
    async () => GRPC_OK,
    () => {},
    { ':path': '/other' },
  );
  expect(ended).toMatchObject({ status: '12' });
});

test('a header of many values stays a list, whatever is in them', async () => {
  const values = Array.from({ length: 500 }, (_, at) => `a,${at}, b`);
  let heard: string[] = [];
  await call(
    async (grpc) => {
      heard = grpc.header('exclude-patterns');
      return GRPC_OK;
    },
    () => {},
    { 'exclude-patterns': values },
  );
  expect(heard).toEqual(values);
});
