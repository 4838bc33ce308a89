/**
 * Why a text is no agent's URL, as a sentence; undefined where it is one. There are `unix:///path`,
 * `ssh://[user@]host[:port][/path]`, `wss://host[:port]`, and `ws://` on loopback only: elsewhere it would carry the token
 * in the clear.
 */
export function whyNoAgentUrl(url: string): string | undefined {
  const [, scheme, rest = ''] = /^([a-z]+):\/\/(.*)$/s.exec(url) ?? [];
  switch (scheme) {
    case 'unix':
      return /^\/[^\s]+$/.test(rest)
        ? undefined
        : 'After unix:// comes an absolute path: three slashes in all';
    case 'ssh':
      return whyNoAuthority(rest, true);
    case 'wss':
      return whyNoAuthority(rest, false);
    case 'ws':
      return (
        whyNoAuthority(rest, false) ??
        (/^(localhost|127(?:\.\d+){3}|\[::1\])(?::\d+)?\/?$/.test(rest)
          ? undefined
          : 'ws:// is for loopback only: use wss:// or ssh://')
      );
    case undefined:
      return 'It begins with unix:///, as in unix:///run/towline/agent.sock';
    default:
      return `${scheme}:// is none of unix://, ssh:// and wss://`;
  }
}

function whyNoAuthority(text: string, ssh: boolean): string | undefined {
  const [, user, host, port, path] =
    /^(?:([^@/\s]*)@)?(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9](?:[A-Za-z0-9._-]*))(?::(\d+))?(\/[^\s]*)?$/.exec(
      text,
    ) ?? [];
  if (host === undefined) return 'It has a host after the two slashes';
  if (user?.includes(':')) return 'A password does not belong in it';
  if (user !== undefined && (!ssh || user === ''))
    return ssh ? 'The user before @ is empty' : 'It has no user';
  if (port !== undefined && (Number(port) < 1 || Number(port) > 65_535)) return 'The port is from 1 to 65535';
  if (!ssh && path !== undefined && path !== '/') return 'It has no path';
  return undefined;
}
