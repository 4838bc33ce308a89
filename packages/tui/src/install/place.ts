import type { Machine } from './machine.ts';

/** Where an installed agent's things are on a machine. */
export interface Place {
  /** For the machine, by root; or for the user who installs it. */
  scope: 'machine' | 'user';
  /** The programs: all of it is the installation's. */
  prefix: string;
  /** The agent's history. */
  stateDir: string;
  socket: string;
  /** The unit's file. */
  unit: string;
  /** The words of systemctl for it. */
  systemctl: string;
}

export const UNIT_NAME = 'towline-agent.service';

/** Root installs for the machine. Anybody else for themselves, where `towline-agent` has its things by default. */
export function placeOn({ uid, home, folders }: Pick<Machine, 'uid' | 'home' | 'folders'>): Place {
  if (uid === 0) {
    return {
      scope: 'machine',
      prefix: '/opt/towline',
      stateDir: '/var/lib/towline',
      socket: '/run/towline/agent.sock',
      unit: `/etc/systemd/system/${UNIT_NAME}`,
      systemctl: 'systemctl',
    };
  }
  const state = `${folders.state ?? `${home}/.local/state`}/towline`;
  return {
    scope: 'user',
    prefix: `${folders.data ?? `${home}/.local/share`}/towline`,
    stateDir: `${state}/agent`,
    socket: folders.runtime === undefined ? `${state}/agent.sock` : `${folders.runtime}/towline/agent.sock`,
    unit: `${folders.config ?? `${home}/.config`}/systemd/user/${UNIT_NAME}`,
    systemctl: 'systemctl --user',
  };
}

/** The folder of a version's files. */
export function versionFolder({ prefix }: Place, version: string): string {
  return `${prefix}/versions/${version}`;
}
