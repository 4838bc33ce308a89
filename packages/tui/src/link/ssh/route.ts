import { err, ok, type Result } from '@towline/core/result';
import type { SshAddress } from '../agent-url.ts';
import { type HostName, SSH_PORT } from './known-hosts.ts';
import { type Asked, type ConfigWorld, type SshSettings, sshSettings } from './ssh-settings.ts';

/** What a route depends on besides the address. */
export interface RouteWorld extends ConfigWorld {
  home: string;
  localHost: string;
  /** The user's number; undefined where the system has none. */
  uid: number | undefined;
  env: Readonly<Record<string, string | undefined>>;
}

/** All that is needed to get from one machine to the next. Paths are absolute. */
export interface Hop {
  /** As it was asked for: `web-1`. */
  name: string;
  host: string;
  port: number;
  user: string;
  identityFiles: readonly string[];
  /** Whether the files were named: one that is named and is not there is worth a word. */
  identityFilesNamed: boolean;
  /** No other keys of the SSH agent than those of the files. */
  identitiesOnly: boolean;
  /** The SSH agent's socket. */
  agentSocket?: string;
  /** What its keys are known by in the files of known hosts. */
  knownAs: HostName;
  userKnownHostsFiles: readonly string[];
  globalKnownHostsFiles: readonly string[];
  /** A file of keys that no host is trusted with. */
  revokedHostKeys?: string;
  /** A host that is in none of the files: an error, or added to the first of the user's. A differing key is never taken. */
  unknownHost: 'refuse' | 'accept-new';
  hashKnownHosts: boolean;
  connectTimeoutMs?: number;
}

/** The way to a machine: through each hop to the next. The last is where the agent is. */
export interface Route {
  hops: readonly Hop[];
}

/** Those of OpenSSH that ssh2 can use; a hardware key is used through the SSH agent. */
const DEFAULT_IDENTITIES = ['~/.ssh/id_rsa', '~/.ssh/id_ecdsa', '~/.ssh/id_ed25519'];
const USER_KNOWN_HOSTS = ['~/.ssh/known_hosts', '~/.ssh/known_hosts2'];
const GLOBAL_KNOWN_HOSTS = ['/etc/ssh/ssh_known_hosts', '/etc/ssh/ssh_known_hosts2'];
/** A jump host that is reached through itself is the only way to so many. */
const MAX_HOPS = 8;
/** A timer of Node's takes no longer ones. */
const MAX_TIMEOUT_S = 2_000_000;

/**
 * The way to an agent's machine, as OpenSSH's configuration has it. Errors: `ssh-config`, `proxy-command` (not
 * supported), `jump-loop`.
 */
export function sshRoute({ host, user, port }: SshAddress, world: RouteWorld): Result<Route> {
  return route({ host, ...(user !== undefined && { user }), ...(port !== undefined && { port }) }, world, 1);
}

function route(asked: Asked, world: RouteWorld, depth: number, jumps?: readonly string[]): Result<Route> {
  const found = sshSettings(asked, world);
  if (!found.ok) return found;
  const settings = found.value;
  const { proxyCommand, proxyJump } = settings;
  if (jumps === undefined && proxyCommand !== undefined && proxyCommand.toLowerCase() !== 'none') {
    return err({
      code: 'proxy-command',
      message: `The SSH configuration reaches ${asked.host} by a ProxyCommand, which Towline does not run. Use ProxyJump for it, in a \`Host ${asked.host}\` block before.`,
    });
  }
  const hop = hopOf(asked, settings, world);
  if (!hop.ok) return hop;
  const own = jumps === undefined ? jumpsOf(proxyJump, asked.host, hop.value) : ok(jumps);
  if (!own.ok) return own;
  const through = own.value;
  const last = through.at(-1);
  if (last === undefined) return ok({ hops: [hop.value] });
  const jump = parseJump(last);
  if (jump === undefined) {
    return err({
      code: 'ssh-config',
      message: `The ProxyJump of ${asked.host} has a hop that is none: "${last}". It is [USER@]HOST[:PORT].`,
    });
  }
  if (depth === MAX_HOPS) return err(jumpLoop(asked.host));
  // Hops that are given go before whatever the last of them would go through by itself.
  const before = through.slice(0, -1);
  const way = route(jump, world, depth + 1, before.length === 0 ? undefined : before);
  return way.ok ? ok({ hops: [...way.value.hops, hop.value] }) : way;
}

function jumpLoop(host: string) {
  return {
    code: 'jump-loop',
    message: `The ProxyJump of ${host} leads through more than ${MAX_HOPS} machines: one is reached through itself. Give it \`ProxyJump none\`.`,
  };
}

/** The tokens in it are of the machine that is asked for, in all of its hops. */
function jumpsOf(proxyJump: string | undefined, asked: string, hop: Hop): Result<readonly string[]> {
  if (proxyJump === undefined || proxyJump.toLowerCase() === 'none') return ok([]);
  const tokens = { h: hop.host, n: asked, p: String(hop.port), r: hop.user };
  try {
    return ok(proxyJump.split(',').map((jump) => expand(jump.trim(), tokens)));
  } catch (error) {
    return err(unknownToken(asked, error));
  }
}

