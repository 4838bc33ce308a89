import { err, ok, type Result } from '@towline/core/result';
import SSHConfig from 'ssh-config';
import { matchesPatternList } from './pattern.ts';

/** A file of OpenSSH's client configuration. */
export interface ConfigFile {
  path: string;
  text: string;
  /** Why it can't be read though it is there. */
  unread?: string;
}

/** What was read of the machine that the configuration is looked at on. */
export interface ConfigWorld {
  /** In the order in which they count: the user's, then the machine's. */
  files: readonly ConfigFile[];
  /** The files that an `Include` of this file means, in order. */
  include(pattern: string, from: ConfigFile): readonly ConfigFile[];
  localUser: string;
}

/** What is asked for, as on `ssh -l USER -p PORT HOST`: it goes before all files. */
export interface Asked {
  host: string;
  user?: string;
  port?: number;
}

/** What the files say of one host, as written: no token is expanded. The first that says something counts. */
export interface SshSettings {
  hostName?: string;
  user?: string;
  port?: number;
  /** All that are named. */
  identityFiles: string[];
  identitiesOnly?: boolean;
  identityAgent?: string;
  /** `none`, or hops with commas between them. */
  proxyJump?: string;
  proxyCommand?: string;
  userKnownHostsFiles?: string[];
  globalKnownHostsFiles?: string[];
  revokedHostKeys?: string;
  strictHostKeyChecking?: string;
  hostKeyAlias?: string;
  hashKnownHosts?: boolean;
  connectTimeoutSeconds?: number;
}

/** As OpenSSH. */
const MAX_DEPTH = 16;

/** Thrown inside of the walk over the files, and caught at its door. */
class ConfigProblem extends Error {}

/** Errors: `ssh-config`, which names the file. */
export function sshSettings(asked: Asked, world: ConfigWorld): Result<SshSettings> {
  const settings: SshSettings = {
    identityFiles: [],
    ...(asked.user !== undefined && { user: asked.user }),
    ...(asked.port !== undefined && { port: asked.port }),
  };
  try {
    for (const file of world.files) readFile(file, { asked, world, settings, depth: 0 });
    return ok(settings);
  } catch (error) {
    if (!(error instanceof ConfigProblem)) throw error;
    return err({ code: 'ssh-config', message: error.message });
  }
}

interface Walk {
  asked: Asked;
  world: ConfigWorld;
  settings: SshSettings;
  depth: number;
}

function readFile(file: ConfigFile, walk: Walk): void {
  if (walk.depth > MAX_DEPTH) throw new ConfigProblem(`${file.path} is included by itself.`);
  readLines(parsed(file), file, walk, undefined);
}

type Lines = ReturnType<typeof SSHConfig.parse>;

function parsed(file: ConfigFile): Lines {
  try {
    return SSHConfig.parse(file.text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigProblem(`${file.path} can't be read (${reason}). \`ssh -G HOST\` tells the line.`);
  }
}

/** `unknown` is what a `Match` that holds for all that is known here asks besides. */
function readLines(lines: Lines, file: ConfigFile, walk: Walk, unknown: string | undefined): void {
  for (const line of lines) {
    if (line.type !== SSHConfig.DIRECTIVE || !('value' in line)) continue;
    const values = wordsOf(line.value);
    switch (line.param.toLowerCase()) {
      case 'host':
        if (matchesPatternList(values, walk.asked.host)) readLines(inner(line), file, walk, undefined);
        break;
      case 'match': {
        const match = matches(values, file, walk);
        if (match.holds) readLines(inner(line), file, walk, match.unknown);
        break;
      }
      case 'include':
        for (const pattern of values) {
          for (const included of walk.world.include(pattern, file)) {
            if (included.unread !== undefined) {
              throw new ConfigProblem(
                `${included.path} can't be read (${included.unread}), which ${file.path} includes. Make it readable for you, or take its Include away.`,
              );
            }
            readFile(included, { ...walk, depth: walk.depth + 1 });
          }
        }
        break;
      default: {
        const said = take(line.param.toLowerCase(), values, walk.settings, file);
        if (said && unknown !== undefined) {
          throw new ConfigProblem(
            `${file.path} sets ${line.param} of ${walk.asked.host} under \`Match ${unknown}\`, which Towline can't decide. Put the settings of this host into a \`Host\` block before it.`,
          );
        }
      }
    }
  }
}

function inner(line: object): Lines {
  return 'config' in line && line.config instanceof SSHConfig ? line.config : new SSHConfig();
}

function wordsOf(value: unknown): string[] {
  if (typeof value === 'string') return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((part: unknown) =>
    typeof part === 'object' && part !== null && 'val' in part && typeof part.val === 'string'
      ? [part.val]
      : [],
  );
}

/** Criteria are looked at in order, as OpenSSH does: what comes after one that does not hold is not asked. */
function matches(
  words: readonly string[],
  file: ConfigFile,
  { asked, settings, world }: Walk,
): { holds: false } | { holds: true; unknown?: string } {
  let unknown: string | undefined;
  for (let at = 0; at < words.length; at++) {
    const word = words[at] ?? '';
    const negated = word.startsWith('!');
    const name = word.slice(negated ? 1 : 0).toLowerCase();
    if (name === 'all') continue;
    if (name === 'canonical' || name === 'final') {
      // The second look at the files, which there is none of here.
      if (!negated) return { holds: false };
      continue;
    }
    const argument = words[++at];
    if (argument === undefined) throw new ConfigProblem(`${file.path}: \`Match ${word}\` lacks its value.`);
    const text = matchedText(name, { asked, settings, world });
    if (text === undefined) unknown ??= `${word} …`;
    else if (matchesPatternList(patternsOf(name, argument), text) === negated) return { holds: false };
  }
  return unknown === undefined ? { holds: true } : { holds: true, unknown };
}

/** Host names are compared without regard to capitals here, and with it by `Host`. */
function patternsOf(name: string, argument: string): string[] {
  return (name.endsWith('host') ? argument.toLowerCase() : argument).split(',');
}

function matchedText(name: string, { asked, settings, world }: Omit<Walk, 'depth'>): string | undefined {
  switch (name) {
    case 'host':
      return (settings.hostName ?? asked.host)
        .replace(/%([h%])/g, (_, token) => (token === 'h' ? asked.host : '%'))
        .toLowerCase();
    case 'originalhost':
      return asked.host.toLowerCase();
    case 'user':
      return settings.user ?? world.localUser;
    case 'localuser':
      return world.localUser;
    default:
      return undefined;
  }
}

/** Of a time: `1h30m`, or seconds alone. */
const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3_600, d: 86_400, w: 604_800 };

