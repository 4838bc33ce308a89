import { isIPv6 } from 'node:net';

/** How many failed tries are taken; times in milliseconds. */
export interface TryLimits {
  /** Of one address within `windowMs`. */
  perPeer: number;
  /** Of all addresses within `windowMs`. */
  overall: number;
  windowMs: number;
  /** How many are remembered: of the addresses that failed, of those that were let in, and of the tokens that they came with. */
  peers: number;
}

const TRY_LIMITS: TryLimits = { perPeer: 10, overall: 300, windowMs: 60_000, peers: 1_000 };

interface Count {
  failed: number;
  since: number;
}

/**
 * Who has to wait before the next try. An address that failed too often waits, whatever it comes with but a token that it
 * came with before: many may be behind one address, and one of them must not lock out the others. Where all addresses
 * together failed too often, those wait that were never let in: strangers can't lock out who is known. What is remembered
 * is bounded, however many addresses come.
 */
export class FailedTries {
  readonly #limits: TryLimits;
  readonly #peers = new Map<string, Count>();
  readonly #known = new Set<string>();
  /** Of an address and the hash of a token that it was let in with. */
  readonly #pairs = new Set<string>();
  #all: Count = { failed: 0, since: 0 };

  constructor(limits: TryLimits = TRY_LIMITS) {
    this.#limits = limits;
  }

  /** How long this address has to wait, in milliseconds; 0 where it may try. `hash` is that of the token that it comes with. */
  waitMs(peer: string, now: number, hash?: string): number {
    if (this.#pairs.has(`${peer} ${hash}`)) return 0;
    const { perPeer, overall } = this.#limits;
    const own = this.#left(this.#peers.get(peer), perPeer, now);
    return this.#known.has(peer) ? own : Math.max(own, this.#left(this.#all, overall, now));
  }

  failed(peer: string, now: number): void {
    this.#all = this.#counted(this.#all, now);
    const count = this.#counted(this.#peers.get(peer), now);
    // The last one in the order of the map is the one that failed last.
    this.#peers.delete(peer);
    this.#peers.set(peer, count);
    forgetFirst(this.#peers, this.#limits.peers);
  }

  letIn(peer: string, hash: string): void {
    this.#remember(this.#known, peer);
    this.#remember(this.#pairs, `${peer} ${hash}`);
  }

  /** How many are remembered. */
  get size(): number {
    return this.#peers.size + this.#known.size + this.#pairs.size;
  }

  #remember(list: Set<string>, one: string): void {
    list.delete(one);
    list.add(one);
    forgetFirst(list, this.#limits.peers);
  }

  #counted(count: Count | undefined, now: number): Count {
    return count === undefined || now - count.since >= this.#limits.windowMs
      ? { failed: 1, since: now }
      : { failed: count.failed + 1, since: count.since };
  }

  #left(count: Count | undefined, most: number, now: number): number {
    if (count === undefined || count.failed < most) return 0;
    return Math.max(0, count.since + this.#limits.windowMs - now);
  }
}

function forgetFirst(list: Map<string, unknown> | Set<string>, most: number): void {
  for (const first of list.keys()) {
    if (list.size <= most) return;
    list.delete(first);
  }
}

/** What one peer is: an IPv4 address, or the 64 bits of an IPv6 one that its owner does not choose. */
export function peerOf(address: string | undefined): string {
  if (address === undefined) return 'unknown';
  const [, mapped] = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(address) ?? [];
  if (mapped !== undefined) return mapped;
  if (!isIPv6(address)) return address;
  const [head = '', tail] = (address.split('%')[0] ?? '').split('::');
  const first = head === '' ? [] : head.split(':');
  const last = tail === undefined || tail === '' ? [] : tail.split(':');
  const gap = tail === undefined ? [] : Array<string>(Math.max(0, 8 - first.length - last.length)).fill('0');
  return `${[...first, ...gap, ...last].slice(0, 4).join(':')}::/64`;
}
