/** How many that have not shown a token yet are heard. */
export interface PendingLimits {
  all: number;
  perPeer: number;
  /** As long one may take for its whole request, in milliseconds. */
  timeMs: number;
}

export const PENDING_LIMITS: PendingLimits = { all: 256, perPeer: 16, timeMs: 10_000 };

interface Waiting {
  peer: string;
  drop(): void;
  timer: NodeJS.Timeout;
}

/**
 * Connections that have not been let in. There are only so many, and each has only so long. The oldest goes where there are
 * too many, of the same peer first: an honest one says all it has to say at once, and one that waits is none.
 */
export class Pending {
  readonly #limits: PendingLimits;
  readonly #waiting = new Map<string, Waiting>();

  constructor(limits: PendingLimits = PENDING_LIMITS) {
    this.#limits = limits;
  }

  get size(): number {
    return this.#waiting.size;
  }

  /** `id` is the connection's, `peer` whose it is; `drop` is called where it has to go. */
  add(id: string, peer: string, drop: () => void): void {
    const { all, perPeer, timeMs } = this.#limits;
    const own = [...this.#waiting].filter(([, waiting]) => waiting.peer === peer);
    const [oldestOwn] = own.length >= perPeer ? own : [];
    const [oldest] = this.#waiting.size >= all ? this.#waiting : [];
    const goes = oldestOwn ?? oldest;
    if (goes !== undefined) this.#drop(goes[0]);
    this.#waiting.set(id, { peer, drop, timer: setTimeout(() => this.#drop(id), timeMs) });
  }

  /** It was let in, or it is gone. */
  done(id: string): void {
    clearTimeout(this.#waiting.get(id)?.timer);
    this.#waiting.delete(id);
  }

  #drop(id: string): void {
    const waiting = this.#waiting.get(id);
    this.done(id);
    waiting?.drop();
  }
}
