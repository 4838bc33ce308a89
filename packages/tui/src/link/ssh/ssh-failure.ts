import type { KeyFile } from './identities.ts';
import type { HostKeyVerdict } from './known-hosts.ts';

/** A key that was offered: where it is, and what became of it. */
export interface TriedKey {
  name: string;
  outcome:
    | 'not-accepted'
    /** The machine wanted it, it signed, and nobody was let in for it. */
    | 'taken'
    /** The SSH agent that has it did not sign. */
    | 'unsigned'
    /** Its passphrase was not given. */
    | 'refused'
    /** Its passphrase was wrong. */
    | 'wrong';
}

/** Why a TCP connection to a machine was not made. `hop` is its name for people; `host` and `port` where it is. */
export function dialFailure(
  hop: string,
  { host, port }: { host: string; port: number },
  code: string,
): string {
  switch (code) {
    case 'ENOTFOUND':
      return `${hop}: there is no machine of the name ${host}. Look at the url in the map file, or give it a HostName in ~/.ssh/config.`;
    case 'EAI_AGAIN':
      return `${hop}: the name ${host} can't be looked up at the moment. Look at this machine's network.`;
    case 'ECONNREFUSED':
      return `${hop}: nobody listens on port ${port} of ${host}. Start sshd there, or name its port in the url.`;
    case 'ETIMEDOUT':
      return `${hop}: ${host} does not answer on port ${port}. See whether the machine is up, and whether a firewall is between.`;
    case 'EHOSTUNREACH':
    case 'ENETUNREACH':
      return `${hop}: there is no way to ${host} from here. Look at this machine's network, or use a ProxyJump.`;
    case 'ECONNRESET':
      return `${hop}: ${host} took the connection and cut it off. Its sshd may be too busy (MaxStartups), or refuse this address.`;
    default:
      return `${hop}: ${host} can't be connected to on port ${port} (${code}).`;
  }
}

/** Why a machine did not connect on to the next one: SSH's reason, and what sshd says. */
export function jumpFailure(
  hop: string,
  gate: string,
  { host, port }: { host: string; port: number },
  failure: { reason: number | undefined; said: string },
): string {
  const ADMINISTRATIVELY_PROHIBITED = 1;
  if (failure.reason === ADMINISTRATIVELY_PROHIBITED) {
    return `${hop}: ${gate} may not connect on to ${host}:${port}. Allow it in its sshd_config: AllowTcpForwarding yes (or local), and PermitOpen.`;
  }
  const said = failure.said.replace(/^\(SSH\) Channel open failure: /, '');
  return `${hop}: ${gate} can't connect on to ${host}:${port} (${said}). See from there whether the machine is up and its sshd runs.`;
}

/** Why a host key was not taken; `add` is the command that makes it known, `forget` one that forgets what a file has of the host. */
export function hostKeyFailure(
  hop: string,
  offered: { type: string; fingerprint: string },
  verdict: Exclude<HostKeyVerdict, { verdict: 'known' }>,
  { add, forget }: { add: string; forget(path: string): string },
): string {
  const { type, fingerprint } = offered;
  switch (verdict.verdict) {
    case 'revoked':
      return `${hop}: its host key ${fingerprint} (${type}) is revoked by ${placeText(verdict.at)}. It is not connected to: have the machine given a new one.`;
    case 'differs': {
      const { known } = verdict;
      return `${hop}: its host key is another than the known one. It shows ${fingerprint} (${type}); known is ${known.fingerprint} (${known.type}), ${placeText(known.at)}. Somebody may be between you and it. Where the machine was set up anew and that is its fingerprint, have the new one in its place: ${forget(known.at.path)} && ${add}`;
    }
    case 'unknown': {
      const authority =
        verdict.authority === undefined
          ? ''
          : ` (${placeText(verdict.authority)} is a @cert-authority, which Towline does not support.)`;
      return `${hop}: its host key is not known: ${fingerprint} (${type}).${authority} Compare it with what \`ssh-keygen -lf /etc/ssh/ssh_host_${keyFileWord(type)}_key.pub\` prints there. Where it is the same: ${add}`;
    }
  }
}

/** Why none of the keys let the user in. */
export function authenticationFailure(
  hop: string,
  user: string,
  tried: readonly TriedKey[],
  files: readonly KeyFile[],
  {
    accepted,
    agent,
    hasAgent,
  }: { accepted: readonly string[]; agent: string | undefined; hasAgent: boolean },
): string {
  // Without one ssh-add has nobody to give the key to.
  const add = hasAgent ? 'ssh-add' : 'eval "$(ssh-agent)" && ssh-add';
  const problems = [
    ...tried.flatMap((key) => triedProblem(key, add)),
    ...files.flatMap(fileProblem),
    ...(agent === undefined ? [] : [`the SSH agent ${agent}`]),
  ];
  const also = problems.length === 0 ? '' : ` ${sentence(problems.join('; '))}`;
  if (accepted.length > 0 && !accepted.includes('publickey')) {
    return `${hop}: it lets ${user} in by ${accepted.join(' or ')} only, and Towline uses keys. Allow PubkeyAuthentication in its sshd_config.${also}`;
  }
  const taken = tried.find(({ outcome }) => outcome === 'taken');
  if (taken !== undefined) {
    return `${hop}: it took the key ${taken.name} and does not let ${user} in by that alone: it wants a password or a code besides (AuthenticationMethods in its sshd_config), which Towline can't give. Name a user in the url whom a key alone lets in.`;
  }
  const refused = tried.filter(({ outcome }) => outcome === 'not-accepted').map(({ name }) => name);
  if (refused.length > 0) {
    return `${hop}: it accepts none of the keys for ${user}: ${refused.join(', ')}. Add one to ~/.ssh/authorized_keys there, or name another with IdentityFile in ~/.ssh/config.${also}`;
  }
  if (problems.length > 0) return `${hop}: no key could be offered for ${user}.${also}`;
  return `${hop}: there is no key to offer for ${user}. Make one with ssh-keygen and add it to ~/.ssh/authorized_keys there, or start an SSH agent.`;
}

function triedProblem(tried: TriedKey, add: string): string[] {
  switch (tried.outcome) {
    case 'not-accepted':
    case 'taken':
      return [];
    case 'unsigned':
      return [
        `the key ${tried.name} would be accepted and its agent did not sign: where it asks to be confirmed or touched, do so`,
      ];
    case 'refused':
      return [
        `the key ${tried.name} would be accepted and its passphrase was not given: unlock it with \`${add} ${tried.name}\`, or give it (r in the dashboard asks again)`,
      ];
    case 'wrong':
      return [
        `the passphrase of ${tried.name} was wrong: try again (r in the dashboard), or unlock it with \`${add} ${tried.name}\``,
      ];
  }
}

function fileProblem(file: KeyFile): string[] {
  switch (file.state) {
    case 'too-open':
      return [
        `${file.path} can be read by others (mode ${file.mode.toString(8).padStart(4, '0')}) and is not used: chmod 600 ${file.path}`,
      ];
    case 'unusable':
      return [`${file.path} can't be used: ${file.reason}`];
    case 'found':
    case 'missing':
      return [];
  }
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}

function placeText({ path, line }: { path: string; line: number }): string {
  return `${path}:${line}`;
}

function keyFileWord(type: string): string {
  if (type.startsWith('ecdsa-')) return 'ecdsa';
  return type === 'ssh-rsa' ? 'rsa' : 'ed25519';
}
