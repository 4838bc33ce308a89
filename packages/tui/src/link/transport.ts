import type { Duplex } from 'node:stream';
import type { Result } from '@towline/core/result';
import type { Backoff } from './backoff.ts';

/** A way to an agent, over which a link talks to it. It is opened anew for every try. */
export interface Transport {
  /** Where it ends, for people: `/run/towline/agent.sock`. */
  name: string;
  /** What to do where what answers seems to be no agent, in a sentence. */
  hint?: string;
  /** How long the link waits between its tries. */
  backoff: Backoff;
  /**
   * Connects, and takes no longer than it finds right itself: the time for a person who is asked for something is in it.
   * Errors name the hop that failed and what to do. Where the way breaks later for a reason that it knows, it destroys
   * the stream with a `WayBroken`. When `signal` is aborted nothing is left open.
   */
  open(signal: AbortSignal): Promise<Result<Way>>;
  /** What the agent at its end wants to see before it lets anybody in; read for each try, before the way is opened. */
  ticket?(): Promise<Result<Ticket>>;
}

/** What was opened; of SSH also the agent's socket that it was found at, where its address does not say it. */
export type Way = Duplex & { readonly foundAt?: string | undefined };

export interface Ticket {
  /** Of the request that asks for the connection. */
  headers: Readonly<Record<string, string>>;
  /** Where it is from, for people: a file, or a variable. */
  from: string;
}

/** Why a way to an agent broke: a sentence for people, of the hop that failed. */
export class WayBroken extends Error {
  constructor(message: string) {
    super(message);
    this.name = 'WayBroken';
  }
}