/** `[USER@]HOST[:PORT]`, also as a URL; IPv6 in brackets where a port follows. */
function parseJump(text: string): Asked | undefined {
  const [, user, literal, name, port] =
    /^(?:ssh:\/\/)?(?:(.+)@)?(?:\[([^\]]+)\]|([^[\]:/@]+))(?::(\d+))?\/?$/.exec(text) ?? [];
  const host = literal ?? name;
  if (host === undefined || host.startsWith('-')) return undefined;
  return { host, ...(user !== undefined && { user }), ...(port !== undefined && { port: Number(port) }) };
}

function hopOf(asked: Asked, settings: SshSettings, world: RouteWorld): Result<Hop> {
  const user = settings.user ?? world.localUser;
  const port = settings.port ?? SSH_PORT;
  try {
    const host = (
      settings.hostName === undefined ? asked.host : expand(settings.hostName, { h: asked.host })
    ).toLowerCase();
    const tokens: Record<string, string> = {
      d: world.home,
      h: host,
      k: settings.hostKeyAlias ?? asked.host,
      L: world.localHost.split('.')[0] ?? world.localHost,
      l: world.localHost,
      n: asked.host,
      p: String(port),
      r: user,
      u: world.localUser,
      ...(world.uid !== undefined && { i: String(world.uid) }),
    };
    const path = (text: string) => expand(atHome(withVariables(text, world.env), world.home), tokens);
    const paths = (texts: readonly string[]) => texts.filter((text) => !isNone(text)).map(path);
    const named = settings.identityFiles.length > 0;
    const agentSocket = agentSocketOf(settings.identityAgent, world.env, path);
    const { strictHostKeyChecking: strict = 'ask', connectTimeoutSeconds: timeout } = settings;
    const { revokedHostKeys: revoked } = settings;
    return ok({
      name: asked.host,
      host,
      port,
      user,
      identityFiles: paths(named ? settings.identityFiles : DEFAULT_IDENTITIES),
      identityFilesNamed: named,
      identitiesOnly: settings.identitiesOnly ?? false,
      ...(agentSocket !== undefined && { agentSocket }),
      // An alias stands there without a port, whatever the port is.
      knownAs:
        settings.hostKeyAlias === undefined
          ? { name: host, port }
          : { name: settings.hostKeyAlias, port: SSH_PORT },
      userKnownHostsFiles: paths(settings.userKnownHostsFiles ?? USER_KNOWN_HOSTS),
      globalKnownHostsFiles: paths(settings.globalKnownHostsFiles ?? GLOBAL_KNOWN_HOSTS),
      ...(revoked !== undefined && !isNone(revoked) && { revokedHostKeys: path(revoked) }),
      unknownHost: ['accept-new', 'no', 'off'].includes(strict) ? 'accept-new' : 'refuse',
      hashKnownHosts: settings.hashKnownHosts ?? false,
      ...(timeout !== undefined &&
        timeout > 0 && { connectTimeoutMs: Math.min(timeout, MAX_TIMEOUT_S) * 1_000 }),
    });
  } catch (error) {
    return err(unknownToken(asked.host, error));
  }
}

class UnknownToken extends Error {
  readonly text: string;
  readonly token: string;

  constructor(text: string, token: string) {
    super(token);
    this.text = text;
    this.token = token;
  }
}

function unknownToken(host: string, error: unknown) {
  if (!(error instanceof UnknownToken)) throw error;
  const message = `The SSH configuration of ${host} has "${error.text}", and Towline does not know what ${error.token} stands for there.`;
  return { code: 'ssh-config', message };
}

function expand(text: string, tokens: Readonly<Record<string, string>>): string {
  return text.replace(/%(.?)/g, (found, name: string) => {
    const value = name === '%' ? '%' : tokens[name];
    if (value === undefined) throw new UnknownToken(text, found);
    return value;
  });
}

function withVariables(text: string, env: RouteWorld['env']): string {
  return text.replace(/\$\{([^}]*)\}/g, (found, name: string) => {
    const value = env[name];
    if (value === undefined) throw new UnknownToken(text, found);
    return value;
  });
}

function atHome(path: string, home: string): string {
  if (path === '~' || path.startsWith('~/')) return home + path.slice(1);
  return path;
}

function isNone(path: string): boolean {
  return path.toLowerCase() === 'none';
}

function agentSocketOf(
  named: string | undefined,
  env: RouteWorld['env'],
  path: (text: string) => string,
): string | undefined {
  const usual = env.SSH_AUTH_SOCK || undefined;
  if (named === undefined || named === 'SSH_AUTH_SOCK') return usual;
  if (isNone(named)) return undefined;
  return /^\$\w+$/.test(named) ? env[named.slice(1)] || undefined : path(named);
}
