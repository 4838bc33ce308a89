import { COMPILERS, SPARING_ENVIRONMENT } from '@towline/agent/sparing';
import { shellWord } from '../link/index.ts';
import type { Place } from './place.ts';

/**
 * What starts an installed agent, which has nothing to do for most of its life, without what takes memory to be fast
 * (docs/decisions/0025-what-an-idle-agent-holds.md): V8's compilers, where this Node knows their names, and what glibc keeps of memory
 * that is free again (mallopt(3)).
 */
export function launcherText(nodeFile: string, agentFile: string): string {
  const node = shellWord(nodeFile);
  const environment = Object.entries(SPARING_ENVIRONMENT).map(([name, value]) => `${name}=${value}`);
  const flags = COMPILERS.map((name) => `--no-${name}`);
  return `${[
    '#!/bin/sh',
    `export ${environment.join(' ')}`,
    `sparing='${flags.join(' ')}'`,
    `${node} $sparing --eval 0 2>/dev/null || sparing=`,
    `exec ${node} $sparing ${shellWord(agentFile)} "$@"`,
  ].join('\n')}\n`;
}

/** The words that start an installed agent. */
export function agentWords({ prefix, socket, stateDir }: Place, engine: string): string[] {
  return [`${prefix}/current/towline-agent`, '--socket', socket, '--state-dir', stateDir, '--engine', engine];
}

/** The agent's unit of systemd: the machine's, or a user's. */
export function unitText(place: Place, engine: string): string {
  const machine = place.scope === 'machine';
  const after = ['network-online.target', 'docker.service', 'docker.socket', 'podman.socket'].join(' ');
  return `${[
    '[Unit]',
    'Description=Towline agent: deploys to this machine’s container engine',
    ...(machine ? ['Wants=network-online.target', `After=${after}`] : []),
    // An engine that is away is no reason to end, and neither is an agent that fails often: it is tried for good.
    'StartLimitIntervalSec=0',
    '',
    '[Service]',
    'Type=exec',
    `ExecStart=${agentWords(place, engine).map(unitWord).join(' ')}`,
    'Restart=always',
    'RestartSec=2',
    'TimeoutStopSec=30',
    ...(machine ? MACHINE_ONLY : []),
    ...EVERYWHERE,
    '',
    '[Install]',
    `WantedBy=${machine ? 'multi-user.target' : 'default.target'}`,
  ].join('\n')}\n`;
}

/** What takes no privileges to take away from a program, and can be asked of a user's systemd as well. */
const EVERYWHERE = [
  'NoNewPrivileges=yes',
  'LockPersonality=yes',
  'RestrictRealtime=yes',
  'RestrictSUIDSGID=yes',
  'RestrictNamespaces=yes',
  // Netlink is how an address is looked up.
  'RestrictAddressFamilies=AF_UNIX AF_INET AF_INET6 AF_NETLINK',
  'SystemCallArchitectures=native',
  'SystemCallFilter=@system-service',
  'SystemCallErrorNumber=EPERM',
];

/**
 * Root without most of what root may do. Left: the engine's socket, the network, git and ssh; of files to write the history, the
 * agent's socket and a /tmp of its own; of homes what logs it in to registries and git servers, to read.
 * Not here: MemoryDenyWriteExecute, since V8 compiles; ProtectProc, behind which an agent that somebody else started looks
 * dead, and its state folder free to take; BindPaths of the engine's socket alone, which an engine that restarts makes anew.
 */
const MACHINE_ONLY = [
  // Without it there is no HOME.
  'User=root',
  'StateDirectory=towline',
  'StateDirectoryMode=0700',
  'RuntimeDirectory=towline',
  'RuntimeDirectoryMode=0700',
  'ProtectSystem=strict',
  'ProtectHome=tmpfs',
  'BindReadOnlyPaths=-%h/.docker -%h/.ssh',
  'PrivateTmp=yes',
  'PrivateDevices=yes',
  'ProtectClock=yes',
  'ProtectControlGroups=yes',
  'ProtectHostname=yes',
  'ProtectKernelLogs=yes',
  'ProtectKernelModules=yes',
  'ProtectKernelTunables=yes',
  'RemoveIPC=yes',
  'KeyringMode=private',
  // What containers leave in the sources that are kept is anybody's.
  'CapabilityBoundingSet=CAP_CHOWN CAP_DAC_OVERRIDE CAP_FOWNER',
];

/** systemd.service(5), command lines: quotes, `%` for its own names, `$` for variables. */
function unitWord(word: string): string {
  const escaped = word
    .replaceAll('\\', '\\\\')
    .replaceAll('"', '\\"')
    .replaceAll('%', '%%')
    .replaceAll('$', '$$$$');
  return /[\s"'\\;]/.test(word) ? `"${escaped}"` : escaped;
}
