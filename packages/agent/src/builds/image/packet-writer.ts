import type { ContextFile } from './context-files.ts';
import { GIVEN_UP, GRPC_HEAD_BYTES, type GrpcCall, writeHead } from './grpc-server.ts';

/** So much goes to the connection at once. */
const BUFFER_BYTES = 256 * 1024;
/** So many of these may be on their way: while one is read from the disk, others are written. */
const MOST_BUFFERS = 4;

/** Numbers of `Packet.type`. */
const DATA = 2;
const FIN = 3;
/** Tags of the fields of `Packet` and `Stat`: the field's number, and 0 for a number, 2 for bytes. */
const PACKET = { type: 0x08, stat: 0x12, id: 0x18, data: 0x22 };
const STAT = { path: 0x0a, mode: 0x10, size: 0x28, modified: 0x30, target: 0x3a };

/** Numbers that are known only later take as many bytes, whatever they are. */
const WIDE_BYTES = 5;
/** All before the contents in a packet of them. */
const DATA_HEAD_BYTES = GRPC_HEAD_BYTES + 2 + 2 * (1 + WIDE_BYTES);
/** All of a packet about a file but its names. */
const STAT_BYTES = 64;

/** Go's `os.FileMode` has its own bits for these. */
const GO_MODE = { folder: 2 ** 31, link: 2 ** 27, file: 0 };
const GO_SETUID = 2 ** 23;
const GO_SETGID = 2 ** 22;
const GO_STICKY = 2 ** 20;

/**
 * Writes BuildKit's packets about files into large buffers, many of them into one: a packet costs no object, no promise
 * and no write of its own. What does not fit any more is preceded by a `flush`.
 */
export class PacketWriter {
  readonly #call: GrpcCall;
  readonly #free: Buffer[] = [];
  #buffer: Buffer = Buffer.allocUnsafeSlow(BUFFER_BYTES);
  #length = 0;
  #onTheirWay = 0;
  #written = Promise.withResolvers<void>();

  constructor(call: GrpcCall) {
    this.#call = call;
  }

  /** What there is: one file, folder or link. `uid` and `gid` are root's, which is 0, and left out. */
  async stat(file: ContextFile): Promise<void> {
    const most = STAT_BYTES + 3 * (file.path.length + file.target.length);
    if (most > BUFFER_BYTES - this.#length) await this.flush();
    if (most > BUFFER_BYTES) throw new Error(`the path "${file.path.slice(0, 100)}…" is too long`);
    const start = this.#length;
    const buffer = this.#buffer;
    buffer[start + GRPC_HEAD_BYTES] = PACKET.stat;
    const body = start + GRPC_HEAD_BYTES + 1 + WIDE_BYTES;
    let at = writeText(buffer, body, STAT.path, file.path);
    buffer[at++] = STAT.mode;
    at = writeNumber(buffer, at, goMode(file));
    if (file.size > 0) {
      buffer[at++] = STAT.size;
      at = writeNumber(buffer, at, file.size);
    }
    buffer[at++] = STAT.modified;
    at = writeBig(buffer, at, file.modified);
    at = writeText(buffer, at, STAT.target, file.target);
    writeWide(buffer, start + GRPC_HEAD_BYTES + 1, at - body);
    writeHead(buffer, start, at - start - GRPC_HEAD_BYTES);
    this.#length = at;
  }

  /** The end of the list of files: a packet about none. */
  async endOfStats(): Promise<void> {
    await this.#small([]);
  }

  /** The end of all. */
  async fin(): Promise<void> {
    await this.#small([PACKET.type, FIN]);
    await this.flush();
  }

  /**
   * Where contents of a file may be put, all that fits; `wanted` bytes at least, or as much as a buffer takes. Nothing
   * else is written between this and `commit`.
   */
  async room(wanted: number): Promise<Buffer> {
    const most = BUFFER_BYTES - DATA_HEAD_BYTES;
    if (BUFFER_BYTES - this.#length - DATA_HEAD_BYTES < Math.min(wanted, most)) await this.flush();
    return this.#buffer.subarray(this.#length + DATA_HEAD_BYTES);
  }

  /** What was put there is of the file with this number; nothing: the file is over. */
  commit(id: number, bytes: number): void {
    const buffer = this.#buffer;
    let at = this.#length + GRPC_HEAD_BYTES;
    buffer[at++] = PACKET.type;
    buffer[at++] = DATA;
    buffer[at++] = PACKET.id;
    at = writeWide(buffer, at, id);
    buffer[at++] = PACKET.data;
    at = writeWide(buffer, at, bytes) + bytes;
    writeHead(buffer, this.#length, at - this.#length - GRPC_HEAD_BYTES);
    this.#length = at;
  }

  /** Sends what there is, and returns once there may be more. Rejects where nobody waits for it any more. */
  async flush(): Promise<void> {
    if (this.#length > 0) {
      const buffer = this.#buffer;
      this.#onTheirWay++;
      this.#call.send(buffer.subarray(0, this.#length), () => {
        this.#onTheirWay--;
        this.#free.push(buffer);
        this.#written.resolve();
        this.#written = Promise.withResolvers();
      });
      this.#buffer = this.#free.pop() ?? Buffer.allocUnsafeSlow(BUFFER_BYTES);
      this.#length = 0;
    }
    while (this.#onTheirWay >= MOST_BUFFERS && !this.#call.gone) await this.#written.promise;
    if (this.#call.gone) throw new Error(GIVEN_UP);
  }

  async #small(message: readonly number[]): Promise<void> {
    if (GRPC_HEAD_BYTES + message.length > BUFFER_BYTES - this.#length) await this.flush();
    writeHead(this.#buffer, this.#length, message.length);
    this.#buffer.set(message, this.#length + GRPC_HEAD_BYTES);
    this.#length += GRPC_HEAD_BYTES + message.length;
  }
}

function goMode({ mode, kind }: ContextFile): number {
  const special =
    (mode & 0o4000 ? GO_SETUID : 0) + (mode & 0o2000 ? GO_SETGID : 0) + (mode & 0o1000 ? GO_STICKY : 0);
  return (mode & 0o777) + special + GO_MODE[kind];
}

/** A field of text; an empty one is left out. Returns where it ends, as the others do. */
function writeText(buffer: Buffer, at: number, tag: number, text: string): number {
  if (text === '') return at;
  buffer[at] = tag;
  const start = at + 1 + WIDE_BYTES;
  const length = buffer.write(text, start);
  writeWide(buffer, at + 1, length);
  return start + length;
}

/** Seven bits a byte, the lowest first; all but the last have the eighth set. */
function writeNumber(buffer: Buffer, start: number, value: number): number {
  let at = start;
  let rest = value;
  while (rest >= 0x80) {
    buffer[at++] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at++] = rest;
  return at;
}

function writeBig(buffer: Buffer, start: number, value: bigint): number {
  let at = start;
  // One below zero, before 1970, has all 64 bits.
  let rest = BigInt.asUintN(64, value);
  while (rest >= 0x80n) {
    buffer[at++] = Number(rest & 0x7fn) | 0x80;
    rest >>= 7n;
  }
  buffer[at++] = Number(rest);
  return at;
}

/** The same, with zeros in front: a reader takes it for the number all the same. */
function writeWide(buffer: Buffer, at: number, value: number): number {
  let rest = value;
  for (let byte = 0; byte < WIDE_BYTES - 1; byte++) {
    buffer[at + byte] = (rest % 0x80) | 0x80;
    rest = Math.floor(rest / 0x80);
  }
  buffer[at + WIDE_BYTES - 1] = rest;
  return at + WIDE_BYTES;
}
