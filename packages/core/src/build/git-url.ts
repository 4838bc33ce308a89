/**
 * Why a text is no URL that a build's source can have, as a sentence that says what to do; undefined where it is one.
 * Over https, ssh or git, from a folder of the agent's machine, or as git's short form of ssh.
 *
 * Git runs a command for `ext::…`, and takes what begins with `-` for an option: neither gets that far. A password in a
 * URL ends in logs and in `.git/config`.
 */
export function whyNoGitUrl(url: string): string | undefined {
  if (url === '') return 'Write where the repository is';
  if (url.length > MAX_URL) return `It is longer than ${MAX_URL} characters`;
  if (/[\s\p{C}]/u.test(url)) return 'A URL has no spaces in it';
  if (url.startsWith('-')) return 'A URL does not begin with "-"';
  if (/^[a-z0-9+.-]+::/i.test(url))
    return 'Write https://, ssh:// or file://: git helpers (name::) are not run';
  const [, scheme = '', rest = ''] = /^([a-z][a-z0-9+.-]*):\/\/(.*)$/i.exec(url) ?? [];
  // A password with a slash in it looks like a port and a path.
  if (/^[^/?#@]*:(?!\d*(?:\/|$))(?!:).*@/.test(rest) && !rest.startsWith('[')) return KEEP_OUT;
  switch (scheme.toLowerCase()) {
    case 'https':
    case 'http':
      // A name alone is refused as well: it may be a token.
      if (userOf(rest) !== undefined) return KEEP_OUT;
      return /^[^/]+\/./.test(rest) ? undefined : 'Write a host and a path';
    case 'ssh':
    case 'git':
      if (userOf(rest)?.includes(':') === true) return KEEP_OUT;
      if (!/^(?:[^/@-][^/@]*@)?[^/@-][^/@]*\/./.test(rest)) return 'Write a host and a path';
      return undefined;
    case 'file':
      return rest.startsWith('/') ? undefined : 'Write file:// and an absolute path';
    case '':
      if (url.startsWith('/')) return undefined;
      if (/^[^/@:]+:[^/@]*@/.test(url)) return KEEP_OUT;
      // git@host:path; without a user a drive's letter would be a host.
      return SHORT_SSH.test(url) ? undefined : 'Write https://, ssh://, file:// or user@host:path';
    default:
      return `${scheme}:// is not read. Write https://, ssh:// or file://`;
  }
}

/** How git reaches the repository: what kind of credentials fit. */
export type GitTransport = 'http' | 'ssh' | 'local' | 'anonymous';

/** The transport of a URL that `whyNoGitUrl` has nothing against. */
export function gitTransport(url: string): GitTransport {
  if (/^https?:\/\//i.test(url)) return 'http';
  if (/^ssh:\/\//i.test(url) || (!url.includes('://') && !url.startsWith('/'))) return 'ssh';
  return /^git:\/\//i.test(url) ? 'anonymous' : 'local';
}

const MAX_URL = 2_000;
const SHORT_SSH = /^[^/@:-][^/@:]*@[^/@:-][^/@:]*:[^:].*$/;
const KEEP_OUT =
  'Leave user and password out of it. Put the password or token into a secret on the agent, and write credentials: { user: NAME, password: { secret: NAME } } or { token: { secret: NAME } }';

/** What stands before the host's `@`. */
function userOf(rest: string): string | undefined {
  const host = rest.split(/[/?#]/, 1)[0] ?? '';
  const at = host.lastIndexOf('@');
  return at < 0 ? undefined : host.slice(0, at);
}

/** Whether git can have a branch, tag or commit of that name (git-check-ref-format, and no option). */
export function isGitRef(ref: string): boolean {
  return (
    ref.length > 0 &&
    ref.length <= 250 &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: git forbids them
    !/[\x00-\x20\x7f~^:?*[\\]|\.\.|@\{|\/\/|\.lock(?:\/|$)|\/$|\.$|^\/|^-|(?:^|\/)\./.test(ref) &&
    ref !== '@'
  );
}
