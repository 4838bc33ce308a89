import { createServer, type IncomingMessage } from 'node:http';
import type { Duplex } from 'node:stream';
import type { DoorRefusal } from '@towline/core/protocol';
import { ok, type Result } from '@towline/core/result';
import { applyWSSHandler } from '@trpc/server/adapters/ws';
import { WebSocketServer } from 'ws';
import { toProtocolError } from './failure.ts';
import { Flow } from './flow.ts';
import { Intake } from './intake.ts';
import type { NetworkDoor, OpenDoor } from './network-door.ts';
import type { Caller, TokenCaller } from './permissions.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { createRouter, type Services } from './router.ts';
import { listenOnSocket } from './socket-file.ts';
import { sparingly } from './sparing-log.ts';
import { TokenCallers } from './token-callers.ts';

/** What the server logs with; a pino logger is one. */
export interface ServerLog {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

export interface AgentServerOptions extends Services {
  socketPath: string;
  /** The way in over the network; none unless given. */
  network?: { door: NetworkDoor; stateDir: string } | undefined;
  log: ServerLog;
  /** Called when a client came or went. */
  onConnections?: () => void;
}

export interface AgentServer {
  /** How many clients are connected. */
  connections(): number;
  /** Where it listens on the network. */
  address: OpenDoor['address'] | undefined;
  /** Reads the files again that the network door has its TLS from. */
  reload(): Promise<void>;
  /** Lets all clients go and takes the socket's file away. */
  close(): Promise<void>;
}

/** The largest message that is taken; an `execute` with a hundred containers is far below. */
const MAX_PAYLOAD_BYTES = 1024 * 1024;
const MAX_BATCH = 50;
/** Of each: by the Unix socket, and over the network. Neither takes the other's away. */
const MAX_CONNECTIONS = 200;
/** What one token may have of these, so that nobody's takes all. */
const MAX_PER_TOKEN = 50;
const PING_MS = 30_000;
/** A slow line has the megabyte before the ping to carry first. */
const PONG_WAIT_MS = 30_000;

/** Offers the services on a Unix socket. Errors: those of `listenOnSocket`. */
export async function startServer(options: AgentServerOptions): Promise<Result<AgentServer>> {
  const { log, socketPath, network, onConnections = () => {} } = options;
  const warnOfClient = sparingly(log);
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
  // Who sent a request is known where it is let in, and asked for where its calls are answered.
  const callers = new WeakMap<IncomingMessage, Caller>();
  applyWSSHandler({
    wss: sockets,
    router: createRouter(options),
    createContext: ({ req, res }) => ({
      client: res,
      socket: req.socket,
      streams: 0,
      intake: new Intake(res, req.socket),
      flow: new Flow(res, req.socket),
      caller: callers.get(req) ?? NOBODY,
    }),
    maxBatchSize: MAX_BATCH,
    keepAlive: { enabled: true, pingMs: PING_MS, pongWaitMs: PONG_WAIT_MS },
    onError: ({ error, path, type }) => {
      if (path === undefined) {
        warnOfClient({ reason: error.message }, 'a client sent what is not of the protocol');
        return;
      }
      if (toProtocolError(error).code !== 'internal') return;
      log.error(
        { err: error.cause ?? error, path, type },
        'a request failed for a reason of the agent’s own',
      );
    },
  });
  const welcome = (request: IncomingMessage, socket: Duplex, head: Buffer, caller: Caller) => {
    callers.set(request, caller);
    sockets.handleUpgrade(request, socket, head, (client) => {
      if (caller.kind === 'token') byToken.add(client, caller);
      // The set of clients forgets it first.
      client.once('close', () => setImmediate(onConnections));
      sockets.emit('connection', client, request);
      onConnections();
    });
  };
  const tooMany = (): DoorRefusal['towline'] => {
    warnOfClient({}, 'refused a client: there are too many');
    return {
      code: 'too-many-clients',
      message: 'The agent has as many clients as it takes. Try again later.',
    };
  };
  const byToken = new TokenCallers(network?.stateDir ?? '', log);
  http.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    if (request.headers.origin !== undefined) {
      warnOfClient({ origin: request.headers.origin }, 'refused a request with an Origin');
      return refuseUpgrade(socket, { code: 'origin', message: 'No web page has any business here.' });
    }
    if (sockets.clients.size - byToken.size >= MAX_CONNECTIONS) return refuseUpgrade(socket, tooMany());
    welcome(request, socket, head, { kind: 'local' });
  });
  const admit = (request: IncomingMessage, socket: Duplex, head: Buffer, caller: TokenCaller) => {
    if (byToken.size >= MAX_CONNECTIONS || byToken.with(caller.hash) >= MAX_PER_TOKEN) return tooMany();
    log.info({ token: caller.name, role: caller.role, peer: request.socket.remoteAddress }, 'a client came');
    welcome(request, socket, head, caller);
    return undefined;
  };

  const listening = await listenOnSocket(http, socketPath);
  if (!listening.ok) return listening;
  log.info({ socket: socketPath }, 'listening');
  const close = async () => {
    // Node removes the socket's file when it stops listening.
    const closed = new Promise<void>((resolve) => http.close(() => resolve()));
    for (const client of sockets.clients) client.terminate();
    http.closeAllConnections();
    await closed;
  };
  const opened = await network?.door.open(admit);
  if (opened?.ok === false) {
    await close();
    return opened;
  }
  const door = opened?.value;
  if (door !== undefined) log.info(door.address, 'listening on the network');
  return ok({
    connections: () => sockets.clients.size,
    address: door?.address,
    reload: async () => await door?.reload(),
    async close() {
      byToken.close();
      await Promise.all([door?.close(), close()]);
    },
  });
}

/** Of a request that nobody let in, which can't be. */
const NOBODY: Caller = { kind: 'token', name: '', role: 'viewer', hash: '', ended: 'revoked' };
