import type { AgentRouter } from '@towline/agent/server';
import { readJobEvent } from '@towline/core/answers';
import type { JobEvent } from '@towline/core/job';
import type { Received } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { TRPCClient } from '@trpc/client';
import type { CallFailure } from './call-error.ts';
import type { AnswerSchema } from './issues.ts';
import type { StreamHandlers, Subscription } from './subscription.ts';

export type AgentClient = TRPCClient<AgentRouter>;

/** One question and its answer. */
export type Ask = <T>(
  question: (client: AgentClient) => Promise<unknown>,
  schema: AnswerSchema<T>,
) => Promise<Result<T, CallFailure>>;

/** What came of one value of a stream. */
export type Taken<T> =
  /** `last`: nothing comes after it. */
  | { kind: 'new'; value: T; last?: boolean }
  /** It came before. */
  | { kind: 'seen' }
  /** Something before it did not come: the stream is begun again from what did. */
  | { kind: 'gap' }
  /** Of a newer peer, and passed over. */
  | { kind: 'unknown' }
  | { kind: 'bad'; reason: string };

/** A stream that can go on where it was when its connection was lost. It remembers where that is. */
export interface Resumable<T> {
  /** What it is of, for people: `the job 42`. */
  what: string;
  /** Begins it, after what was taken. */
  subscribe(client: AgentClient, handlers: StreamHandlers): Subscription;
  take(value: unknown): Taken<T>;
  /** Whether it is one agent's alone though another one that answers would have one of the same name. */
  ofAgent?: boolean;
  /** Asked when a stream came to its end without a last value: whether there is no more, or the agent just ended. */
  isOver?(ask: Ask): Promise<Result<boolean, CallFailure>>;
  /** How many values may wait here for their reader before the agent is held back. */
  many?: number;
}

/** A job's events from the first on. */
export function jobEvents(id: string): Resumable<JobEvent> {
  return numberedEvents({
    what: `the job ${id}`,
    subscribe: (client, lastEventId, handlers) =>
      client.followJob.subscribe({ id, ...(lastEventId !== undefined && { lastEventId }) }, handlers),
    read: readJobEvent,
  });
}

/** Events that are numbered upwards from 1, where numbers may be left out, up to the one that is called `ended`. */
export function numberedEvents<E extends { seq: number; type: string }>(events: {
  what: string;
  subscribe(client: AgentClient, lastEventId: string | undefined, handlers: StreamHandlers): Subscription;
  read(value: unknown): Received<E>;
}): Resumable<E> {
  let last = 0;
  return {
    what: events.what,
    subscribe: (client, handlers) =>
      events.subscribe(client, last === 0 ? undefined : String(last), handlers),
    take(value) {
      const received = events.read(untracked(value));
      if (received.kind !== 'event') return received;
      const { event } = received;
      if (event.seq <= last) return { kind: 'seen' };
      last = event.seq;
      return { kind: 'new', value: event, last: event.type === 'ended' };
    },
  };
}

/** The value in what tRPC's `tracked` sends: its id is the value's own number. */
export function untracked(value: unknown): unknown {
  return typeof value === 'object' && value !== null && 'data' in value ? value.data : value;
}
