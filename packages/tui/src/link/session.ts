import { connect } from 'node:net';
import type { AgentRouter } from '@towline/agent/server';
import { type Hello, helloSchema, PROTOCOL_VERSION } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { createTRPCClient, createWSClient, wsLink } from '@trpc/client';
import { WebSocket } from 'ws';
import type { UnixAddress } from './agent-url.ts';
import { toCallFailure } from './call-error.ts';
import { connectFailure } from './connect-failure.ts';
import { describeIssues } from './issues.ts';
import { KEEPALIVE_MS, watchHalfOpen } from './keepalive.ts';
import type { AgentClient } from './resumable.ts';

/** One connection to an agent, from its hello to its end. It is never opened again: a new one takes its place. */
export interface Session {
  hello: Hello;
  client: AgentClient;
  /** Fulfilled with the reason, for people, when the connection is no more. */
  ended: Promise<string>;
  /** The reason once it ended. */
  lost(): string | undefined;
  /** Lets go of the connection, for this reason. */
  end(reason: string): void;
  /** Takes nothing more from the other end until `resume`: it is held back instead of kept here. */
  pause(): void;
  resume(): void;
}

export interface OpenOptions {
  address: UnixAddress;
  /** This program's version. */
  version: string;
  signal: AbortSignal;
  /** How long the agent may take for the connection and for its hello, in milliseconds. */
  patienceMs?: number;
  /** How often a quiet connection is asked whether it is there, in milliseconds. */
  keepaliveMs?: number;
}

const PATIENCE_MS = 5_000;
/** A snapshot of a thousand containers and their jobs is far below. */
const MAX_PAYLOAD_BYTES = 64 * 1024 * 1024;

/**
 * Connects, and says hello. Errors: `agent-unreachable` (the message names the hop), `protocol-mismatch` (it names the
 * side to upgrade).
 */
export async function openSession(options: OpenOptions): Promise<Result<Session>> {
  const { address, version, signal, patienceMs = PATIENCE_MS, keepaliveMs = KEEPALIVE_MS } = options;
  if (signal.aborted) return err({ code: 'agent-unreachable', message: 'The link was closed.' });
  const ended = Promise.withResolvers<string>();
  let lost: string | undefined;
  let socket: WebSocket | undefined;
  let stopWatching = () => {};

  const end = (reason: string) => {
    if (lost !== undefined) return;
    lost = reason;
    stopWatching();
    // The client would connect again by itself. It has to be closed before it hears that the socket is.
    void wire.close();
    socket?.terminate();
    ended.resolve(reason);
  };

  class AgentSocket extends WebSocket {
    constructor() {
      super('ws://agent/', {
        // The url form `ws+unix:` has no way to write a path with a colon in it.
        createConnection: () => connect(address.path),
        handshakeTimeout: patienceMs,
        maxPayload: MAX_PAYLOAD_BYTES,
        perMessageDeflate: false,
      });
      socket = this;
      this.on('error', (error) => end(connectFailure(address.path, error)));
      this.on('close', () => end(`The agent at ${address.path} closed the connection. It is tried again.`));
      this.on('open', () => {
        const dead = `The agent at ${address.path} has not answered for some time. It is tried again.`;
        stopWatching = watchHalfOpen(this, () => end(dead), keepaliveMs);
      });
    }
  }

  const wire = createWSClient({
    url: 'ws://agent/',
    // As a browser's for all that the client does with it; Node's types and those of ws disagree on events.
    WebSocket: AgentSocket as unknown as typeof globalThis.WebSocket,
  });
  const client = createTRPCClient<AgentRouter>({ links: [wsLink({ client: wire })] });
  const onAbort = () => end('The link was closed.');
  signal.addEventListener('abort', onAbort, { once: true });
  void ended.promise.then(() => signal.removeEventListener('abort', onAbort));
  const impatience = setTimeout(
    () => end(`The agent at ${address.path} took the connection and does not answer. Look at its log.`),
    patienceMs,
  );
  try {
    const answer: unknown = await client.hello.query({ protocol: PROTOCOL_VERSION, version });
    const hello = helloSchema.safeParse(answer);
    if (!hello.success) {
      end(
        `What answers on ${address.path} says no hello that this version understands (${describeIssues(hello.error.issues)}).`,
      );
      return err({ code: 'agent-unreachable', message: lost ?? '' });
    }
    if (hello.data.protocol !== PROTOCOL_VERSION) {
      const message = mismatch(version, hello.data);
      end(message);
      return err({ code: 'protocol-mismatch', message });
    }
    if (lost !== undefined) return err({ code: 'agent-unreachable', message: lost });
    return ok({
      hello: hello.data,
      client,
      ended: ended.promise,
      lost: () => lost,
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

function mismatch(version: string, agent: Hello): string {
  const older = PROTOCOL_VERSION < agent.protocol ? 'towline' : 'towline-agent';
  return `towline ${version} speaks protocol ${PROTOCOL_VERSION} and the agent (${agent.version}) speaks ${agent.protocol}: upgrade ${older}.`;
}
