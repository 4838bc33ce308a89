import { lookup } from 'node:dns/promises';
import { unwatchFile, watchFile } from 'node:fs';
import { createServer, type IncomingMessage, type Server } from 'node:http';
import { createServer as createTlsServer } from 'node:https';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type SecureContextOptions, TLSSocket } from 'node:tls';
import type { DoorRefusal } from '@towline/core/protocol';
import { err, ok, type Result } from '@towline/core/result';
import { bearerHash, FailedTries, judgeToken, peerOf, readTokens } from '../access/index.ts';
import { words } from '../store/index.ts';
import type { ServerLog } from './agent-server.ts';
import { type ListenPlan, type TlsFiles, whyNotListen } from './listen-words.ts';
import { PENDING_LIMITS, Pending } from './pending.ts';
import type { TokenCaller } from './permissions.ts';
import { refuseUpgrade } from './refuse-upgrade.ts';
import { readTlsFiles } from './tls-material.ts';

export interface NetworkDoorOptions {
  plan: ListenPlan;
  stateDir: string;
  log: ServerLog;
  /** How often the files of TLS are looked at, in milliseconds. */
  lookMs?: number;
}

/** A door that is checked and not open yet. */
export interface NetworkDoor {
  /**
   * Listens. `admit` gets every request whose token is good; what it returns is why it is not let in all the same. Errors:
   * `listen`.
   */
  open(admit: Admit): Promise<Result<OpenDoor>>;
}

export type Admit = (
  request: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  caller: TokenCaller,
) => DoorRefusal['towline'] | undefined;

