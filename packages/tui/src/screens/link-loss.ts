import { age, type Line, line, span, wrapText } from '../components/index.ts';
import type { World } from './world.ts';

/** That what an agent told is not of now: its link is lost. */
export interface LinkLoss {
  /** `The link to web is lost, last seen 12 s ago.` */
  sentence: string;
  /** Which hop failed, why, and what to do. */
  message: string;
}

/** Undefined while the agent is connected, or was never heard of and is connected to now. */
export function linkLoss(agent: string, world: World): LinkLoss | undefined {
  const link = world.fleet.agents[agent]?.link;
  if (link?.state === 'incompatible') {
    return { sentence: `${agent} speaks another protocol than this towline.`, message: link.message };
  }
  if (link?.state !== 'lost') return undefined;
  const sentence =
    link.lastSeenAt === undefined
      ? `${agent} has not been reached yet.`
      : `The link to ${agent} is lost, last seen ${age(world.now - Date.parse(link.lastSeenAt))}.`;
  return { sentence, message: link.message };
}

/** What an agent's own clock says now, in milliseconds since 1970: the times of its jobs and runs are of that one. */
export function agentNow(agent: string, world: World): number {
  return byAgentsClock(agent, world, world.now);
}

/** Until when what an agent told is known, by its own clock: what it runs is not shown to run on while nobody sees it. */
export function knownUntil(agent: string, world: World): number {
  const link = world.fleet.agents[agent]?.link;
  const seen =
    link?.state === 'lost' && link.lastSeenAt !== undefined ? Date.parse(link.lastSeenAt) : world.now;
  return byAgentsClock(agent, world, seen);
}

function byAgentsClock(agent: string, world: World, at: number): number {
  return at + (world.fleet.agents[agent]?.clockAheadMs ?? 0);
}

/** The loss over what is shown nevertheless of something that went on. */
export function lossLines({ sentence, message }: LinkLoss, indent: string, columns: number): Line[] {
  const width = Math.max(1, columns - indent.length - 2);
  return [
    ...wrapText(`✗ ${sentence} This is how it stood then. It goes on there without the link.`, width).map(
      (part) => line(span(indent), span(part, 'bad')),
    ),
    ...wrapText(message, width).map((part) => line(span(indent), span(part, 'quiet'))),
  ];
}
