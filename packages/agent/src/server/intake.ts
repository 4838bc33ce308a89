import type { Socket } from 'node:net';
import type { WebSocket } from 'ws';

/** So many questions of one connection are worked on at a time: a dashboard that opens a map has some ten. */
const MAX_OPEN = 64;

/** Of answers that a client does not take; what its streams may have waiting besides is a part of it. */
const MAX_UNTAKEN_BYTES = 2 * 1024 * 1024;

/**
 * What one client may ask for at a time. One that asks faster than it is answered, or takes no answers, is not read from
 * until that is over: its questions wait at its own end, and not in the agent's memory.
 */
export class Intake {
  readonly #client: Pick<WebSocket, 'bufferedAmount' | 'pause' | 'resume'>;
  readonly #waiting: (() => void)[] = [];
  #open = 0;
  #held = false;

  constructor(
    client: Pick<WebSocket, 'bufferedAmount' | 'pause' | 'resume' | 'on'>,
    socket: Pick<Socket, 'on'>,
  ) {
    this.#client = client;
    client.on('message', () => this.#look());
    // A socket that has this much waiting tells when all of it is gone.
    socket.on('drain', () => this.#look());
  }

  /** Does it once it is its turn: some more have come with the one that was too many. */
  async run<T>(work: () => Promise<T>): Promise<T> {
    if (this.#open < MAX_OPEN) this.#open += 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
    this.#look();
    try {
      return await work();
    } finally {
      const next = this.#waiting.shift();
      if (next === undefined) this.#open -= 1;
      else next();
      this.#look();
    }
  }

  #look(): void {
    const full = this.#open >= MAX_OPEN || this.#client.bufferedAmount > MAX_UNTAKEN_BYTES;
    if (full === this.#held) return;
    this.#held = full;
    if (full) this.#client.pause();
    else this.#client.resume();
  }
}
