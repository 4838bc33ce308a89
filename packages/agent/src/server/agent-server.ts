import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import { ok, type Result } from '@towline/core/result';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer } from 'ws';
import { toProtocolError } from './failure.ts';
import { createRouter, type Services } from './router.ts';
import { listenOnSocket } from './socket-file.ts';

/** What the server logs with; a pino logger is one. */
export interface ServerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AgentServerOptions extends Services {
  socketPath: string;
  log: ServerLog;
  /** Called when a client came or went. */
  onConnections?: () => void;
}

export interface AgentServer {
  /** How many clients are connected. */
  connections(): number;
  /** Lets all clients go and takes the socket's file away. */
  close(): Promise<void>;
}

/** The largest message that is taken; an `execute` with a hundred containers is far below. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const MAX_BATCH = 50;
const MAX_CONNECTIONS = 200;
const PING_MS = 30_000;
/** A slow line has the megabyte before the ping to carry first. */
const PONG_WAIT_MS = 30_000;

/** Offers the services on a Unix socket. Errors: those of `listenOnSocket`. */
export async function startServer(options: AgentServerOptions): Promise<Result<AgentServer>> {
  const { log, socketPath, onConnections = () => {} } = options;
  const http = createServer((request, response) => {
    // The requests of web pages have an origin; no page has any business here.
    if (request.headers.origin !== undefined) return void response.writeHead(403).end();
    if (request.method === 'GET' && request.url === '/healthz') {
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}\n');
    }
    response.writeHead(404).end();
  });
  const sockets = new WebSocketServer({
    noServer: true,
    maxPayload: MAX_PAYLOAD_BYTES,
    perMessageDeflate: false,
  });
  applyWSSHandler({
    wss: sockets,
    router: createRouter(options),
    createContext: ({ req, res }) => ({ client: res, socket: req.socket, streams: 0 }),
    maxBatchSize: MAX_BATCH,
    keepAlive: { enabled: true, pingMs: PING_MS, pongWaitMs: PONG_WAIT_MS },
    onError: ({ error, path, type }) => {
      if (path === undefined) {
        log.warn({ reason: error.message }, 'a client sent what is not of the protocol');
        return;
      }
      if (toProtocolError(error).code !== 'internal') return;
      log.error(
        { err: error.cause ?? error, path, type },
        'a request failed for a reason of the agent’s own',
      );
    },
  });
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (request.headers.origin !== undefined) {
      log.warn({ origin: request.headers.origin }, 'refused a request with an Origin');
      socket.end('HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    if (sockets.clients.size >= MAX_CONNECTIONS) {
      log.warn({}, 'refused a client: there are too many');
      socket.end('HTTP/1.1 503 Service Unavailable\r\nConnection: close\r\nContent-Length: 0\r\n\r\n');
      return;
    }
    sockets.handleUpgrade(request, socket, head, (client) => {
      // The set of clients forgets it first.
      client.once('close', () => setImmediate(onConnections));
      sockets.emit('connection', client, request);
      onConnections();
    });
  });

  const listening = await listenOnSocket(http, socketPath);
  if (!listening.ok) return listening;
  log.info({ socket: socketPath }, 'listening');
  return ok({
    connections: () => sockets.clients.size,
    async close() {
      // Node removes the socket's file when it stops listening.
      const closed = new Promise<void>((resolve) => http.close(() => resolve()));
      for (const client of sockets.clients) client.terminate();
      http.closeAllConnections();
      await closed;
    },
  });
}
