import {
  type BatchPlan,
  carriedBuilds,
  describeCounts,
  type PlannedBuild,
  type ServerPlan,
} from '@towline/core/plan';
import {
  BLANK,
  buttons,
  type Dialog,
  dialogRoom,
  dialogRows,
  type Line,
  line,
  padEnd,
  scrollTo,
  span,
  textWidth,
  truncateEnd,
  truncateMiddle,
  wrapText,
} from '../../components/index.ts';
import type { Command } from '../../keys/index.ts';
import { autoRemoveLines } from '../auto-remove.ts';
import { type Buttons, type ButtonsState, pressButtons } from '../buttons-state.ts';
import { movement } from '../list-moves.ts';
import { type Outcome, settle } from '../request.ts';
import type { Size } from '../world.ts';

/** What Batch Execute is about to do. Cancel is the default: it reaches many servers at once. */
export interface PlanState extends ButtonsState {
  plan: BatchPlan;
  /** The runs that its tasks share. */
  builds: readonly PlannedBuild[];
  /** The first line of the plan that is shown. */
  top: number;
}

export const PLAN_BUTTONS: Buttons = { labels: ['Cancel', 'Execute'], yes: 1 };
const FOOT_ROWS = 1;

export function pressInPlan(state: PlanState, command: Command | undefined, size: Size): Outcome<PlanState> {
  const outcome = pressButtons(state, command, PLAN_BUTTONS.yes);
  if (outcome !== undefined) {
    if ('marked' in outcome) return settle({ ...state, marked: outcome.marked });
    return outcome.answer === 'yes'
      ? settle(state, { type: 'close' }, { type: 'execute', plans: state.plan.servers, batch: true })
      : settle(state, { type: 'close' });
  }
  const height = dialogRows(size.rows, FOOT_ROWS) - 1;
  const by = command === undefined ? undefined : movement(command, height);
  if (by === undefined) return settle(state);
  const last = Math.max(0, planLines(state, dialogRoom(size.columns)).length - height);
  return settle({ ...state, top: Math.min(Math.max(0, state.top + by), last) });
}

export function viewPlan(state: PlanState, size: Size): Dialog {
  const lines = planLines(state, dialogRoom(size.columns));
  const height = dialogRows(size.rows, FOOT_ROWS);
  const fits = lines.length <= height;
  const shown = fits ? height : height - 1;
  const top = scrollTo(state.top, state.top, lines.length, shown);
  const rest = lines.length - top - shown;
  const more = rest > 0 ? `${rest} more below, j and k scroll` : 'the end of the plan, j and k scroll';
  return {
    title: `Batch Execute: ${describeCounts(state.plan)}`,
    width: 56,
    body: [...lines.slice(top, top + shown), ...(fits ? [] : [line(span(more, 'quiet'))])],
    foot: [buttons(PLAN_BUTTONS.labels, state.marked)],
  };
}

/** The builds come first, because servers wait for them: a run each, however many tasks it is for. */
function buildLines(builds: readonly PlannedBuild[], width: number): Line[] {
  return builds.flatMap(({ build, agent, tasks }) => [
    line(span('build ', 'armed'), span(build, 'strong'), span(` on ${agent}`, 'quiet')),
    line(
      span(
        truncateEnd(
          `  ${tasks.length === 1 ? 'for' : `one run for ${tasks.length} tasks:`} ${tasks
            .map(({ server, container }) => `${server}/${container}`)
            .join(', ')}`,
          width,
        ),
        'quiet',
      ),
    ),
  ]);
}

/** The builds, each server with what it would run, then what was chosen and would not run, and why. */
function planLines({ plan, builds }: PlanState, width: number): Line[] {
  const armed = plan.servers.flatMap((server) => server.armed);
  const names = Math.min(28, Math.max(0, ...armed.map(({ container }) => textWidth(container))));
  const froms = Math.min(20, Math.max(0, ...armed.map(({ from }) => textWidth(from?.tag ?? 'nothing'))));
  const run = plan.servers.flatMap((server, at) => [
    ...(at > 0 ? [BLANK] : []),
    line(
      span(server.server, 'strong'),
      span(` on ${server.agent}`, 'quiet'),
      ...(carriedBuilds(server, builds).length === 0 ? [] : [span(', from here when it is built', 'plain')]),
    ),
    ...server.armed.map(({ container, from, to }) =>
      line(
        span('  '),
        span(padEnd(truncateMiddle(container, names), names + 3)),
        span(padEnd(truncateMiddle(from?.tag ?? 'nothing', froms), froms), 'quiet'),
        span('  →  ', 'quiet'),
        span(to ?? 'a new build', 'armed'),
      ),
    ),
    ...autoRemoveLines(server, width),
  ]);
  if (builds.length > 0) run.unshift(...buildLines(builds, width), BLANK);
  const skipped = [...plan.servers, ...plan.skipped].flatMap(skippedOf);
  const refused = skipped.filter(({ chosen }) => chosen);
  const places = Math.min(28, Math.max(0, ...refused.map(({ place }) => textWidth(place))));
  const rest = skipped.length - refused.length;
  return [
    ...run,
    ...(refused.length > 0 ? [BLANK, line(span('Chosen, and not run', 'strong'))] : []),
    ...refused.flatMap(({ place, why }) =>
      wrapText(why, Math.max(1, width - places - 5)).map((part, at) =>
        line(
          span('  '),
          span(padEnd(at === 0 ? truncateMiddle(place, places) : '', places + 3)),
          span(part, 'bad'),
        ),
      ),
    ),
    ...(rest > 0
      ? [
          BLANK,
          line(
            span(
              `Nothing is chosen for ${rest === 1 ? '1 other container' : `${rest} other containers`}.`,
              'quiet',
            ),
          ),
        ]
      : []),
  ];
}

function skippedOf(server: ServerPlan): { place: string; why: string; chosen: boolean }[] {
  return server.skipped.map(({ container, refusal, chosen }) => ({
    place: `${server.server}/${container}`,
    why: refusal.message,
    chosen,
  }));
}
