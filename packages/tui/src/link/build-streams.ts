import { buildLogChunkSchema, buildLogOutputSchema, readBuildEvent } from '@towline/core/answers';
import { type BuildEvent, type BuildStepKind, buildRunSchema, isRunEnded } from '@towline/core/build';
import type { BuildLogEntry } from '@towline/core/protocol';
import { ok } from '@towline/core/result';
import { describeIssues } from './issues.ts';
import { numberedEvents, type Resumable, untracked } from './resumable.ts';

/**
 * Where following a log begins: with its first line, with a line, or with so many of the last. `latest` begins as `tail`
 * does, and goes on with the newest: of lines that come faster than they are taken, those before the last so many are left
 * out.
 */
export type LogFollowStart = 'first' | { from: number } | { tail: number } | { latest: number };

/** A chunk may be half a megabyte. */
const MANY_CHUNKS = 32;

/** A build run's events from the first on. */
export function buildEvents(id: string): Resumable<BuildEvent> {
  return numberedEvents({
    what: `the build run ${id}`,
    subscribe: (client, lastEventId, handlers) =>
      client.followBuildRun.subscribe({ id, ...(lastEventId !== undefined && { lastEventId }) }, handlers),
    read: readBuildEvent,
  });
}

/** The lines of one step's log, in batches. */
export function buildLogLines(
  { run, step }: { run: string; step: BuildStepKind },
  start: LogFollowStart,
): Resumable<readonly BuildLogEntry[]> {
  // The number of the last line that came; undefined while it is not known where the log's tail begins.
  let last: number | undefined = start === 'first' ? 0 : 'from' in start ? start.from - 1 : undefined;
  const latest = typeof start === 'object' && 'latest' in start ? start.latest : undefined;
  const begin = () => {
    const most = latest === undefined ? {} : { latest };
    if (last !== undefined) return { fromSeq: last + 1, ...most };
    const tail = typeof start === 'object' && 'tail' in start ? start.tail : latest;
    return tail === undefined ? {} : { tail, ...most };
  };
  return {
    what: `the log of ${run}`,
    many: MANY_CHUNKS,
    subscribe: (client, handlers) => client.followBuildLog.subscribe({ run, step, ...begin() }, handlers),
    take(value) {
      const chunk = buildLogChunkSchema.safeParse(untracked(value));
      if (!chunk.success) return { kind: 'bad', reason: describeIssues(chunk.error.issues) };
      const { entries } = chunk.data;
      const known = last ?? (entries[0]?.seq ?? 1) - 1;
      const fresh = entries.filter(({ seq }) => seq > known);
      if (fresh.length === 0) return { kind: 'seen' };
      // Of the latest lines, some may have been left out before these.
      const first = latest === undefined ? known + 1 : (fresh[0]?.seq ?? 0);
      if (fresh.some(({ seq }, at) => seq !== first + at)) return { kind: 'gap' };
      last = first + fresh.length - 1;
      return { kind: 'new', value: fresh };
    },
    async isOver(ask) {
      const now = await ask((client) => client.buildRun.query({ id: run }), buildRunSchema);
      if (!now.ok) return now;
      const state = now.value.steps.find(({ kind }) => kind === step)?.state ?? 'WAIT';
      if (!isRunEnded(now.value.state) && (state === 'WAIT' || state === 'RUNNING')) return ok(false);
      // A step that never began has no log.
      if (state === 'WAIT') return ok(true);
      const page = await ask(
        (client) => client.buildLog.query({ run, step, at: 'end', limit: 1 }),
        buildLogOutputSchema,
      );
      return page.ok ? ok(page.value.lines <= (last ?? page.value.lines)) : page;
    },
  };
}
