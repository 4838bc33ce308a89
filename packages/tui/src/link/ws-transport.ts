import { connect as connectTcp, isIP, type Socket } from 'node:net';
import { checkServerIdentity, connect as connectTls, type TLSSocket } from 'node:tls';
import { err, ok, type Result } from '@towline/core/result';
import type { WsAddress } from './agent-url.ts';
import { REMOTE_BACKOFF } from './backoff.ts';
import { EVERY_ADDRESS } from './every-address.ts';
import { hostFailure } from './host-failure.ts';
import { type Proof, type ProofDefinition, type ProofPlace, readProof, readToken } from './proof.ts';
import { whyNotTrusted } from './server-certificate.ts';
import type { Transport } from './transport.ts';

/** How long a host may take to answer, and then for its TLS. */
const CONNECT_MS = 10_000;

/** The way to an agent that listens on the network: over TLS, or on loopback without. No token is sent before it is known who answers. */
export function wsTransport(
  address: WsAddress,
  definition: ProofDefinition,
  place: ProofPlace,
  connectMs = CONNECT_MS,
): Transport {
  const { host, port, secure } = address;
  const name = `${host.includes(':') ? `[${host}]` : host}:${port}`;
  return {
    name,
    ...(!secure && { hint: 'If it speaks TLS, its url begins with wss://.' }),
    backoff: REMOTE_BACKOFF,
    async open(signal): Promise<Result<Socket>> {
      const proof = secure ? await readProof(definition, place) : ok({});
      if (!proof.ok) return proof;
      const tcp = await connected(
        connectTcp({ host, port, ...EVERY_ADDRESS }),
        'connect',
        signal,
        connectMs,
        (error) => hostFailure(name, error),
      );
      if (!tcp.ok || !secure) return tcp;
      return await secured(tcp.value, { host, name }, proof.value, signal, connectMs);
    },
    async ticket() {
      const read = await readToken(definition.token, place);
      if (!read.ok) return read;
      const { token, from } = read.value;
      return ok({ headers: { host: name, authorization: `Bearer ${token}` }, from });
    },
  };
}

async function secured(
  tcp: Socket,
  { host, name }: { host: string; name: string },
  { ca, pin, client }: Proof,
  signal: AbortSignal,
  connectMs: number,
): Promise<Result<TLSSocket>> {
  let socket: TLSSocket;
  try {
    socket = connectTls({
      socket: tcp,
      // SNI has no addresses; the names in the certificate are compared with either.
      ...(isIP(host) === 0 && { servername: host }),
      host,
      ...(ca !== undefined && { ca }),
      ...client,
      minVersion: 'TLSv1.2',
      ALPNProtocols: ['http/1.1'],
      // It is judged below, where it can be said what is wrong with it: nothing is sent before.
      rejectUnauthorized: false,
      checkServerIdentity: (_, certificate) => checkServerIdentity(host, certificate),
    });
  } catch (error) {
    tcp.destroy();
    return unreachable(badFiles(name, error));
  }
  const shaken = await connected(socket, 'secureConnect', signal, connectMs, (error) =>
    tlsFailure(name, error),
  );
  if (!shaken.ok) return shaken;
  const certificate = socket.getPeerX509Certificate();
  const why = whyNotTrusted(
    {
      host: name,
      authorized: socket.authorized,
      reason: String(socket.authorizationError),
      fingerprint: certificate && `sha256:${certificate.fingerprint256.replaceAll(':', '').toLowerCase()}`,
      validFrom: certificate?.validFrom ?? '',
      validTo: certificate?.validTo ?? '',
      names: certificate?.subjectAltName ?? '',
      pin,
      hasCa: ca !== undefined,
    },
    new Date(),
  );
  if (why === undefined) return ok(socket);
  socket.destroy();
  return unreachable(why);
}

/** Waits for it to be ready, and takes it away where it is not. */
function connected<S extends Socket>(
  socket: S,
  ready: 'connect' | 'secureConnect',
  signal: AbortSignal,
  patienceMs: number,
  explain: (error: Error) => string,
): Promise<Result<S>> {
  return new Promise((resolve) => {
    const settle = (result: Result<S>) => {
      clearTimeout(impatience);
      signal.removeEventListener('abort', stop);
      socket.off('error', failed);
      socket.off('close', closed);
      if (!result.ok) {
        socket.on('error', () => {});
        socket.destroy();
      }
      resolve(result);
    };
    const failed = (error: Error) => settle(unreachable(explain(error)));
    const closed = () => failed(new Error('it closed the connection'));
    const stop = () => settle(unreachable('The link was closed.'));
    const impatience = setTimeout(() => failed(timedOut()), patienceMs);
    signal.addEventListener('abort', stop, { once: true });
    socket.once('error', failed);
    socket.once('close', closed);
    socket.once(ready, () => settle(ok(socket)));
    if (signal.aborted) stop();
  });
}

function timedOut(): Error {
  return Object.assign(new Error('it took too long'), { code: 'ETIMEDOUT' });
}

/** Why no TLS came of a connection. */
function tlsFailure(name: string, error: Error): string {
  const code = 'code' in error ? String(error.code) : '';
  if (code === 'ETIMEDOUT')
    return `${name} took the connection and says nothing in TLS: is that the agent's port?`;
  if (code === 'ERR_SSL_WRONG_VERSION_NUMBER' || code === 'ERR_SSL_PACKET_LENGTH_TOO_LONG') {
    return `What answers on ${name} is no TLS, and so no Towline agent. Look at the port of the map's url.`;
  }
  if (/PROTOCOL_VERSION|NO_PROTOCOLS|UNSUPPORTED_PROTOCOL/.test(code)) {
    return `${name} has no TLS 1.2 or later, which every Towline agent has. Look at the port of the map's url.`;
  }
  return `No TLS connection to ${name} came about: ${error.message.trim()}.`;
}

/** TLS does not begin where the map's own files are none. */
function badFiles(name: string, error: unknown): string {
  const reason = error instanceof Error ? error.message : String(error);
  return `The ca, client_cert or client_key that the map names for ${name} can't be used: ${reason}.`;
}

function unreachable(message: string) {
  return err({ code: 'agent-unreachable', message });
}
