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
    `for p in ${all}; do`,
    's=missing',
    'if [ -S "$p" ]; then',
    'if [ ! -w "$p" ]; then s=denied;',
    'elif [ -r /proc/net/unix ] && ! grep -qF " $p" /proc/net/unix; then s=nobody; else s=listens; fi',
    'elif [ -e "$p" ]; then s=no-socket; else',
    'd=$p; while [ "$d" != / ] && [ "$d" != . ]; do d=$(dirname "$d");',
    'if [ -d "$d" ]; then if [ ! -x "$d" ]; then s=hidden; fi; break; fi; done',
    'fi',
    'echo "towline $s $p"',
    'done',
  ].join('\n');
  // Whatever the user's own shell is.
  return `sh -c ${shellWord(script)}`;
}

/** What came of it, in order; what a login script says besides is passed over. */
export function readSocketAnswer(text: string): FoundSocket[] {
  return text.split('\n').flatMap((line) => {
    const [, state, path] = /^towline (\S+) (.+)$/.exec(line) ?? [];
    return path !== undefined && isSocketState(state) ? [{ path, state }] : [];
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

/** Why an agent's socket can't be reached on a machine that can. `found` is empty where the machine could not be asked. */
export function socketFailure(
  hop: string,
  user: string,
  asked: string,
  found: readonly FoundSocket[],
): string {
  const worth = found.find(({ state }) => state !== 'missing') ?? found[0];
  if (worth === undefined) {
    return `${hop}: sshd there does not open ${asked}, and does not say why: there is no agent's socket, ${user} may not use it, or AllowStreamLocalForwarding is off in its sshd_config.`;
  }
  const { path, state } = worth;
  switch (state) {
    case 'listens':
      return `${hop}: the agent listens on ${path}, and sshd does not connect to it. Allow it in its sshd_config: AllowStreamLocalForwarding yes (or local).`;
    case 'nobody':
      return `${hop}: the agent there is not running: nobody answers on its socket ${path}. Start towline-agent again.`;
    case 'denied':
      return `${hop}: ${user} may not use the agent's socket ${path}. Connect as the user that the agent runs as.`;
    case 'hidden':
      return `${hop}: ${user} may not look into the folder of the agent's socket ${path}. Connect as the user that the agent runs as.`;
    case 'no-socket':
      return `${hop}: ${path} is no socket there. Give the path of the agent's socket in the url.`;
    case 'missing': {
      const paths = found.map((each) => each.path);
      return `${hop}: there is no agent's socket at ${paths.join(' or ')}. Start towline-agent there, or give the path of its socket in the url: ssh://HOST/PATH.`;
    }
  }
}
