import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { homedir, hostname, userInfo } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { matchesPattern } from './pattern.ts';
import type { RouteWorld } from './route.ts';
import type { ConfigFile } from './ssh-settings.ts';

const SYSTEM_DIR = '/etc/ssh';

/** OpenSSH's configuration of this machine and user, as it is now. */
export function readWorld(env: Readonly<Record<string, string | undefined>>): RouteWorld {
  const home = env.HOME || homedir();
  const own = join(home, '.ssh', 'config');
  const { username, uid } = whoAmI(env);
  return {
    files: [own, join(SYSTEM_DIR, 'ssh_config')].flatMap(readConfig),
    include(pattern, from) {
      const atHome = pattern.startsWith('~/') ? join(home, pattern.slice(2)) : pattern;
      const base = from.path.startsWith(`${SYSTEM_DIR}/`) ? SYSTEM_DIR : dirname(own);
      return filesOf(isAbsolute(atHome) ? atHome : join(base, atHome)).flatMap(readIncluded);
    },
    localUser: username,
    localHost: hostname(),
    home,
    uid,
    env,
  };
}

/** One that is not there, or may not be read, says nothing: as to OpenSSH. */
function readConfig(path: string): ConfigFile[] {
  return readIncluded(path).filter(({ unread }) => unread === undefined);
}

/** One that is there and may not be read is an error, as to OpenSSH: what it says of a host would be missing without a word. */
function readIncluded(path: string): ConfigFile[] {
  try {
    return [{ path, text: readFileSync(path, 'utf8') }];
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : String(error);
    const saysNothing = code === 'ENOENT' || code === 'EISDIR' || !isThere(path);
    return saysNothing ? [] : [{ path, text: '', unread: code }];
  }
}

function isThere(path: string): boolean {
  try {
    lstatSync(path);
    return true;
  } catch {
    return false;
  }
}

/** The files that a pattern means, by name; `*` and `?` may stand in any part of it. */
function filesOf(pattern: string): string[] {
  let found = ['/'];
  for (const part of pattern.split('/').filter((each) => each !== '')) {
    found = found.flatMap((folder) => {
      if (!/[*?]/.test(part)) return [join(folder, part)];
      return namesIn(folder)
        .filter((name) => matchesPattern(part, name) && (part.startsWith('.') || !name.startsWith('.')))
        .map((name) => join(folder, name));
    });
  }
  return found;
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch {
    return [];
  }
}

function whoAmI(env: Readonly<Record<string, string | undefined>>): {
  username: string;
  uid: number | undefined;
} {
  try {
    const { username, uid } = userInfo();
    return { username, uid: uid < 0 ? undefined : uid };
  } catch {
    // As in some containers, where the system has no name for this user.
    return { username: env.USER ?? env.LOGNAME ?? 'unknown', uid: undefined };
  }
}
