import type { Socket } from 'node:net';
import { WebSocket } from 'ws';

/** So much may be on its way at first, at least and at most. */
const FIRST_BYTES = 128 * 1024;
const LEAST_BYTES = 64 * 1024;
const MOST_BYTES = 4 * 1024 * 1024;
/** What arrives sooner than this could have been more, and what arrives later was too much. */
const SOON_MS = 700;
const LATE_MS = 1_500;
/** So much of what may be on its way is enough to tell from it. */
const MUCH = 0.75;

/** A WebSocket, as far as it is asked here. */
interface Client {
  readonly readyState: number;
  ping(data: string): void;
  on(event: 'pong', listener: (data: Buffer) => void): unknown;
  on(event: 'close', listener: () => void): unknown;
}

/**
 * How much is on its way to one client, as the client itself says: pings among what is sent come back when all before them
 * was taken. The system takes megabytes for a line, whatever that carries: with a log that has them on one of 64 kB/s, all else
 * that a dashboard shows and asks came more than a minute later.
 */
export class Flow {
  readonly #client: Client;
  readonly #socket: Pick<Socket, 'bytesWritten'>;
  readonly #now: () => number;
  readonly #waiting = new Set<() => void>();
  /** Of the pings that are on their way: what was sent before each, how much of it was on its way, and when. */
  #asked: { upTo: number; onItsWay: number; at: number }[] = [];
  #taken: number;
  #most = FIRST_BYTES;
  /** What was sent when `#most` was changed last: how long that took tells nothing of what may be on its way since. */
  #changedAt = 0;

  constructor(
    client: Client,
    socket: Pick<Socket, 'bytesWritten'>,
    now: () => number = () => performance.now(),
  ) {
    this.#client = client;
    this.#socket = socket;
    this.#now = now;
    this.#taken = this.#sent;
    client.on('pong', (data: Buffer) => this.#answered(Number(data.toString('latin1'))));
    client.on('close', () => this.#wake());
  }

  /** Whether there is as much on its way as may be. To be asked after each part of a stream. */
  get full(): boolean {
    if (this.#client.readyState !== WebSocket.OPEN) return false;
    const upTo = this.#sent;
    if (upTo - (this.#asked.at(-1)?.upTo ?? this.#taken) >= this.#most / 4) {
      this.#asked.push({ upTo, onItsWay: upTo - this.#taken, at: this.#now() });
      this.#client.ping(String(upTo));
    }
    return upTo - this.#taken > this.#most;
  }

  /** Fulfilled when some of it was taken, or there is nobody any more to take it, or with `signal`. */
  moves(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.#waiting.delete(done);
        signal.removeEventListener('abort', done);
        resolve();
      };
      this.#waiting.add(done);
      signal.addEventListener('abort', done, { once: true });
      if (signal.aborted) done();
    });
  }

  /** With all that waits here to be sent. */
  get #sent(): number {
    return this.#socket.bytesWritten;
  }

  #answered(upTo: number): void {
    // A client that has several to answer at once answers the last.
    const asked = this.#asked.find((each) => each.upTo === upTo);
    if (asked === undefined) return;
    this.#asked = this.#asked.filter((each) => each.upTo > upTo);
    this.#taken = upTo;
    const took = this.#now() - asked.at;
    if (upTo > this.#changedAt) {
      // Less than what may be on its way says little of how long that takes.
      if (took < SOON_MS && asked.onItsWay >= this.#most * MUCH) this.#change(this.#most * 2);
      else if (took > LATE_MS) this.#change(this.#most / 2);
    }
    this.#wake();
  }

  #change(most: number): void {
    this.#most = Math.min(Math.max(most, LEAST_BYTES), MOST_BYTES);
    this.#changedAt = this.#sent;
  }

  #wake(): void {
    for (const done of [...this.#waiting]) done();
  }
}
