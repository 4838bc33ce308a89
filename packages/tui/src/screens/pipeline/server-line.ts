import type { Job } from '@towline/core/job';
import type { PipelineServer } from '@towline/core/plan';
import { age, type Line, padEnd, type Span, span, spread } from '../../components/index.ts';
import { JOB_MARKS, SERVER_MARKS } from '../glyphs.ts';
import { agentNow } from '../link-loss.ts';
import type { World } from '../world.ts';

/**
 * Where a machine is, `deploy@db-1 (10.0.0.7:22, through gate)`, and which agent it is about, which the row names already: left to
 * the row's info, or what is wrong has no room.
 */
const PLACES = /(?<=^\S+@\S+) \([^)]*\)(?=: )|^The agent at \S+ /;

/** A server's row without the cursor's mark: how it is, which it is, and at the right what its job does or did. */
export function serverLine(server: PipelineServer, world: World, columns: number): Line {
  const mark = SERVER_MARKS[server.state];
  const reason = server.reason === undefined ? '' : `   ${server.reason.replace(PLACES, '')}`;
  return spread(
    [
      // Of the usual widths, so that names stand in one column unless an agent has not answered.
      span(padEnd(`${mark.glyph} ${server.state}`, 10), mark.tone),
      span('  '),
      span(server.name, 'strong'),
      span(` on ${server.agent}`, 'quiet'),
      span(reason, server.state === 'Stopped' ? 'quiet' : 'plain'),
    ],
    lastSeen(server, world) ?? jobSummary(server, agentNow(server.agent, world)),
    columns,
  );
}

/** How stale the row is, where its agent can't be reached. */
function lastSeen({ agent }: PipelineServer, world: World): Span[] | undefined {
  const link = world.fleet.agents[agent]?.link;
  if (link?.state !== 'lost' || link.lastSeenAt === undefined) return undefined;
  return [span(`last seen ${age(world.now - Date.parse(link.lastSeenAt))}`, 'quiet')];
}

function jobSummary(server: PipelineServer, now: number): Span[] {
  const running = server.runningJob;
  if (running !== undefined) {
    const mark = JOB_MARKS[running.state];
    return [span(`${mark.glyph} ${running.state} ${stepCounter(running)}`.trimEnd(), mark.tone)];
  }
  const last = server.lastJob;
  if (last === undefined) return [];
  const mark = JOB_MARKS[last.state];
  const when = last.endedAt === undefined ? '' : ` ${age(now - Date.parse(last.endedAt))}`;
  return [span(`${mark.glyph} ${last.state}`, mark.tone), span(when, 'quiet')];
}

/** `4/11`: at which step of how many it is. */
function stepCounter(job: Job): string {
  if (job.steps.length === 0) return '';
  return `${job.steps.filter((step) => step.state !== 'WAIT').length}/${job.steps.length}`;
}
