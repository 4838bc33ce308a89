import { closeSync, openSync, readSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { decodePacket, PACKET } from './buildkit-protocol.ts';
import { type ContextFile, OPEN_FLAGS } from './context-files.ts';
import type { GrpcCall } from './grpc-server.ts';
import { PacketWriter } from './packet-writer.ts';

/** A file of no more is read at once: to ask for it and to be told would take longer than the reading. */
const SMALL_BYTES = 64 * 1024;
/** So long may be looked at and read without a turn for anything else. */
const SLICE_MS = 5;

/**
 * Sends files as BuildKit's `DiffCopy` wants them: first what there is, in order, then the contents of those that it
 * asks for by their number in that order. It has the others from the last build. It asks as soon as it knows of a file,
 * and is given it while the rest of the list goes on.
 */
export async function sendFiles(call: GrpcCall, files: Iterable<ContextFile>): Promise<void> {
  const sending = new FileSender(call);
  call
    .read((message) => sending.take(message))
    .then(
      () => sending.end(),
      (error: unknown) => sending.fail(error),
    );
  // The builder ends its side only when this one has ended.
  await sending.send(files);
}

class FileSender {
  readonly #writer: PacketWriter;
  readonly #listed: ContextFile[] = [];
  readonly #asked: number[] = [];
  #sent = 0;
  #finished = false;
  #failure: { error: unknown } | undefined;
  #news = Promise.withResolvers<void>();
  #sliceEnds = 0;

  constructor(call: GrpcCall) {
    this.#writer = new PacketWriter(call);
  }

  take(message: Buffer): void {
    const { type, ID = 0, data = [] } = decodePacket(message);
    if (type === PACKET.request) this.#asked.push(ID);
    else if (type === PACKET.fin) this.#finished = true;
    else if (type === PACKET.error) this.fail(new Error(Buffer.from(data).toString('utf8')));
    this.#news.resolve();
  }

  end(): void {
    this.#finished = true;
    this.#news.resolve();
  }

  fail(error: unknown): void {
    this.#failure ??= { error };
    this.#news.resolve();
  }

  async send(files: Iterable<ContextFile>): Promise<void> {
    this.#sliceEnds = performance.now() + SLICE_MS;
    for (const file of files) {
      this.#listed.push(file);
      await this.#writer.stat(file);
      if (performance.now() > this.#sliceEnds) await this.#sendAsked();
    }
    await this.#writer.endOfStats();
    await this.#turn();
    for (;;) {
      await this.#sendAsked();
      if (this.#sent < this.#asked.length) continue;
      if (this.#finished) break;
      await this.#writer.flush();
      await this.#news.promise;
      this.#news = Promise.withResolvers();
      this.#check();
    }
    await this.#writer.fin();
  }

  /** All that is asked for by now. */
  async #sendAsked(): Promise<void> {
    await this.#turn();
    while (this.#sent < this.#asked.length) {
      const id = this.#asked[this.#sent++] ?? -1;
      const file = this.#listed[id];
      if (file === undefined) throw new Error(`the builder asked for a file that there is not (${id})`);
      await this.#sendContent(id, file);
      if (performance.now() > this.#sliceEnds) await this.#turn();
    }
  }

  /** Lets go of what is written so far, and all others have a turn. */
  async #turn(): Promise<void> {
    await this.#writer.flush();
    await new Promise((resolve) => setImmediate(resolve));
    this.#check();
    this.#sliceEnds = performance.now() + SLICE_MS;
  }

  #check(): void {
    if (this.#failure !== undefined) throw this.#failure.error;
  }

  async #sendContent(id: number, { source, size }: ContextFile): Promise<void> {
    if ('bytes' in source) await this.#sendBytes(id, source.bytes);
    else if (size <= SMALL_BYTES) await this.#sendSmall(id, source.path);
    else await this.#sendLarge(id, source.path);
    await this.#writer.room(0);
    // Nothing more of this one.
    this.#writer.commit(id, 0);
  }

  async #sendBytes(id: number, bytes: Uint8Array): Promise<void> {
    for (let at = 0; at < bytes.length; ) {
      const room = await this.#writer.room(1);
      const part = bytes.subarray(at, at + room.length);
      room.set(part);
      this.#writer.commit(id, part.length);
      at += part.length;
    }
  }

  async #sendSmall(id: number, path: string): Promise<void> {
    const file = openSync(path, OPEN_FLAGS);
    try {
      for (;;) {
        // It may have grown since it was looked at.
        const room = await this.#writer.room(SMALL_BYTES + 1);
        const bytes = readSync(file, room);
        if (bytes > 0) this.#writer.commit(id, bytes);
        if (bytes < room.length) return;
      }
    } finally {
      closeSync(file);
    }
  }

  async #sendLarge(id: number, path: string): Promise<void> {
    const file = await open(path, OPEN_FLAGS);
    try {
      for (;;) {
        const room = await this.#writer.room(Number.POSITIVE_INFINITY);
        const { bytesRead } = await file.read(room);
        this.#check();
        if (bytesRead > 0) this.#writer.commit(id, bytesRead);
        if (bytesRead < room.length) return;
      }
    } finally {
      await file.close();
    }
  }
}
