import type { Failure } from '@towline/core/result';

/** Where a build's source is, with what it takes to read it. Not for a journal: it may have a password in it. */
export interface GitSource {
  /** As `whyNoGitUrl` has nothing against it. */
  url: string;
  /** A branch, a tag or a commit, all of its digits or at least seven of them. */
  ref: string;
  submodules?: boolean;
  credentials?: GitAccess;
}

/** Credentials with their secrets in them. They are used for the source's own host, and for no submodule elsewhere. */
export type GitAccess =
  | { kind: 'password'; user: string; password: string }
  | { kind: 'token'; token: string }
  /** The agent's SSH key; by default those of its user, and that user's known hosts. */
  | { kind: 'ssh'; keyFile?: string; knownHostsFile?: string };

export type DownloadCode =
  | 'bad-source'
  | 'git-missing'
  | 'server-unknown'
  | 'server-refused'
  | 'server-timeout'
  | 'server-failed'
  | 'certificate'
  | 'password-wanted'
  | 'password-wrong'
  | 'no-access'
  | 'host-key-unknown'
  | 'host-key-changed'
  | 'no-such-repository'
  | 'no-such-ref'
  | 'disk-full'
  | 'lfs-missing'
  | 'cancelled'
  | 'git-failed';

/** Why a source could not be had: what happened and what to do, without anything secret. */
export interface DownloadFailure extends Failure<DownloadCode> {
  /** Of the host key that a server offers, where that is not the one that is known. */
  fingerprint?: string;
}

/** Where a URL's server is: `host`, or `host:port`; undefined for a folder of this machine. */
export function serverOf(
  url: string,
): { scheme: string; host: string; port?: string; user?: string } | undefined {
  const [, scheme, authority = ''] = /^([a-z][a-z0-9+.-]*):\/\/([^/?#]*)/i.exec(url) ?? [];
  if (scheme === undefined) {
    const [, user, host] = /^([^/@:]+)@([^/@:]+):/.exec(url) ?? [];
    return user === undefined || host === undefined ? undefined : { scheme: 'ssh', host, user };
  }
  if (scheme.toLowerCase() === 'file') return undefined;
  const at = authority.lastIndexOf('@');
  const [, host = '', port] = /^(\[[^\]]*\]|[^:]*)(?::(\d+))?$/.exec(authority.slice(at + 1)) ?? [];
  return {
    scheme: scheme.toLowerCase(),
    host,
    ...(port !== undefined && { port }),
    ...(at > 0 && { user: authority.slice(0, at) }),
  };
}

/** What the failures call a source's server. */
export function serverName(url: string): string {
  const server = serverOf(url);
  if (server === undefined) return 'this machine';
  return server.port === undefined ? server.host : `${server.host}:${server.port}`;
}

/** What is secret of it: to be hidden wherever it turns up. */
export function secretsOf({ credentials }: GitSource): string[] {
  if (credentials?.kind === 'password') return [credentials.password];
  return credentials?.kind === 'token' ? [credentials.token] : [];
}
