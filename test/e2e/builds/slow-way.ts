import { createServer, type Socket } from 'node:net';
import { farEndOf } from '../relay.ts';

/** A way to an agent on which one kind of call can be held up, so that what a screen decided gets old on it. */
export interface SlowWay {
  /** Its Unix socket, for the map file. */
  socket: string;
  /** From now on calls of this name wait, for as long as it takes: what else their connections send goes on, signs of life among it. */
  hold(call: string): void;
  /** Fulfilled when so many wait. */
  held(count: number): Promise<void>;
  /** Lets the first of them go. */
  release(): void;
  close(): Promise<void>;
}

export async function openSlowWay(socket: string, agentSocket: string): Promise<SlowWay> {
  let held: string | undefined;
  const waiting: (() => void)[] = [];
  let changed = Promise.withResolvers<void>();
  const open = new Set<Socket>();
  const server = createServer((near) => {
    const far = farEndOf(near, agentSocket, open);
    far.pipe(near);
    const frames = new Frames();
    near.on('data', (chunk) => {
      for (const { bytes, text } of frames.add(chunk)) {
        if (held === undefined || !text.includes(`"path":"${held}"`)) {
          far.write(bytes);
          continue;
        }
        waiting.push(() => far.write(bytes));
        changed.resolve();
        changed = Promise.withResolvers();
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(socket, resolve));
  return {
    socket,
    hold(call) {
      held = call;
    },
    async held(count) {
      while (waiting.length < count) await changed.promise;
    },
    release: () => waiting.shift()?.(),
    async close() {
      for (const go of waiting) go();
      for (const end of open) end.destroy();
      await new Promise<void>((resolve) => server.close(() => resolve()));
    },
  };
}

/** What a WebSocket's client sends (RFC 6455), cut into its request and its frames, with what is written in each. */
class Frames {
  #rest = Buffer.alloc(0);
  #upgraded = false;

  add(chunk: Uint8Array): { bytes: Buffer; text: string }[] {
    this.#rest = Buffer.concat([this.#rest, chunk]);
    const found: { bytes: Buffer; text: string }[] = [];
    for (let size = this.#size(); size !== undefined && size <= this.#rest.length; size = this.#size()) {
      const bytes = this.#rest.subarray(0, size);
      found.push({ bytes, text: this.#upgraded ? unmasked(bytes) : '' });
      this.#upgraded = true;
      this.#rest = this.#rest.subarray(size);
    }
    return found;
  }

  /** Of what comes first; undefined where that can't be seen yet. */
  #size(): number | undefined {
    if (!this.#upgraded) {
      const end = this.#rest.indexOf('\r\n\r\n');
      return end < 0 ? undefined : end + 4;
    }
    if (this.#rest.length < 14) return this.#short();
    return headOf(this.#rest) + lengthOf(this.#rest);
  }

  /** A frame that is shorter than the longest head. */
  #short(): number | undefined {
    const length = (this.#rest[1] ?? 0x7f) & 0x7f;
    return this.#rest.length < 6 || length > 8 ? undefined : 6 + length;
  }
}

function headOf(frame: Buffer): number {
  const length = frame.readUInt8(1) & 0x7f;
  return length === 127 ? 14 : length === 126 ? 8 : 6;
}

function lengthOf(frame: Buffer): number {
  const length = frame.readUInt8(1) & 0x7f;
  if (length === 127) return Number(frame.readBigUInt64BE(2));
  return length === 126 ? frame.readUInt16BE(2) : length;
}

function unmasked(frame: Buffer): string {
  const head = headOf(frame);
  const mask = frame.subarray(head - 4, head);
  return Buffer.from(frame.subarray(head).map((byte, at) => byte ^ (mask[at % 4] ?? 0))).toString();
}
