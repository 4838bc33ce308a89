import { setTimeout as sleep } from 'node:timers/promises';
import { logLineSchema, readWatchEvent } from '@towline/core/answers';
import type { LinkState } from '@towline/core/plan';
import { type Hello, LOGS_SINCE_CAPABILITY, type LogLine, type WatchEvent } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { attemptAfter, type Backoff, LOCAL_BACKOFF, retryDelay } from './backoff.ts';
import { CallError, type CallFailure, toCallFailure, unreachable } from './call-error.ts';
import { containerLog } from './container-log.ts';
import { type AnswerSchema, describeIssues } from './issues.ts';
import type { AgentClient, Ask, Resumable } from './resumable.ts';
import { openSession, type Session } from './session.ts';
import { readStream } from './subscription.ts';
import type { Transport } from './transport.ts';

/** What a link tells of, as it happens. */
export interface LinkListener {
  onState(state: LinkState): void;
  /** `clockAheadMs`: by how much the agent's clock is ahead of this machine's. */
  onHello(hello: Hello, clockAheadMs: number): void;
  onWatch(event: WatchEvent): void;
}

export interface LinkOptions {
  /** The way to the agent, or why it can't be reached whatever one tries. */
  transport: Result<Transport>;
  version: string;
  listener: LinkListener;
  /** Done before each try to connect: a local agent is started here. A failure is the link's. */
  prepare?: (signal: AbortSignal) => Promise<Result<void>>;
  /** Why the agent that answered is not the one that is meant: the link is not made then. */
  whyOther?: (hello: Hello) => string | undefined;
  /** The transport's own by default. */
  backoff?: Backoff;
  /** As `openSession` has them. */
  patienceMs?: number;
  keepaliveMs?: number;
  /** How long an agent may be away whose answer was lost, in milliseconds. */
  insistMs?: number;
}

export interface LogsOptions {
  follow: boolean;
  tail: number;
  signal: AbortSignal;
  /** Once the agent reads the log: a container that has written nothing sends nothing. */
  onStarted?: () => void;
}

/** The connection to one agent, made again whenever it is lost. */
export interface AgentLink {
  state(): LinkState;
  /** Events of newer agents that were passed over. */
  ignored(): number;
  /** One question and its answer, on the connection that there is; `agent-unreachable` where there is none. */
  call: Ask;
  /** A lost answer is asked for again, over reconnects: only for what does nothing twice. `doubt` is said where none came. */
  insist<T>(
    question: (client: AgentClient) => Promise<unknown>,
    schema: AnswerSchema<T>,
    doubt: string,
  ): Promise<Result<T, CallFailure>>;
  /** All of a stream, over reconnects with nothing lost and nothing twice. Throws a `CallError`. */
  follow<T>(stream: Resumable<T>, signal: AbortSignal): AsyncGenerator<T>;
  /**
   * A container's log: one that is followed over reconnects, with nothing lost and nothing twice, unless its agent is too old
   * for that. Throws a `CallError`.
   */
  logs(container: string, options: LogsOptions): AsyncGenerator<LogLine>;
  /** Tries again now where it is not connected, also where nothing is tried by itself any more. */
  retry(): void;
  close(): Promise<void>;
}

const OTHER_AGENT = 'Another agent answers there now, or one with another state folder (--state-dir).';

/** Whether an agent has another state than the one before; of older ones nothing is known. */
function isOther({ identity }: Hello, before: string | undefined): boolean {
  return before !== undefined && identity !== undefined && identity !== before;
}

/** How long an agent may be away whose answer was lost: one that restarts is back well before. */
const INSIST_MS = 30_000;
/** One that is lost each time that it is asked is not asked without an end. */
const MAX_ASKS = 10;
/** So often a stream is begun again without having brought anything new. */
const MAX_IDLE_FOLLOWS = 100;

