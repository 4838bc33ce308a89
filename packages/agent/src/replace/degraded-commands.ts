import type { RestartPolicy } from '../engine/index.ts';
import type { DerivedCreate, LaterConnection } from './derive-create.ts';
import { object, text, texts } from './json.ts';
import { type Seen, savedPolicy, wasRunning } from './recovery.ts';
import type { SavedContainer } from './saved.ts';

export interface DegradedContainer {
  saved: SavedContainer;
  /** Undefined where the engine could not be asked. */
  seen: Seen | undefined;
  /** For where the old container is gone: a file with its create request, and its further networks. */
  recreate?: { file: string; connect: DerivedCreate['connect'] } | undefined;
  /** The engine's Unix socket, for the same. */
  socket?: string | undefined;
}

/**
 * The commands, exact and in order, with which a person brings the old containers back. Where the engine could not be
 * asked they are those for the worst case; one that finds its work done already says so and does no harm.
 */
export function degradedCommands(containers: readonly DegradedContainer[]): string[] {
  return containers.flatMap((container) => commandsOf(container));
}

function commandsOf({ saved, seen, recreate, socket }: DegradedContainer): string[] {
  const { container, old } = saved;
  const newName = seen === undefined ? saved.nextName : seen.next?.name;
  if (old === undefined) return newName === undefined ? [] : [`docker rm -f ${quote(newName)}`];

  if (seen !== undefined && seen.old === undefined) {
    // Whatever has the name may serve: it is for a person to remove it.
    if (recreate === undefined) return [];
    const unix = socket === undefined ? '' : ` --unix-socket ${quote(socket)}`;
    const url = `http://localhost/containers/create?name=${encodeURIComponent(container)}`;
    return [
      ...(newName === undefined ? [] : [`docker rm -f ${quote(newName)}`]),
      `curl -sS${unix} -H 'Content-Type: application/json' -d @${quote(recreate.file)} ${quote(url)}`,
      ...recreate.connect.map((connection) => connectCommand(container, connection)),
      `docker start ${quote(container)}`,
    ];
  }
  const id = old.id.slice(0, 12);
  const commands: string[] = [];
  if (newName !== undefined) commands.push(`docker rm -f ${quote(newName)}`);
  const others = seen?.holder !== undefined && seen.holder !== old.id && seen.holder !== seen.next?.id;
  if (others) commands.push(`docker rename ${quote(container)} ${quote(`${container}.other`)}`);
  if (seen?.old?.name !== container) commands.push(`docker rename ${id} ${quote(container)}`);
  const policy = savedPolicy(saved);
  if (policy !== undefined) commands.push(`docker update --restart=${policyWord(policy)} ${id}`);
  if (wasRunning(saved) && seen?.old?.running !== true) commands.push(`docker start ${id}`);
  return commands;
}

function connectCommand(container: string, { network, endpoint }: LaterConnection): string {
  const { IPv4Address, IPv6Address, LinkLocalIPs } = object(endpoint.IPAMConfig);
  const options: [string, string[]][] = [
    ['alias', texts(endpoint.Aliases)],
    ['ip', [text(IPv4Address)]],
    ['ip6', [text(IPv6Address)]],
    ['link-local-ip', texts(LinkLocalIPs)],
    ['link', texts(endpoint.Links)],
    ['driver-opt', Object.entries(object(endpoint.DriverOpts)).map(([key, value]) => `${key}=${value}`)],
  ];
  const words = options.flatMap(([option, values]) =>
    values.filter((value) => value !== '').flatMap((value) => [`--${option}`, quote(value)]),
  );
  return ['docker network connect', ...words, quote(network), quote(container)].join(' ');
}

function policyWord(policy: RestartPolicy): string {
  const retries = policy.MaximumRetryCount ?? 0;
  return policy.Name === 'on-failure' && retries > 0 ? `on-failure:${retries}` : policy.Name || 'no';
}

/** As a shell reads it as one word. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
