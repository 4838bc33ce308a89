import { gitTransport } from '@towline/core/build';
import { type GitSource, serverOf } from './git-source.ts';

/** In the environment of every git that works on a source: what a killed agent left running is found by it. */
export const SOURCE_MARK = 'TOWLINE_SOURCE';

/** A user that every server takes with a token for a password, Bitbucket among them, which wants just this one. */
const TOKEN_USER = 'x-token-auth';

/** What a machine has set for all its programs, and git must heed as well. */
const PASSED_ON =
  /^(?:PATH|TMPDIR|TZ|(?:https?|all|no)_proxy|SSL_CERT_(?:FILE|DIR)|GIT_SSL_CA(?:INFO|PATH))$/i;

/** The files that git is pointed to, in a folder for its user alone. No secret is in any of them. */
export interface GitFiles {
  gitconfig: string;
  'ssh-config': string;
  askpass: string;
}

/**
 * Answers to what git asks for, and to nothing else: a submodule on another host, or a server that redirects to one, asks
 * for another name. The answers are in the environment of git's own processes.
 */
const ASKPASS = `#!/bin/sh
case "$1" in
  "$TOWLINE_ASK_USER") printf '%s\\n' "$TOWLINE_USER" ;;
  "$TOWLINE_ASK_PASSWORD" | "$TOWLINE_ASK_PASSWORD_ENCODED") printf '%s\\n' "$TOWLINE_PASSWORD" ;;
  *) exit 1 ;;
esac
`;

/** Git's settings: nobody's own, no hooks, no helpers, and only the ways to a repository that a source can have. */
export function gitFiles(source: GitSource, options: { lfs: boolean }): GitFiles {
  return {
    gitconfig: gitConfig(source, options),
    'ssh-config': sshConfig(source),
    askpass: ASKPASS,
  };
}

