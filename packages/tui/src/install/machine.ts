import { err, ok, type Result } from '@towline/core/result';
import { shellWord } from '../link/index.ts';

/** What a machine says of itself, as the user that SSH logs in sees it. */
export interface Machine {
  /** Its own clock, in seconds since 1970. */
  now: number;
  /** `uname -s` and `uname -m`. */
  os: string;
  arch: string;
  libc: 'glibc' | 'musl' | 'other';
  uid: number;
  user: string;
  home: string;
  /** The user's own, where the environment names them. */
  folders: { data?: string; state?: string; config?: string; runtime?: string };
  /** The Node of the path: where it is, where that leads to, and its version. */
  node?: { path: string; target: string; version: string };
  /** Who starts services for this user: systemd, the machine's for root and the user's own for others. */
  systemd: boolean;
  /** Whether what a user's systemd runs goes on when the user has logged out. */
  lingers: boolean;
  /** Sockets of engines that are there, those first that are looked at first. */
  engines: readonly { path: string; usable: boolean }[];
  /** Which of the programs that the agent calls are in the path. */
  programs: readonly string[];
  /** Whether there are logins for registries, and keys and known hosts of SSH. */
  dockerConfig: boolean;
  sshConfig: boolean;
  /** What is installed: the version that is current, all versions, and the Nodes that were brought. */
  current?: string;
  /** Whether the current one says its version, as it should. */
  currentRuns: boolean;
  versions: readonly string[];
  nodes: readonly string[];
  /** The one of them that the current version is started with. */
  nodeUsed?: string;
  /** The unit's text; absent where there is none. */
  unit?: string;
  /** What somebody wrote by `systemctl edit`; absent where nobody did. */
  unitEdits?: string;
  /** What starts the agent where no systemd does; absent where there is none. */
  startFile?: string;
  /** The agent that has the state folder: its process, and its command line. */
  agent?: { pid: number; command: string };
  /** Whether there is a state folder. */
  history: boolean;
}

/** Of what a machine says instead of an answer, in characters. */
const MAX_SAID = 200;

const OUR_PROGRAMS = ['git', 'ssh'];

/**
 * A script for a POSIX shell that asks for all of it and changes nothing: a line `towline KEY VALUE` for each thing that
 * it finds, whatever a login script says besides.
 */
export function machineQuestion(engineSocket: string | undefined): string {
  const engines =
    engineSocket === undefined
      ? '/var/run/docker.sock "$XDG_RUNTIME_DIR/docker.sock" "$HOME/.docker/run/docker.sock"'
      : shellWord(engineSocket);
  return `PATH=$PATH:/usr/local/bin:/usr/local/sbin:/usr/sbin:/sbin
say() { echo "towline $*"; }
# What a login script says may lack its line's end.
echo
say now "$(date +%s)"
say os "$(uname -s)"
say arch "$(uname -m)"
uid=$(id -u)
say uid "$uid"
say user "$(id -un)"
say home "$HOME"
[ -z "$XDG_DATA_HOME" ] || say folder-data "$XDG_DATA_HOME"
[ -z "$XDG_STATE_HOME" ] || say folder-state "$XDG_STATE_HOME"
[ -z "$XDG_CONFIG_HOME" ] || say folder-config "$XDG_CONFIG_HOME"
[ -z "$XDG_RUNTIME_DIR" ] || say folder-runtime "$XDG_RUNTIME_DIR"
# The other's loader may be there for programs that were made elsewhere.
if getconf GNU_LIBC_VERSION >/dev/null 2>&1; then say libc glibc
elif ls /lib/ld-musl-* >/dev/null 2>&1; then say libc musl
elif ls /lib*/ld-linux* >/dev/null 2>&1; then say libc glibc; fi
node=$(command -v node) && say node "$node" && say node-version "$(node --version 2>/dev/null)" &&
  say node-target "$(readlink -f "$node")"
if [ "$uid" = 0 ]; then
  [ ! -d /run/systemd/system ] || say systemd yes
  prefix=/opt/towline state=/var/lib/towline unit=/etc/systemd/system/towline-agent.service
else
  [ ! -S "$XDG_RUNTIME_DIR/systemd/private" ] || say systemd yes
  [ ! -e "/var/lib/systemd/linger/$(id -un)" ] || say lingers yes
  prefix=\${XDG_DATA_HOME:-$HOME/.local/share}/towline state=\${XDG_STATE_HOME:-$HOME/.local/state}/towline/agent
  unit=\${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user/towline-agent.service
fi
for p in ${engines}; do
  if [ -S "$p" ]; then if [ -w "$p" ]; then say engine "$p"; else say engine-denied "$p"; fi; fi
done
for p in ${OUR_PROGRAMS.join(' ')}; do command -v "$p" >/dev/null 2>&1 && say program "$p"; done
[ ! -d "\${DOCKER_CONFIG:-$HOME/.docker}" ] || say docker-config yes
[ ! -d "$HOME/.ssh" ] || say ssh-config yes
current=$(readlink "$prefix/current") && say current "\${current##*/}"
"$prefix/current/towline-agent" --version >/dev/null 2>&1 && say current-runs yes
for p in "$prefix"/versions/*; do [ -d "$p" ] && say version "\${p##*/}"; done
for p in "$prefix"/nodes/*; do
  [ ! -f "$p" ] || say brought-node "\${p##*/}"
  ! grep -qF "/nodes/\${p##*/}'" "$prefix/current/towline-agent" 2>/dev/null || say used-node "\${p##*/}"
done
# A file that a person wrote may lack its last line's end.
text() { [ ! -f "$2" ] || { sed "s/^/towline $1 /" "$2"; echo; }; }
text unit "$unit"
[ ! -d "$unit.d" ] || say unit-edits
for p in "$unit.d"/*.conf; do text unit-edits "$p"; done
text start-file "$prefix/start"
[ ! -d "$state" ] || say history yes
of_lock() { sed -n "s/.*\\"$1\\":\\"*\\([0-9]*\\).*/\\1/p" "$state/agent.lock" 2>/dev/null; }
pid=$(of_lock pid)
# The same number may be another process's by now: proc(5), field 22 of stat says when it began.
if [ -n "$pid" ] && [ "$(sed 's/.*) //' 2>/dev/null </proc/$pid/stat | cut -d' ' -f20)" = "$(of_lock started)" ]; then
  command=$(tr '\\000' ' ' 2>/dev/null </proc/$pid/cmdline)
  [ -z "$command" ] || say agent "$pid $command"
fi
say end`;
}