/** Returns whether it said something that is used here and was not said before. */
function take(keyword: string, values: readonly string[], settings: SshSettings, file: ConfigFile): boolean {
  const [value] = values;
  if (value === undefined || value === '') return false;
  const first = <K extends keyof SshSettings>(key: K, read: () => SshSettings[K]): boolean => {
    if (settings[key] !== undefined) return false;
    settings[key] = read();
    return true;
  };
  const number = () => {
    const read = Number(value);
    if (Number.isInteger(read) && read >= 0 && read <= 65_535) return read;
    throw new ConfigProblem(`${file.path}: "${value}" is no value of ${keyword}.`);
  };
  const seconds = () => {
    if (value.toLowerCase() === 'none') return 0;
    const parts = /^(?:\d+[smhdw]?)+$/i.test(value) ? (value.match(/\d+[smhdw]?/gi) ?? []) : [];
    if (parts.length === 0) throw new ConfigProblem(`${file.path}: "${value}" is no value of ${keyword}.`);
    const inSeconds = (part: string) =>
      Number.parseInt(part, 10) * (UNITS[part.at(-1)?.toLowerCase() ?? ''] ?? 1);
    return parts.reduce((sum, part) => sum + inSeconds(part), 0);
  };
  const yes = () => value.toLowerCase() === 'yes' || value.toLowerCase() === 'true';
  switch (keyword) {
    case 'hostname':
      return first('hostName', () => value);
    case 'user':
      return first('user', () => value);
    case 'port':
      return first('port', number);
    case 'identityfile':
      if (settings.identityFiles.includes(value)) return false;
      settings.identityFiles.push(value);
      return true;
    case 'identitiesonly':
      return first('identitiesOnly', yes);
    case 'identityagent':
      return first('identityAgent', () => value);
    // One of the two, whichever is said first; but a jump that is none lets a command come after it.
    case 'proxyjump':
      return settings.proxyCommand === undefined && first('proxyJump', () => value);
    case 'proxycommand':
      return (
        (settings.proxyJump === undefined || settings.proxyJump.toLowerCase() === 'none') &&
        first('proxyCommand', () => values.join(' '))
      );
    case 'userknownhostsfile':
      return first('userKnownHostsFiles', () => [...values]);
    case 'globalknownhostsfile':
      return first('globalKnownHostsFiles', () => [...values]);
    case 'revokedhostkeys':
      return first('revokedHostKeys', () => value);
    case 'stricthostkeychecking':
      return first('strictHostKeyChecking', () => value.toLowerCase());
    case 'hostkeyalias':
      return first('hostKeyAlias', () => value);
    case 'hashknownhosts':
      return first('hashKnownHosts', yes);
    case 'connecttimeout':
      return first('connectTimeoutSeconds', seconds);
    default:
      return false;
  }
}