function gitConfig({ url }: GitSource, { lfs }: { lfs: boolean }): string {
  const local = gitTransport(url) === 'local';
  const plainHttp = /^http:/i.test(url);
  const anonymous = gitTransport(url) === 'anonymous';
  const lines = [
    '[core]',
    'hooksPath = /dev/null',
    'fsmonitor = false',
    'attributesFile = /dev/null',
    'excludesFile = /dev/null',
    'autocrlf = false',
    'logAllRefUpdates = false',
    '[init]',
    'templateDir =',
    'defaultBranch = main',
    '[safe]',
    // The folder of a local source may be another user's; of a clone, only the agent writes.
    'directory = *',
    '[protocol]',
    'allow = never',
    '[protocol "https"]',
    'allow = always',
    '[protocol "ssh"]',
    'allow = always',
    // A submodule must not reach what its source does not: the agent's own files, or a plain connection.
    ...(plainHttp ? ['[protocol "http"]', 'allow = always'] : []),
    ...(anonymous ? ['[protocol "git"]', 'allow = always'] : []),
    ...(local ? ['[protocol "file"]', 'allow = always'] : []),
    '[credential]',
    'helper =',
    '[http]',
    'followRedirects = initial',
    '[fetch]',
    'recurseSubmodules = false',
    '[submodule]',
    'recurse = false',
    '[gc]',
    'autoDetach = false',
    '[maintenance]',
    'auto = false',
    '[advice]',
    'detachedHead = false',
    ...(lfs
      ? [
          '[filter "lfs"]',
          'clean = git-lfs clean -- %f',
          'smudge = git-lfs smudge -- %f',
          'process = git-lfs filter-process',
          'required = true',
        ]
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

/** The key for the source's own host; for any other, none. A host that is not known is not talked to. */
function sshConfig({ url, credentials }: GitSource): string {
  const server = serverOf(url);
  const lines: string[] = [];
  if (credentials?.kind === 'ssh' && server?.scheme === 'ssh') {
    lines.push(`Host ${sshWord(server.host.replace(/^\[|\]$/g, ''))}`, 'PubkeyAuthentication yes');
    if (credentials.keyFile !== undefined) {
      lines.push(`IdentityFile ${sshPath(credentials.keyFile)}`, 'IdentitiesOnly yes', 'IdentityAgent none');
    }
  }
  lines.push(
    'Host *',
    'BatchMode yes',
    'StrictHostKeyChecking yes',
    'UpdateHostKeys no',
    'PubkeyAuthentication no',
    'PasswordAuthentication no',
    'KbdInteractiveAuthentication no',
    'ForwardAgent no',
    'ClearAllForwardings yes',
    'PermitLocalCommand no',
    'ConnectTimeout 20',
    'ServerAliveInterval 15',
  );
  if (credentials?.kind === 'ssh' && credentials.knownHostsFile !== undefined) {
    lines.push(`UserKnownHostsFile ${sshPath(credentials.knownHostsFile)}`);
  }
  return `${lines.join('\n')}\n`;
}

/** In ssh_config(5) `%` begins a token, and a host's `*`, `?` and `!` a pattern. */
function sshPath(path: string): string {
  return `"${path.replaceAll('%', '%%')}"`;
}

function sshWord(host: string): string {
  return `"${host.replace(/[*?!"]/g, '')}"`;
}

/** The whole environment of git: little of the agent's own, and the credentials where git asks for them. */
export function gitEnvironment(
  source: GitSource,
  place: { folder: string; files: string; env: NodeJS.ProcessEnv },
): NodeJS.ProcessEnv {
  const passed = Object.entries(place.env).filter(([name]) => PASSED_ON.test(name));
  const { credentials } = source;
  const agentKeys = credentials?.kind === 'ssh' && credentials.keyFile === undefined;
  return {
    ...Object.fromEntries(passed),
    ...(agentKeys && place.env.SSH_AUTH_SOCK !== undefined && { SSH_AUTH_SOCK: place.env.SSH_AUTH_SOCK }),
    // No .netrc and nobody's settings.
    HOME: place.files,
    XDG_CONFIG_HOME: place.files,
    LC_ALL: 'C',
    GIT_CONFIG_GLOBAL: `${place.files}/gitconfig`,
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_TERMINAL_PROMPT: '0',
    GIT_ASKPASS: `${place.files}/askpass`,
    SSH_ASKPASS_REQUIRE: 'never',
    GIT_SSH_COMMAND: `ssh -F ${shellWord(`${place.files}/ssh-config`)}`,
    GIT_SSH_VARIANT: 'ssh',
    GIT_OPTIONAL_LOCKS: '0',
    [SOURCE_MARK]: place.folder,
    ...askedFor(source),
  };
}

/** Git's questions, word for word, and the answers. */
function askedFor({ url, credentials }: GitSource): Record<string, string> {
  const server = serverOf(url);
  if (server === undefined || credentials === undefined || credentials.kind === 'ssh') return {};
  const user = credentials.kind === 'password' ? credentials.user : TOKEN_USER;
  const password = credentials.kind === 'password' ? credentials.password : credentials.token;
  const host = server.port === undefined ? server.host : `${server.host}:${server.port}`;
  const asks = (name: string) => `Password for '${server.scheme}://${name}@${host}': `;
  return {
    TOWLINE_ASK_USER: `Username for '${server.scheme}://${host}': `,
    TOWLINE_ASK_PASSWORD: asks(user),
    // As later versions of git write it.
    TOWLINE_ASK_PASSWORD_ENCODED: asks(urlWord(user)),
    TOWLINE_USER: user,
    TOWLINE_PASSWORD: password,
  };
}

/** As RFC 3986 has it: git escapes what `encodeURIComponent` leaves. */
function urlWord(text: string): string {
  const escaped = (char: string) => `%${char.charCodeAt(0).toString(16)}`;
  return encodeURIComponent(text)
    .replace(/[!'()*]/g, escaped)
    .replace(/%[0-9A-F]{2}/g, (hex) => hex.toLowerCase());
}

function shellWord(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
