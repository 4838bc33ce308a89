import { lineAsSeen } from '../log/index.ts';
import { type DownloadFailure, type GitSource, serverName } from './git-source.ts';

/** Or what is wrong with what the agent keeps: that is made anew. */
export type GitFailure = DownloadFailure | { code: 'clone-broken'; message: string };

/** How git says that objects of its own are damaged or missing. */
const BROKEN =
  /object file .* is empty|loose object .* is corrupt|is corrupted|corrupt(?:ed)? (?:loose|pack|object)|packfile .* (?:cannot be|does not match|is far too short|claims)|bad (?:object|tree|sha1|pack header|signature|index)|missing (?:blob|tree|commit|necessary objects)|unable to (?:read|find) (?:tree|[0-9a-f]{40})|unable to parse|not a git repository: '|index file (?:smaller|corrupt)|bad index file|inflate: data stream error|unresolved deltas|non-monotonic index|invalid object|did not receive expected object|could not parse commit|bad config|reference broken|broken ref|bad ref/i;

/** What git said when a repository could not be read, as a code and a sentence. `stderr` may have progress in it. */
export function classifyFailure(stderr: string, source: GitSource): GitFailure {
  const { url, ref, credentials } = source;
  const server = serverName(url);
  const said = saidBy(stderr);
  const has = (pattern: RegExp) => pattern.test(stderr);
  const failure = (code: DownloadFailure['code'], message: string): DownloadFailure => ({ code, message });

  if (has(/No space left on device|Disk quota exceeded|Out of diskspace/i)) {
    return diskFull();
  }
  if (has(/REMOTE HOST IDENTIFICATION HAS CHANGED/)) return hostKeyChanged(stderr, source);
  if (has(/No \S+ host key is known for|Host key verification failed/)) {
    return failure('host-key-unknown', `The host key of ${server} is not known to the agent.`);
  }
  if (
    has(/Could not resolve host(?:name)?|Name or service not known|Temporary failure in name resolution/i)
  ) {
    return failure(
      'server-unknown',
      `The agent finds no server ${server}: its name is not known there. Check the URL, and the agent’s name server.`,
    );
  }
  if (has(/Connection refused|Couldn't connect to server/i)) {
    return failure('server-refused', `${server} refuses the connection. Check the URL, and whether it runs.`);
  }
  if (has(/timed? ?out|No route to host|Network is unreachable|Operation too slow/i)) return noAnswer(server);
  if (has(/certificate|SSL_|TLS|gnutls_handshake/i) && has(/unable to access/)) {
    return failure(
      'certificate',
      `The agent does not trust the certificate of ${server} (${said}). Add its authority to the agent’s machine, or correct the URL.`,
    );
  }
  if (has(/could not read (?:Username|Password)|terminal prompts disabled|unable to read askpass/i)) {
    return credentials === undefined
      ? failure(
          'password-wanted',
          `${server} wants a user and password or a token for this repository. Put one into a secret, and name it in the source’s credentials.`,
        )
      : failure(
          'password-wrong',
          `${server} does not take the credentials, or asks for others than the source’s (${said}). Check the user and the secret.`,
        );
  }
  if (has(/Authentication failed for|Invalid username or (?:password|token)/i)) {
    return failure(
      'password-wrong',
      `${server} does not take the user and password or token. Check the user, and put the secret again.`,
    );
  }
  if (has(/Permission denied \(|Too many authentication failures/)) {
    return failure(
      'no-access',
      credentials?.kind === 'ssh'
        ? `${server} does not let the agent’s SSH key in. Add its public key there, for this repository.`
        : `${server} wants an SSH key. Choose the agent’s SSH key as the source’s credentials.`,
    );
  }
  if (
    has(
      /returned error: 403|access denied|not allowed to (?:read|download)|insufficient permission|HTTP Basic: Access denied/i,
    )
  ) {
    return failure(
      'no-access',
      `${server} knows the user, who may not read this repository. Ask for access there.`,
    );
  }
  if (
    has(
      /repository '.*' not found|does not appear to be a git repository|Repository not found|returned error: 404|could not be found or you don't have permission|'.*' not found|does not exist/i,
    )
  ) {
    return failure(
      'no-such-repository',
      `There is no repository at ${url}, or it is not shown to the agent. Check the URL and the credentials.`,
    );
  }
  if (
    has(
      /couldn't find remote ref|not our ref|unadvertised object|no such remote ref|Remote branch .* not found/i,
    )
  ) {
    return noSuchRef(source);
  }
  if (has(/returned error: 5\d\d/)) {
    return failure('server-failed', `${server} has a fault of its own (${said}). Try again later.`);
  }
  if (has(/transport '.*' not allowed/)) {
    return failure(
      'bad-source',
      `A repository of it is at a place that is not read (${said}). Check its submodules.`,
    );
  }
  if (has(BROKEN)) return { code: 'clone-broken', message: said };
  if (
    has(
      /hung up unexpectedly|early EOF|Connection (?:reset|closed)|RPC failed|unexpected disconnect|Empty reply/i,
    )
  ) {
    return failure('server-failed', `${server} broke off the connection (${said}). Try again.`);
  }
  return failure('git-failed', `git could not read ${ref} of ${url} (${said}).`);
}

export function diskFull(): DownloadFailure {
  return {
    code: 'disk-full',
    message:
      'The agent’s disk is full: make room, or clear the sources and caches of builds, and run it again.',
  };
}

export function noAnswer(server: string): DownloadFailure {
  return {
    code: 'server-timeout',
    message: `${server} does not answer. Check the URL, and whether the agent’s machine may reach it.`,
  };
}

export function noSuchRef({ url, ref }: GitSource): DownloadFailure {
  return {
    code: 'no-such-ref',
    message: `There is no branch, tag or commit ${ref} in ${url}. Check the source’s ref.`,
  };
}

function hostKeyChanged(stderr: string, { url }: GitSource): DownloadFailure {
  const server = serverName(url);
  const fingerprint = /SHA256:[\w+/]+/.exec(stderr)?.[0];
  const known = /Offending \S+ key in (.+?):\d+/.exec(stderr)?.[1];
  const forget = `ssh-keygen -R '${knownHostsName(url)}'${known === undefined ? '' : ` -f '${known}'`}`;
  return {
    code: 'host-key-changed',
    message: `The host key of ${server} is not the one that the agent knows: somebody may pretend to be it. It offers ${fingerprint ?? 'another key'}. If those who run the server confirm that, forget the old key with: ${forget} and add the new one.`,
    ...(fingerprint !== undefined && { fingerprint }),
  };
}

/** How known_hosts calls a source's server. */
export function knownHostsName(url: string): string {
  const name = serverName(url);
  const [, host = name, port] = /^(.*?)(?::(\d+))?$/.exec(name) ?? [];
  return port === undefined || port === '22' ? host : `[${host}]:${port}`;
}

/** Git's own words that say why: the last of its `fatal:` and `error:` lines, or else its last line. */
export function saidBy(stderr: string): string {
  const lines = stderr.split(/[\r\n]+/).filter((line) => line.trim() !== '');
  const fatal = lines.findLast((line) => /^(?:fatal|error|remote: (?:fatal|error)):/i.test(line));
  // A server's own words may be among them.
  return lineAsSeen(fatal ?? lines.at(-1) ?? 'it gave no reason')
    .replace(/^(?:fatal|error): /, '')
    .slice(0, 500);
}
