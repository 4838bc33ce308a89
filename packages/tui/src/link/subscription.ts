import { CallError, toCallFailure } from './call-error.ts';
import type { Session } from './session.ts';

/** So many small ones may wait here for their reader before the agent is held back. */
const MANY = 20_000;

export interface Subscription {
  unsubscribe(): void;
}

export interface StreamHandlers {
  /** The agent has taken the request: what comes from now on, if anything, is all that there is. */
  onStarted(): void;
  onData(value: unknown): void;
  onError(error: unknown): void;
  onComplete(): void;
}

export interface StreamOptions {
  /** So many may wait here for their reader before the agent is held back. */
  many?: number | undefined;
  onStarted?: (() => void) | undefined;
}

/**
 * One subscription of one session as an iterable. Ends with the stream or with `signal`; throws a `CallError` where the
 * agent refused, or (`agent-unreachable`) the session ended before it.
 */
export async function* readStream(
  session: Session,
  subscribe: (handlers: StreamHandlers) => Subscription,
  signal: AbortSignal,
  { many = MANY, onStarted = () => {} }: StreamOptions = {},
): AsyncGenerator<unknown> {
  const waiting: unknown[] = [];
  let over = false;
  let failure: { error: unknown } | undefined;
  let held = false;
  let wake = Promise.withResolvers<void>();
  const finish = () => {
    over = true;
    wake.resolve();
  };
  void session.ended.then(finish);
  signal.addEventListener('abort', finish, { once: true });
  const subscription = subscribe({
    onStarted,
    onData(value) {
      waiting.push(value);
      if (!held && waiting.length >= many) {
        held = true;
        session.pause();
      }
      wake.resolve();
    },
    onError(error) {
      failure = { error };
      finish();
    },
    onComplete: finish,
  });
  try {
    while (!signal.aborted) {
      const batch = waiting.splice(0);
      for (const value of batch) {
        if (signal.aborted) return;
        yield value;
      }
      if (batch.length > 0) continue;
      if (held) {
        held = false;
        session.resume();
      }
      if (over) break;
      await wake.promise;
      wake = Promise.withResolvers<void>();
    }
    if (signal.aborted) return;
    const lost = session.lost();
    if (failure !== undefined) throw new CallError(toCallFailure(failure.error, lost));
    if (lost !== undefined) throw new CallError({ code: 'agent-unreachable', message: lost });
  } finally {
    signal.removeEventListener('abort', finish);
    if (held) session.resume();
    subscription.unsubscribe();
  }
}
