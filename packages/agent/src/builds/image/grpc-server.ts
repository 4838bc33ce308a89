import { performServerHandshake, type ServerHttp2Stream } from 'node:http2';
import type { Duplex } from 'node:stream';

/** How a call ended, as gRPC's own numbers have it. */
export interface GrpcStatus {
  code: number;
  message: string;
}

export const GRPC_OK: GrpcStatus = { code: 0, message: '' };
export const GRPC_CODE = { notFound: 5, unimplemented: 12, internal: 13, unavailable: 14 } as const;

/** Before each message: whether it is compressed, and its length. */
export const GRPC_HEAD_BYTES = 5;
/** What is larger is no message of BuildKit's. */
const MAX_MESSAGE_BYTES = 16 * 1024 * 1024;

export const GIVEN_UP = 'the builder gave the transfer up';

/** One call from the other end. */
export interface GrpcCall {
  /** The values of a header, in their order. */
  header(name: string): string[];
  /**
   * Hands on each message as it comes, until all have come. Where `onMessage` returns a promise, the next one waits for
   * it. Rejects where the call was given up.
   */
  read(onMessage: (message: Buffer) => void | Promise<void>): Promise<void>;
  /** Sends bytes that are whole messages, each with its head. `written` is called when the bytes may be used again. */
  send(frames: Uint8Array, written?: () => void): void;
  /** Whether the other end waits for nothing more. */
  readonly gone: boolean;
}

/** Does what a call asks for, and says how it ended. */
export type GrpcHandler = (call: GrpcCall) => Promise<GrpcStatus>;

/**
 * Answers gRPC on a connection that is there already: as much of it as BuildKit speaks. The library for it makes several
 * objects and promises of each message, and a write of its own: a context of some thousand files spent its time there.
 */
export function serveGrpc(socket: Duplex, handlers: ReadonlyMap<string, GrpcHandler>): { close(): void } {
  // An ignore file's patterns are a header each.
  const session = performServerHandshake(socket, { maxHeaderListPairs: 100_000 });
  // The end of the connection is heard of where it matters: in the build's own answer.
  session.on('error', () => undefined);
  session.on('stream', (stream, headers, _, rawHeaders) => {
    stream.on('error', () => undefined);
    const handler = handlers.get(headers[':path'] ?? '');
    const answered =
      handler === undefined
        ? Promise.resolve({ code: GRPC_CODE.unimplemented, message: 'this is not offered' })
        : handler(callOf(stream, rawHeaders));
    stream.respond({ ':status': 200, 'content-type': 'application/grpc' }, { waitForTrailers: true });
    answered
      .catch((error: unknown) => ({
        code: GRPC_CODE.internal,
        message: error instanceof Error ? error.message : String(error),
      }))
      .then(({ code, message }) => {
        if (stream.destroyed || stream.closed) return;
        stream.once('wantTrailers', () =>
          stream.sendTrailers({ 'grpc-status': String(code), 'grpc-message': encodeURIComponent(message) }),
        );
        stream.end();
      });
  });
  return { close: () => session.destroy() };
}

/** A message with its head. */
export function framed(message: Uint8Array): Buffer {
  const frame = Buffer.allocUnsafe(GRPC_HEAD_BYTES + message.length);
  writeHead(frame, 0, message.length);
  frame.set(message, GRPC_HEAD_BYTES);
  return frame;
}

/** Writes the head of a message of so many bytes. */
export function writeHead(frames: Buffer, at: number, length: number): void {
  frames[at] = 0;
  frames.writeUInt32BE(length, at + 1);
}

function callOf(stream: ServerHttp2Stream, rawHeaders: readonly string[]): GrpcCall {
  return {
    header: (name) =>
      rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === name),
    read: (onMessage) => readMessages(stream, onMessage),
    send(frames, written) {
      stream.write(frames, () => written?.());
    },
    get gone() {
      return stream.destroyed || stream.closed || stream.aborted;
    },
  };
}

function readMessages(
  stream: ServerHttp2Stream,
  onMessage: (message: Buffer) => void | Promise<void>,
): Promise<void> {
  const done = Promise.withResolvers<void>();
  let rest: Buffer = Buffer.alloc(0);
  const take = (chunk: Buffer) => {
    let bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
    while (bytes.length >= GRPC_HEAD_BYTES) {
      const end = GRPC_HEAD_BYTES + bytes.readUInt32BE(1);
      if (bytes[0] !== 0) throw new Error('a message is compressed');
      if (end > MAX_MESSAGE_BYTES) throw new Error('a message is too large');
      if (bytes.length < end) break;
      const waits = onMessage(bytes.subarray(GRPC_HEAD_BYTES, end));
      bytes = bytes.subarray(end);
      if (waits === undefined) continue;
      stream.pause();
      waits.then(
        () => {
          take(Buffer.alloc(0));
          stream.resume();
        },
        (error: unknown) => done.reject(error),
      );
      break;
    }
    rest = bytes;
  };
  stream.on('data', (chunk: Buffer) => {
    try {
      take(chunk);
    } catch (error) {
      done.reject(error);
    }
  });
  stream.once('end', () => done.resolve());
  // After its end it is no news.
  stream.once('aborted', () => done.reject(new Error(GIVEN_UP)));
  stream.once('close', () => done.reject(new Error(GIVEN_UP)));
  return done.promise;
}
