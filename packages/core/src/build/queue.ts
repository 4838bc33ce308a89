import { buildKey } from './definition.ts';

/** What the queue looks at of a run that is not over. `BuildRun` is one. */
export interface QueueEntry {
  id: string;
  service: string;
  build: string;
  tag: string;
  state: string;
}

/** Why a run waits, and behind how many. */
export interface QueuePlace {
  id: string;
  /** From 1: which of those that wait it is. */
  position: number;
  /** As a part of a sentence: `1.4.0.B000027 of the same build runs`. */
  reason: string;
}

export interface QueueDecision {
  /** Ids of the runs to start now, in this order. */
  start: readonly string[];
  /** Those that go on waiting, in their order. */
  waiting: readonly QueuePlace[];
}

/**
 * Which runs an agent starts now: in the order that they came, one of a build at a time, and no more at once than `cap`.
 * One that waits for its own build holds up no other. `entries` are all that have not ended, in the order that they came;
 * those that are not `QUEUED` run.
 */
export function decideQueue(entries: readonly QueueEntry[], cap: number): QueueDecision {
  const holders = new Map<string, QueueEntry>();
  const running = entries.filter(({ state }) => state !== 'QUEUED');
  for (const entry of running) holders.set(buildKey(entry), entry);
  let free = Math.max(0, cap - running.length);
  const start: string[] = [];
  const waiting: QueuePlace[] = [];
  for (const entry of entries) {
    if (entry.state !== 'QUEUED') continue;
    const holder = holders.get(buildKey(entry));
    if (holder === undefined && free > 0) {
      holders.set(buildKey(entry), entry);
      start.push(entry.id);
      free--;
      continue;
    }
    waiting.push({
      id: entry.id,
      position: waiting.length + 1,
      reason:
        holder === undefined
          ? `the agent runs ${cap} ${cap === 1 ? 'build' : 'builds'} at once`
          : holder.state === 'QUEUED' && !start.includes(holder.id)
            ? `${holder.tag} of the same build is before it`
            : `${holder.tag} of the same build runs`,
    });
    // Of one build, too, they go in the order that they came.
    holders.set(buildKey(entry), holder ?? entry);
  }
  return { start, waiting };
}