export interface OpenDoor {
  /** Where it listens; the port is the one that the system chose where it was left to it. */
  address: { host: string; port: number };
  /** Reads the files of TLS again; what can't be used is said in the log, and what was in use stays. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** A certificate is renewed days before it ends. */
const LOOK_MS = 10_000;
const MAKE_TOKEN = 'towline-agent token create NAME --role operator';

/**
 * Looks whether the agent may listen on the network as it was told to: nothing is begun for it yet. Errors: `listen`,
 * `tls-files`.
 */
export async function networkDoor(options: NetworkDoorOptions): Promise<Result<NetworkDoor>> {
  const { plan, stateDir, log, lookMs = LOOK_MS } = options;
  let address: string;
  try {
    ({ address } = await lookup(plan.host));
  } catch {
    return err({
      code: 'listen',
      message: `--listen ${plan.host}: no address has that name. Use one of this machine.`,
    });
  }
  const { tokens, problems } = await readTokens(stateDir);
  for (const problem of problems) log.warn({}, problem);
  const why = whyNotListen({ plan, address, tokens: tokens.length }, `${MAKE_TOKEN} --state-dir ${stateDir}`);
  if (why !== undefined) return err({ code: 'listen', message: why });
  if (plan.tls === undefined) {
    return ok({ open: (admit) => openDoor({ server: createServer(), address, plan, stateDir, log, admit }) });
  }
  const files = plan.tls;
  const first = await readTlsFiles(files, new Date());
  if (!first.ok) return first;
  for (const warning of first.value.warnings) log.warn({}, warning);
  log.info({ pin: first.value.pin }, 'the certificate');
  return ok({
    async open(admit) {
      const server = createTlsServer({
        ...tlsOptions(files, first.value.options),
        handshakeTimeout: PENDING_LIMITS.timeMs,
      });
      const reload = async () => {
        const read = await readTlsFiles(files, new Date());
        if (!read.ok) {
          log.warn({}, `${read.error.message} What was read of it before stays in use.`);
          return;
        }
        for (const warning of read.value.warnings) log.warn({}, warning);
        server.setSecureContext(tlsOptions(files, read.value.options));
        log.info({ pin: read.value.pin }, 'the certificate was read again');
      };
      // By what a path leads to, and not by the folder: what renews certificates moves links.
      const paths = [files.cert, files.key, ...(files.clientCa === undefined ? [] : [files.clientCa])];
      const changed = () => void reload();
      for (const path of paths) watchFile(path, { interval: lookMs, persistent: false }, changed);
      const unwatch = () => {
        for (const path of paths) unwatchFile(path, changed);
      };
      const opened = await openDoor({ server, address, plan, stateDir, log, admit });
      if (!opened.ok) {
        unwatch();
        return opened;
      }
      const { close, ...door } = opened.value;
      return ok({
        ...door,
        reload,
        async close() {
          unwatch();
          await close();
        },
      });
    },
  });
}

/** A client's certificate is looked at where it can be said what is wrong with it: a handshake that fails says next to nothing. */
function tlsOptions({ clientCa }: TlsFiles, options: SecureContextOptions) {
  return { ...options, requestCert: clientCa !== undefined, rejectUnauthorized: false };
}

/** Why a client's certificate does not do; undefined where it does. */
function whyNoClient(socket: Socket): DoorRefusal['towline'] | undefined {
  if (!(socket instanceof TLSSocket) || socket.authorized) return undefined;
  const sent = socket.getPeerX509Certificate() !== undefined;
  const code = words(socket.authorizationError);
  const what = !sent
    ? 'none was sent: give client_cert and client_key in the map file'
    : code === 'CERT_HAS_EXPIRED'
      ? 'yours has expired: put a new one where client_cert and client_key of the map file say'
      : `yours is none of them (${code}): look at client_cert and client_key in the map file`;
  return {
    code: 'client-certificate',
    message: `The agent takes only clients with a certificate of its CA, and ${what}.`,
  };
}

/** What everybody on the network gets to see of the agent: a request with a good token goes on to `admit`. */
async function openDoor(options: {
  server: Server;
  address: string;
  plan: ListenPlan;
  stateDir: string;
  log: ServerLog;
  admit: Admit;
}): Promise<Result<OpenDoor>> {
  const { server, address, plan, stateDir, log, admit } = options;
  const pending = new Pending();
  const tries = new FailedTries();
  // Whoever can't come in is told of, and does not fill the log.
  const told = new FailedTries();
  const tell = (peer: string, reason: string, message: string) => {
    if (told.waitMs(peer, Date.now()) > 0) return;
    told.failed(peer, Date.now());
    log.warn({ peer, reason }, message);
  };
  // All that is asked for here is one upgrade.
  server.headersTimeout = PENDING_LIMITS.timeMs;
  server.requestTimeout = PENDING_LIMITS.timeMs;
  server.maxHeadersCount = 50;

  server.on('connection', (socket: Socket) => {
    const id = idOf(socket);
    socket.on('error', () => socket.destroy());
    socket.once('close', () => pending.done(id));
    pending.add(id, peerOf(socket.remoteAddress), () => socket.destroy());
  });
  server.on('tlsClientError', (error: Error, socket: Socket) => {
    const peer = peerOf(socket.remoteAddress);
    tell(peer, words(error), 'no TLS connection came of a try');
  });
  server.on('request', (request, response) => {
    const origin = request.headers.origin !== undefined;
    refuseUpgrade(response.socket ?? request.socket, origin ? ORIGIN : NO_PAGES);
  });
  server.on('upgrade', (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    socket.on('error', () => socket.destroy());
    void judge(request, socket, head);
  });

  const judge = async (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const peer = peerOf(request.socket.remoteAddress);
    const waitMs = tries.waitMs(peer, Date.now(), bearerHash(request.headers.authorization));
    if (waitMs > 0) return refuseUpgrade(socket, tooManyTries(waitMs), waitMs);
    const refuse = (refusal: DoorRefusal['towline']) => {
      tell(peer, refusal.code, 'somebody was not let in');
      refuseUpgrade(socket, refusal);
    };
    if (request.headers.origin !== undefined) return refuse(ORIGIN);
    const noClient = plan.tls?.clientCa === undefined ? undefined : whyNoClient(request.socket);
    if (noClient !== undefined) return refuse(noClient);
    const { tokens, problems } = await readTokens(stateDir);
    for (const problem of problems) log.warn({}, problem);
    if (socket.destroyed) return;
    const judged = judgeToken(request.headers.authorization, tokens, Date.now());
    if (!judged.ok) {
      // Only this may be a guess. A page in an operator's browser, or a program with a token that has ended, must not be
      // able to shut the door for all of its address.
      if (judged.error.code === 'token-unknown') tries.failed(peer, Date.now());
      return refuse(judged.error);
    }
    const { name, role, hash, expiresAt } = judged.value;
    tries.letIn(peer, hash);
    const caller: TokenCaller = {
      kind: 'token',
      name,
      role,
      hash,
      ...(expiresAt !== undefined && { expiresAt: Date.parse(expiresAt) }),
    };
    // A connection keeps its request: the token goes no further than here.
    delete request.headers.authorization;
    request.rawHeaders = [];
    const refusal = admit(request, socket, head, caller);
    if (refusal !== undefined) return refuseUpgrade(socket, refusal);
    pending.done(idOf(request.socket));
  };

  try {
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen({ host: address, port: plan.port }, resolve);
    });
  } catch (error) {
    const message = `The agent can't listen on ${plan.host}:${plan.port}: ${words(error)}. Choose another address or port with --listen.`;
    return err({ code: 'listen', message });
  }
  // Out of files to open, for example: it is over when some are closed.
  server.on('error', (error) => log.error({ reason: words(error) }, 'the network door has trouble'));
  const bound = server.address();
  const port = typeof bound === 'object' && bound !== null ? bound.port : plan.port;
  return ok({
    address: { host: address, port },
    async reload() {},
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()));
      server.closeAllConnections();
      await closed;
    },
  });
}

/** The same for a connection and for the TLS in it. */
function idOf({ remoteAddress, remotePort, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localPort}`;
}

const ORIGIN: DoorRefusal['towline'] = {
  code: 'origin',
  message: 'A request with an Origin is a web page’s, and no page has any business here.',
};
const NO_PAGES: DoorRefusal['towline'] = {
  code: 'not-found',
  message: 'This is a Towline agent. It has no pages: `towline` connects to it.',
};

function tooManyTries(waitMs: number): DoorRefusal['towline'] {
  const seconds = Math.ceil(waitMs / 1000);
  return {
    code: 'too-many-tries',
    message: `Too many tries with a wrong token came from this address. It may try again in ${seconds} s.`,
  };
}
