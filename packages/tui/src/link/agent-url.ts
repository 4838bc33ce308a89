import { err, ok, type Result } from '@towline/core/result';

/** Where an agent listens. */
export type AgentAddress = UnixAddress | SshAddress | WsAddress;

/** A socket of this machine. */
export interface UnixAddress {
  kind: 'unix';
  path: string;
}

/** A socket of another machine, reached over SSH. What the URL does not say, `~/.ssh/config` or a default does. */
export interface SshAddress {
  kind: 'ssh';
  /** As written: a name of `~/.ssh/config`, a host name or an address (IPv6 without its brackets). */
  host: string;
  user?: string;
  port?: number;
  /** The agent's socket there. */
  path?: string;
}

/** A port on the network. */
export interface WsAddress {
  kind: 'ws';
  /** Over TLS; without, on loopback alone. */
  secure: boolean;
  /** A name or an address (IPv6 without its brackets). */
  host: string;
  port: number;
}

/** An agent's `url` of the map file as an address. Errors: `bad-url`. */
export function agentAddress(url: string): Result<AgentAddress> {
  const scheme = /^([a-z+]+):\/\//.exec(url)?.[1];
  switch (scheme) {
    case 'unix': {
      const path = decoded(url.slice('unix://'.length));
      if (path?.startsWith('/')) return ok({ kind: 'unix', path });
      return err(badUrl(url, 'a Unix socket needs an absolute path, as in unix:///run/towline/agent.sock'));
    }
    case 'ssh':
      return sshAddress(url);
    case 'wss':
    case 'ws':
      return wsAddress(url);
    default:
      return err(badUrl(url, 'it is unix:///PATH, ssh://[USER@]HOST[:PORT][/PATH] or wss://HOST[:PORT]'));
  }
}

const WS_URL = /^(wss?):\/\/(?:\[([0-9a-fA-F:.]+)\]|([^@/:[\]\s]+))(?::(\d+))?\/?$/;

function wsAddress(url: string): Result<AgentAddress> {
  const [, scheme, literal, name, port] = WS_URL.exec(url) ?? [];
  const host = literal ?? name;
  const secure = scheme === 'wss';
  const number = port === undefined ? (secure ? 443 : 80) : Number(port);
  if (host === undefined || number < 1 || number > 65_535) return err(badUrl(url, 'it is wss://HOST[:PORT]'));
  if (!secure && !/^(localhost|127(?:\.\d+){3}|::1)$/.test(host)) {
    return err(badUrl(url, 'ws:// is for loopback only, use wss:// or ssh://'));
  }
  return ok({ kind: 'ws', secure, host, port: number });
}

const SSH_URL = /^ssh:\/\/(?:([^@/]+)@)?(?:\[([0-9a-fA-F:.]+)\]|([^@/:[\]]+))(?::(\d+))?(\/.*)?$/s;

function sshAddress(url: string): Result<AgentAddress> {
  const [found, user, literal, name, port, rest] = SSH_URL.exec(url) ?? [];
  const host = literal ?? name;
  const who = user === undefined ? undefined : decoded(user);
  // A slash alone says as little as none.
  const path = rest === undefined || rest === '/' ? undefined : decoded(rest);
  const bad =
    found === undefined ||
    host === undefined ||
    (user !== undefined && who === undefined) ||
    (rest !== undefined && rest !== '/' && path === undefined) ||
    Number(port ?? 22) < 1 ||
    Number(port ?? 22) > 65_535;
  if (bad) return err(badUrl(url, 'it is ssh://[USER@]HOST[:PORT][/PATH]'));
  // What begins with a dash was taken for an option by many a program that is given a host.
  if (host.startsWith('-') || who?.startsWith('-')) {
    return err(badUrl(url, 'neither its host nor its user may begin with a dash'));
  }
  return ok({
    kind: 'ssh',
    host,
    ...(who !== undefined && { user: who }),
    ...(port !== undefined && { port: Number(port) }),
    ...(path !== undefined && { path }),
  });
}

/** The url of an address, for people and for commands: a path is as it is. */
export function sshUrl({ user, host, port, path = '' }: SshAddress): string {
  const name = host.includes(':') ? `[${host}]` : host;
  return `ssh://${user === undefined ? '' : `${user}@`}${name}${port === undefined ? '' : `:${port}`}${path}`;
}

function badUrl(url: string, expected: string) {
  return { code: 'bad-url', message: `The agent's url "${url}" can't be used: ${expected}.` };
}

/** Undefined where it is no text of one line: sshd cuts a connection off that asks for a path with a NUL in it. */
function decoded(text: string): string | undefined {
  try {
    const plain = decodeURIComponent(text);
    return /\p{Cc}/u.test(plain) ? undefined : plain;
  } catch {
    return undefined;
  }
}
