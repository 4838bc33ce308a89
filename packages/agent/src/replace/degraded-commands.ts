import type { RestartPolicy } from '../engine/index.ts';
import { type Seen, savedPolicy, wasRunning } from './recovery.ts';
import type { SavedContainer } from './saved.ts';

export interface DegradedContainer {
  saved: SavedContainer;
  /** Undefined where the engine could not be asked. */
  seen: Seen | undefined;
  /** A file with the create request of the old container, for where it is gone. */
  recreateFile?: string | undefined;
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

function commandsOf({ saved, seen, recreateFile, socket }: DegradedContainer): string[] {
  const { container, old } = saved;
  const newName = seen === undefined ? saved.nextName : seen.next?.name;
  if (old === undefined) return newName === undefined ? [] : [`docker rm -f ${quote(newName)}`];

  if (seen !== undefined && seen.old === undefined) {
    // Whatever has the name may serve: it is for a person to remove it.
    if (recreateFile === undefined) return [];
    const unix = socket === undefined ? '' : ` --unix-socket ${quote(socket)}`;
    const url = `http://localhost/containers/create?name=${encodeURIComponent(container)}`;
    return [
      ...(newName === undefined ? [] : [`docker rm -f ${quote(newName)}`]),
      `curl -sS${unix} -H 'Content-Type: application/json' -d @${quote(recreateFile)} ${quote(url)}`,
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

function policyWord(policy: RestartPolicy): string {
  const retries = policy.MaximumRetryCount ?? 0;
  return policy.Name === 'on-failure' && retries > 0 ? `on-failure:${retries}` : policy.Name || 'no';
}

/** As a shell reads it as one word. */
function quote(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
