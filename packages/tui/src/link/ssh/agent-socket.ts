import { type SshAddress, sshUrl } from '../agent-url.ts';
import { shCommand } from './sh-command.ts';
import { shellWord } from './shell-word.ts';

/** Where an agent that systemd runs has its socket. */
export const SYSTEM_SOCKET = '/run/towline/agent.sock';

/** What a machine says of a socket of its own that sshd would not connect to. */
export type SocketState =
  /** It is there, may be used, and somebody listens: sshd does not want to. */
  | 'listens'
  | 'nobody'
  | 'denied'
  /** A folder on the way to it is closed to this user: whether it is there can't be told. */
  | 'hidden'
  | 'no-socket'
  | 'missing';

export interface FoundSocket {
  path: string;
  state: SocketState;
  /** Whose it is, or the folder that is closed, where this user may not use it. */
  owner?: string;
}

/**
 * The words for a machine's shell that tell the state of each socket, one to a line, and of the one that an agent has
 * which its user started (`towline-agent --help`) where `ownToo`. POSIX alone.
 */
export function socketQuestion(paths: readonly string[], { ownToo }: { ownToo: boolean }): string {
  // biome-ignore lint/suspicious/noTemplateCurlyInString: the shell's.
  const own = '"${XDG_RUNTIME_DIR:-${XDG_STATE_HOME:-$HOME/.local/state}}/towline/agent.sock"';
  const all = [...paths.map(shellWord), ...(ownToo ? [own] : [])].join(' ');
  const script = [
    // What a login script says may lack its line's end.
    'echo',
    // Of a line of ls: what it may, how many names it has, whose it is.
    'own() { ls -ld "$1" | while read -r _ _ name _; do echo "$name"; done; }',
    `for p in ${all}; do`,
    's=missing; o=',
    'if [ -S "$p" ]; then',
    'if [ ! -w "$p" ]; then s=denied; o=$(own "$p");',
    'elif [ -r /proc/net/unix ] && ! grep -qF " $p" /proc/net/unix; then s=nobody; else s=listens; fi',
    'elif [ -e "$p" ]; then s=no-socket; else',
    'd=$p; while [ "$d" != / ] && [ "$d" != . ]; do d=$(dirname "$d");',
    'if [ -d "$d" ]; then if [ ! -x "$d" ]; then s=hidden; o=$(own "$d"); fi; break; fi; done',
    'fi',
    'echo "towline $s $o $p"',
    'done',
  ].join('\n');
  return shCommand(script);
}

/** What came of it, in order; what a login script says besides is passed over. */
export function readSocketAnswer(text: string): FoundSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, state, owner, path] = /^towline (\S+) (\S*) (.+)$/.exec(line) ?? [];
    if (path === undefined || !isSocketState(state)) return [];
    return [{ path, state, ...(owner !== undefined && owner !== '' && { owner }) }];
  });
}

const STATES: readonly string[] = [
  'listens',
  'nobody',
  'denied',
  'hidden',
  'no-socket',
  'missing',
] satisfies SocketState[];

function isSocketState(text: string | undefined): text is SocketState {
  return text !== undefined && STATES.includes(text);
}

/** The machine that was asked. */
export interface AskedMachine {
  /** Its hop's, for people. */
  name: string;
  /** Who was logged in. */
  user: string;
  /** The agent's, of the map. */
  address: SshAddress;
}

/** Why an agent's socket can't be reached on a machine that can. `found` is empty where the machine could not be asked. */
export function socketFailure(
  { name: hop, user, address }: AskedMachine,
  asked: string,
  found: readonly FoundSocket[],
): string {
  const worth = found.find(({ state }) => state !== 'missing') ?? found[0];
  if (worth === undefined) {
    return `${hop}: sshd there does not open ${asked}, and ${user}'s shell gave no answer why: there is no agent's socket, ${user} may not use it, or AllowStreamLocalForwarding is off in its sshd_config. Where \`ssh ${user}@${address.host} true\` hangs as well, what the shell does at its start is to blame.`;
  }
  const { path, state, owner } = worth;
  // An agent that was put there has its socket where none has to be named.
  const install = address.path === undefined ? `\`towline agent install ${sshUrl(address)}\`` : undefined;
  const connectAs =
    owner === undefined || owner === user
      ? 'Connect as the user that the agent runs as'
      : `It is ${owner}'s: connect as that user, ${sshUrl({ ...address, user: owner })} in the map file`;
  switch (state) {
    case 'listens':
      return `${hop}: the agent listens on ${path}, and sshd does not connect to it. Allow it in its sshd_config: AllowStreamLocalForwarding yes (or local), and no DisableForwarding.`;
    case 'nobody':
      return `${hop}: the agent there is not running: nobody answers on its socket ${path}. Start towline-agent there again${install === undefined ? '' : `: ${install} does where it was put there so`}.`;
    case 'denied':
      return `${hop}: ${user} may not use the agent's socket ${path}. ${connectAs}.`;
    case 'hidden':
      return `${hop}: ${user} may not look into the folder of the agent's socket ${path}. ${connectAs}.`;
    case 'no-socket':
      return `${hop}: ${path} is no socket there. Give the path of the agent's socket in the url.`;
    case 'missing': {
      const paths = found.map((each) => each.path);
      return `${hop}: there is no agent's socket at ${paths.join(' or ')}. Start towline-agent there${install === undefined ? '' : `, have it put there (${install})`}, or give the path of its socket in the url: ssh://HOST/PATH.`;
    }
  }
}
