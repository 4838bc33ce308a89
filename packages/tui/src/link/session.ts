import type { AgentRouter } from '@towline/agent/server';
import { helloSchema } from '@towline/core/answers';
import { type Hello, PROTOCOL_VERSION, protocolMismatch, TOKEN_ENDED } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { WebSocket } from 'ws';
import { toCallFailure } from './call-error.ts';
import { clockAhead } from './clock.ts';
import { notLetIn, readRefusal, tokenEnded } from './door.ts';
import { describeIssues } from './issues.ts';
import { type HalfOpenWatch, KEEPALIVE_MS, watchHalfOpen } from './keepalive.ts';
import type { AgentClient } from './resumable.ts';
import { type Transport, WayBroken } from './transport.ts';

/** One connection to an agent, from its hello to its end. It is never opened again: a new one takes its place. */
export interface Session {
  hello: Hello;
  /** By how much the agent's clock is ahead of this machine's, as `clockAhead` has it; 0 of older agents. */
  clockAheadMs: number;
  client: AgentClient;
  /** The socket that the agent was found at, where its address does not say it. */
  foundAt: string | undefined;
  /** Fulfilled with the reason, for people, when the connection is no more. */
  ended: Promise<string>;
  /** The reason once it ended. */
  lost(): string | undefined;
  /** Once it ended: until when the agent was there, in milliseconds since 1970. */
  thereUntil(): number;
  /** Lets go of the connection, for this reason. */
  end(reason: string): void;
  /** Takes nothing more from the other end until `resume`: it is held back instead of kept here. */
  pause(): void;
  resume(): void;
}

export interface OpenOptions {
  transport: Transport;
  /** This program's version. */
  version: string;
  signal: AbortSignal;
  /** How long the agent may take for its hello once the way to it is open, in milliseconds. */
  patienceMs?: number;
  /** How often a quiet connection is asked whether it is there, in milliseconds. */
  keepaliveMs?: number;
}

const CLOSED = 'The link was closed.';
/** An agent waits 5 s for its engine before it says hello without: one that hangs is not an agent that is away. */
const PATIENCE_MS = 10_000;
/** A snapshot of a thousand containers and their jobs is far below. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

/**
 * Opens the way, and says hello over it. Errors: `agent-unreachable` (the message names the hop), `protocol-mismatch` (it names the
 * side to upgrade).
 */
export async function openSession(options: OpenOptions): Promise<Result<Session>> {
  const { transport, version, signal, patienceMs = PATIENCE_MS, keepaliveMs = KEEPALIVE_MS } = options;
  if (signal.aborted) return err({ code: 'agent-unreachable', message: CLOSED });
  const ticket = await transport.ticket?.();
  if (ticket?.ok === false) return ticket;
  const { headers = {}, from } = ticket?.value ?? {};
  const opened = await transport.open(signal);
  if (!opened.ok) return opened;
  const stream = opened.value;
  if (signal.aborted) {
    stream.destroy();
    return err({ code: 'agent-unreachable', message: CLOSED });
  }
  const ended = Promise.withResolvers<string>();
  let lost: string | undefined;
  let socket: WebSocket | undefined;
  let watched: HalfOpenWatch | undefined;
  let thereUntil = 0;

  const end = (reason: string) => {
    if (lost !== undefined) return;
    lost = reason;
    thereUntil = watched?.thereUntil() ?? Date.now();
    watched?.end();
    // The client would connect again by itself. It has to be closed before it hears that the socket is.
    void wire.close();
    socket?.terminate();
    stream.destroy();
    ended.resolve(reason);
  };

  const brokenWay = () => (stream.errored instanceof WayBroken ? stream.errored.message : undefined);

  class AgentSocket extends WebSocket {
    constructor() {
      super('ws://agent/', {
        // It is opened already: the client makes its WebSocket at once, and has no way to wait.
        createConnection: () => stream,
        // No `handshakeTimeout`: it is the socket's own, and a way over SSH is none. `impatience` is for both.
        headers,
        maxPayload: MAX_PAYLOAD_BYTES,
        perMessageDeflate: false,
      });
      socket = this;
      this.on('error', (error) => {
        // What went wrong is the stream's to say: all that HTTP makes of it is a socket that hung up.
        const hint = transport.hint === undefined ? '' : ` ${transport.hint}`;
        end(brokenWay() ?? `What answers on ${transport.name} is no Towline agent: ${error.message}.${hint}`);
      });
      this.on('unexpected-response', (_, response) => {
        void readRefusal(response).then((refusal) => end(notLetIn(transport.name, refusal, from)));
      });
      this.on('close', (code, reason) => {
        const told = code === TOKEN_ENDED ? tokenEnded(transport.name, String(reason)) : undefined;
        end(
          brokenWay() ?? told ?? `The agent at ${transport.name} closed the connection. It is tried again.`,
        );
      });
      this.on('open', () => {
        const dead = `The agent at ${transport.name} has not answered for some time. It is tried again.`;
        watched = watchHalfOpen(this, stream, () => end(dead), keepaliveMs);
      });
    }
  }

  const wire = createWSClient({
    url: 'ws://agent/',
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: AgentSocket as unknown as typeof globalThis.WebSocket,
  });
  const client = createTRPCClient<AgentRouter>({ links: [wsLink({ client: wire })] });
  const onAbort = () => end(CLOSED);
  signal.addEventListener('abort', onAbort, { once: true });
  void ended.promise.then(() => signal.removeEventListener('abort', onAbort));
  const impatience = setTimeout(
    () => end(`The agent at ${transport.name} took the connection and does not answer. Look at its log.`),
    patienceMs,
  );
  try {
    const askedAt = Date.now();
    const answer: unknown = await client.hello.query({ protocol: PROTOCOL_VERSION, version });
    const answeredAt = Date.now();
    const hello = helloSchema.safeParse(answer);
    if (!hello.success) {
      end(
        `What answers on ${transport.name} says no hello that this version understands (${describeIssues(hello.error.issues)}).`,
      );
      return err({ code: 'agent-unreachable', message: lost ?? '' });
    }
    if (hello.data.protocol !== PROTOCOL_VERSION) {
      const message = protocolMismatch({ protocol: PROTOCOL_VERSION, version }, hello.data);
      end(message);
      return err({ code: 'protocol-mismatch', message });
    }
    if (lost !== undefined) return err({ code: 'agent-unreachable', message: lost });
    const { now } = hello.data;
    return ok({
      hello: hello.data,
      clockAheadMs: now === undefined ? 0 : clockAhead(Date.parse(now), { askedAt, answeredAt }),
      client,
      foundAt: stream.foundAt,
      ended: ended.promise,
      lost: () => lost,
      thereUntil: () => thereUntil,
      end,
      pause: () => socket?.pause(),
      resume: () => socket?.resume(),
    });
  } catch (error) {
    const failure = toCallFailure(error, lost);
    end(failure.message);
    return err(
      failure.code === 'protocol-mismatch'
        ? failure
        : { code: 'agent-unreachable', message: failure.message },
    );
  } finally {
    clearTimeout(impatience);
  }
}