/** What came of it. Errors: `no-shell` where it is not whole. */
export function readMachine(text: string, name: string): Result<Machine> {
  const found = new Map<string, string[]>();
  for (const line of text.split('\n')) {
    const [, key = '', value = ''] = /^towline (\S+)(?: (.*))?$/.exec(line) ?? [];
    found.set(key, [...(found.get(key) ?? []), value]);
  }
  const all = (key: string): readonly string[] => found.get(key) ?? [];
  const whole = (key: string) => `${all(key).join('\n')}\n`;
  const one = (key: string) => found.get(key)?.[0] || undefined;
  const [os, arch, uid, user, home] = [one('os'), one('arch'), one('uid'), one('user'), one('home')];
  const told = os !== undefined && arch !== undefined && user !== undefined && home !== undefined;
  if (!told || uid === undefined || !/^\d+$/.test(uid) || !found.has('end')) {
    const said = text.split('\n').findLast((line) => line.trim() !== '' && !line.startsWith('towline '));
    const instead = said === undefined ? '' : `, but said "${said.trim().slice(0, MAX_SAID)}"`;
    const message = `${name}: the machine was asked what it is, and did not answer as a POSIX shell does${instead}. See what \`ssh\` there runs for the commands that it is given.`;
    return err({ code: 'no-shell', message });
  }
  const libc = one('libc');
  const [node, version] = [one('node'), one('node-version')];
  const [, pid, command] = /^(\d+) (.*)$/.exec(one('agent') ?? '') ?? [];
  const folder = (key: string) => {
    const path = one(`folder-${key}`);
    return path === undefined ? {} : { [key]: path };
  };
  const [current, nodeUsed] = [one('current'), one('used-node')];
  return ok({
    now: Number(one('now') ?? 0),
    os,
    arch,
    libc: libc === 'glibc' || libc === 'musl' ? libc : 'other',
    uid: Number(uid),
    user,
    home,
    folders: { ...folder('data'), ...folder('state'), ...folder('config'), ...folder('runtime') },
    ...(node !== undefined &&
      version !== undefined && { node: { path: node, target: one('node-target') ?? node, version } }),
    systemd: found.has('systemd'),
    lingers: found.has('lingers'),
    engines: [
      ...all('engine').map((path) => ({ path, usable: true })),
      ...all('engine-denied').map((path) => ({ path, usable: false })),
    ],
    programs: all('program'),
    dockerConfig: found.has('docker-config'),
    sshConfig: found.has('ssh-config'),
    ...(current !== undefined && { current }),
    currentRuns: found.has('current-runs'),
    versions: all('version'),
    nodes: all('brought-node'),
    ...(nodeUsed !== undefined && { nodeUsed }),
    ...(found.has('unit') && { unit: whole('unit') }),
    ...(found.has('unit-edits') && { unitEdits: whole('unit-edits') }),
    ...(found.has('start-file') && { startFile: whole('start-file') }),
    ...(pid !== undefined &&
      command !== undefined && { agent: { pid: Number(pid), command: command.trim() } }),
    history: found.has('history'),
  });
}
