import { isIP, isIPv4, isIPv6 } from 'node:net';
import { err, ok, type Result } from '@towline/core/result';

/** The words of the command line about the network, as they were given. */
export interface ListenWords {
  listen?: string | undefined;
  tlsCert?: string | undefined;
  tlsKey?: string | undefined;
  tlsClientCa?: string | undefined;
}

/** Where the agent listens on the network, and the files that it does so with. */
export interface ListenPlan {
  /** A name or an address. */
  host: string;
  /** 0 for any that is free. */
  port: number;
  /** Absent: without TLS, which only loopback is good for. */
  tls?: TlsFiles;
}

export interface TlsFiles {
  cert: string;
  key: string;
  /** Whoever connects has to have a certificate of one of these. */
  clientCa?: string;
}

/** What the words of the command line come to; undefined where they say nothing of the network. Errors: `listen-words`. */
export function listenPlan(words: ListenWords): Result<ListenPlan | undefined> {
  const { listen, tlsCert, tlsKey, tlsClientCa } = words;
  if (listen === undefined) {
    const given = [tlsCert && '--tls-cert', tlsKey && '--tls-key', tlsClientCa && '--tls-client-ca'].find(
      Boolean,
    );
    return given ? wrong(`${given} is for --listen HOST:PORT: give both, or none.`) : ok(undefined);
  }
  const [, name = '', portText = ''] = /^(\[[^[\]\s]+\]|[^:[\]\s]+):(\d{1,5})$/.exec(listen) ?? [];
  const host = name.replace(/^\[(.*)\]$/, '$1');
  const port = Number(portText);
  if (host === '' || port > 65_535 || (name !== host && !isIPv6(host))) {
    return wrong(
      `--listen ${listen} is no HOST:PORT, such as 0.0.0.0:7443, [::]:7443 or 127.0.0.1:7443. The port is from 1 to 65535, or 0 for any.`,
    );
  }
  if (tlsCert === undefined && tlsKey === undefined) {
    if (tlsClientCa !== undefined) {
      return wrong('--tls-client-ca wants TLS: give --tls-cert and --tls-key as well.');
    }
    // What a name stands for is not known yet.
    return isIP(host) === 0 || isLoopback(host) ? ok({ host, port }) : wrong(tlsAlone(host));
  }
  if (tlsCert === undefined) return wrong('--tls-key has no --tls-cert: give the certificate as well.');
  if (tlsKey === undefined) return wrong('--tls-cert has no --tls-key: give its key as well.');
  return ok({
    host,
    port,
    tls: { cert: tlsCert, key: tlsKey, ...(tlsClientCa !== undefined && { clientCa: tlsClientCa }) },
  });
}

/**
 * Why the agent does not listen at an address in this way; undefined where it does. `tokens`: how many it keeps, also such as
 * ended. One that had tokens goes on listening when the last has expired: it is still there for who gets the next, and an
 * agent that did not start for it would leave what a killed one had begun.
 */
export function whyNotListen(
  { plan, address, tokens }: { plan: ListenPlan; address: string; tokens: number },
  makeToken: string,
): string | undefined {
  if (plan.tls === undefined && !isLoopback(address)) {
    return tlsAlone(plan.host);
  }
  if (tokens === 0) {
    return `The agent listens on ${plan.host}:${plan.port} for those who have a token, and there is none yet. Make one first: ${makeToken}`;
  }
  return undefined;
}

function tlsAlone(host: string): string {
  return `The agent listens on the network with TLS alone: give --tls-cert FILE and --tls-key FILE for ${host}, or listen on 127.0.0.1.`;
}

/** Whether nobody but this machine gets to an IP address. */
export function isLoopback(address: string): boolean {
  if (isIPv4(address)) return address.startsWith('127.');
  return isIPv6(address) && (/^(0*:)*:?0*1$/.test(address) || /^::ffff:127\./i.test(address));
}

function wrong(message: string) {
  return err({ code: 'listen-words', message });
}