export function createLink(options: LinkOptions): AgentLink {
  const {
    transport,
    listener,
    version,
    prepare,
    whyOther,
    backoff = transport.ok ? transport.value.backoff : LOCAL_BACKOFF,
    patienceMs,
    keepaliveMs,
    insistMs = INSIST_MS,
  } = options;
  const closing = new AbortController();
  let state: LinkState = { state: 'connecting' };
  let session: Session | undefined;
  let wanted: AbortController | undefined;
  let ignored = 0;
  let lastSeenAt: string | undefined;
  let changed = Promise.withResolvers<void>();

  const become = (next: LinkState) => {
    state = next;
    listener.onState(next);
    changed.resolve();
    changed = Promise.withResolvers<void>();
  };
  const lose = (message: string) => {
    become(lastSeenAt === undefined ? { state: 'lost', message } : { state: 'lost', message, lastSeenAt });
  };

  const watch = async (current: Session) => {
    const events = readStream(
      current,
      (handlers) => current.client.watch.subscribe(undefined, handlers),
      closing.signal,
    );
    try {
      for await (const value of events) {
        const event = readWatchEvent(value);
        if (event.kind === 'event') listener.onWatch(event.event);
        else if (event.kind === 'unknown') ignored++;
        else {
          current.end(
            `The agent sent something that this version can't read (${event.reason}). Upgrade the older of the two.`,
          );
          return;
        }
      }
      current.end('The agent ended its watch. It is tried again.');
    } catch (error) {
      current.end(toCallFailure(error, current.lost()).message);
    }
  };

  const connectOnce = async (target: Transport): Promise<Result<Session>> => {
    if (prepare !== undefined) {
      const ready = await prepare(closing.signal);
      if (!ready.ok) return ready;
    }
    const opened = await openSession({
      transport: target,
      version,
      signal: closing.signal,
      ...(patienceMs !== undefined && { patienceMs }),
      ...(keepaliveMs !== undefined && { keepaliveMs }),
    });
    const other = opened.ok ? whyOther?.(opened.value.hello) : undefined;
    if (!opened.ok || other === undefined) return opened;
    opened.value.end(other);
    return err({ code: 'agent-unreachable', message: other });
  };

  /** Between two tries, for so long or until somebody wants one; true where somebody did. */
  const pause = async (delayMs: number): Promise<boolean> => {
    const cut = new AbortController();
    wanted = cut;
    const signal = AbortSignal.any([closing.signal, cut.signal]);
    await sleep(delayMs, undefined, { signal }).catch(() => {});
    wanted = undefined;
    return cut.signal.aborted;
  };

  const keepConnected = async (target: Transport) => {
    for (let attempt = 0; !closing.signal.aborted; attempt++) {
      const opened = await connectOnce(target);
      if (closing.signal.aborted) return;
      if (opened.ok) {
        const since = performance.now();
        session = opened.value;
        listener.onHello(session.hello, session.clockAheadMs);
        const { foundAt } = session;
        become(foundAt === undefined ? { state: 'connected' } : { state: 'connected', foundAt });
        void watch(session);
        const reason = await session.ended;
        lastSeenAt = new Date(session.thereUntil()).toISOString();
        session = undefined;
        if (closing.signal.aborted) return;
        attempt = attemptAfter(attempt, performance.now() - since, backoff);
        lose(reason);
      } else if (opened.error.code === 'protocol-mismatch') {
        // The older of the two may be upgraded while the other goes on.
        if (state.state !== 'incompatible' || state.message !== opened.error.message) {
          become({ state: 'incompatible', message: opened.error.message });
        }
      } else lose(opened.error.message);
      if (await pause(retryDelay(attempt, Math.random(), backoff))) attempt = -1;
    }
  };

  const running = transport.ok
    ? keepConnected(transport.value)
    : // Not at once: who makes the link does not have it yet.
      Promise.resolve().then(() => lose(transport.error.message));

  /** Waits out the first try only: later ones fail at once with what the last try came to. */
  const current = async (): Promise<Result<Session, CallFailure>> => {
    while (state.state === 'connecting' && !closing.signal.aborted) await changed.promise;
    if (session !== undefined && state.state === 'connected') return ok(session);
    return err(whyNot());
  };
  const whyNot = (): CallFailure => {
    switch (state.state) {
      case 'lost':
        return unreachable(state.message);
      case 'incompatible':
        return { code: 'protocol-mismatch', message: state.message };
      case 'connecting':
      case 'connected':
        return unreachable('The link to the agent was closed.');
    }
  };

  /** The next connection, however long it takes; undefined when `signal` or the link ends first. */
  const connected = async (signal: AbortSignal): Promise<Session | undefined> => {
    const either = AbortSignal.any([signal, closing.signal]);
    const aborted = whenAborted(either);
    while (!either.aborted) {
      if (session !== undefined && session.lost() === undefined) return session;
      if (state.state === 'incompatible' || !transport.ok) throw new CallError(whyNot());
      await Promise.race([changed.promise, aborted]);
    }
    return undefined;
  };

  const ask = async <T>(
    on: Session,
    question: (client: AgentClient) => Promise<unknown>,
    schema: AnswerSchema<T>,
  ): Promise<Result<T, CallFailure>> => {
    try {
      const answer = schema.safeParse(await question(on.client));
      if (answer.success) return ok(answer.data);
      const reason = `The agent answered something that this version can't read (${describeIssues(answer.error.issues)}).`;
      on.end(reason);
      return err({ code: 'internal', message: reason });
    } catch (error) {
      return err(toCallFailure(error, on.lost()));
    }
  };

  async function* follow<T>(stream: Resumable<T>, signal: AbortSignal): AsyncGenerator<T> {
    let idle = 0;
    let identity: string | undefined;
    while (!signal.aborted) {
      const on = await connected(signal);
      if (on === undefined) return;
      if (stream.ofAgent === true && isOther(on.hello, identity)) {
        throw new CallError({
          code: 'not-found',
          message: `${OTHER_AGENT} It has no part in ${stream.what}.`,
        });
      }
      identity ??= on.hello.identity;
      const values = readStream(on, (handlers) => stream.subscribe(on.client, handlers), signal, {
        many: stream.many,
      });
      let waits = false;
      try {
        for await (const value of values) {
          const taken = stream.take(value);
          if (taken.kind === 'gap') break;
          if (taken.kind === 'unknown') ignored++;
          else if (taken.kind === 'bad') {
            const reason = `The agent sent something of ${stream.what} that this version can't read (${taken.reason}).`;
            on.end(reason);
            throw new CallError({ code: 'internal', message: reason });
          } else if (taken.kind === 'new') {
            idle = 0;
            yield taken.value;
            if (taken.last) return;
          }
        }
        // An agent that is ending lets its streams end before it lets go of the connection.
        const over = await stream.isOver?.((question, schema) => ask(on, question, schema));
        if (over?.ok === false) throw new CallError(over.error);
        if (over?.value) return;
        waits = over !== undefined;
      } catch (error) {
        if (!(error instanceof CallError) || error.failure.code !== 'agent-unreachable') throw error;
        // The next connection has waits of its own, and one that was lost says nothing about the stream.
        continue;
      }
      if (signal.aborted) return;
      idle = waits ? Math.min(idle + 1, MAX_IDLE_FOLLOWS) : idle + 1;
      if (idle > MAX_IDLE_FOLLOWS) {
        throw new CallError({ code: 'internal', message: `The agent tells no end of ${stream.what}.` });
      }
      await sleep(retryDelay(idle, Math.random(), backoff), undefined, { signal }).catch(() => {});
    }
  }

  return {
    state: () => state,
    ignored: () => ignored,
    async call(question, schema) {
      const on = await current();
      return on.ok ? await ask(on.value, question, schema) : on;
    },
    async insist(question, schema, doubt) {
      const first = await current();
      if (!first.ok) return first;
      let on = first.value;
      const { identity } = on.hello;
      for (let asks = 1; ; asks++) {
        const answer = await ask(on, question, schema);
        if (answer.ok || answer.error.code !== 'agent-unreachable') return answer;
        // From now on: the answer may have been long in coming, and this program stopped meanwhile.
        const next = asks < MAX_ASKS ? await connected(AbortSignal.timeout(insistMs)) : undefined;
        if (next === undefined) return err(unreachable(`${answer.error.message} ${doubt}`));
        // It would begin anew what another was asked for.
        if (isOther(next.hello, identity)) return err(unreachable(`${OTHER_AGENT} ${doubt}`));
        on = next;
      }
    },
    follow,
    async *logs(container, { follow: grows, tail, signal, onStarted = () => {} }) {
      const on = await current();
      if (!on.ok) throw new CallError(on.error);
      if (grows && on.value.hello.capabilities.includes(LOGS_SINCE_CAPABILITY)) {
        yield* follow(containerLog({ container, tail, version, onStarted }), signal);
        return;
      }
      const input = { container, follow: grows, tail };
      const stream = readStream(
        on.value,
        (handlers) => on.value.client.logs.subscribe(input, handlers),
        signal,
        { onStarted },
      );
      for await (const value of stream) {
        const line = logLineSchema.safeParse(value);
        if (line.success) yield line.data;
        else ignored++;
      }
    },
    retry: () => wanted?.abort(),
    async close() {
      closing.abort();
      session?.end('The link was closed.');
      changed.resolve();
      await running;
    },
  };
}

function whenAborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
