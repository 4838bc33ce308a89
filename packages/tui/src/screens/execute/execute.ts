import { carriedBuilds, type PlannedBuild, type ServerPlan } from '@towline/core/plan';
import {
  BLANK,
  buttons,
  type Dialog,
  line,
  padEnd,
  span,
  textWidth,
  truncateMiddle,
} from '../../components/index.ts';
import type { Command } from '../../keys/index.ts';
import { autoRemoveLines } from '../auto-remove.ts';
import { type Buttons, type ButtonsState, pressButtons } from '../buttons-state.ts';
import { type Outcome, settle } from '../request.ts';

/** What Execute is about to do on one server; Enter goes on, for whoever pressed x meant it. */
export interface ExecuteState extends ButtonsState {
  plan: ServerPlan;
  /** The runs that it waits for. */
  builds: readonly PlannedBuild[];
}

/** Said where the job has to be begun when the build is over, by whoever is there still. */
const FROM_HERE = [
  'It is deployed from here when that is built:',
  "its agent can't wait for it. Stay until then.",
];

const WIDTH = 44;

export const EXECUTE_BUTTONS: Buttons = { labels: ['Execute', 'Cancel'], yes: 0 };

export function pressInExecute(state: ExecuteState, command: Command | undefined): Outcome<ExecuteState> {
  const outcome = pressButtons(state, command, EXECUTE_BUTTONS.yes);
  if (outcome === undefined) return settle(state);
  if ('marked' in outcome) return settle({ ...state, marked: outcome.marked });
  return outcome.answer === 'yes'
    ? settle(state, { type: 'close' }, { type: 'execute', plans: [state.plan], batch: false })
    : settle(state, { type: 'close' });
}

export function viewExecute(state: ExecuteState): Dialog {
  const { plan, builds } = state;
  const names = Math.min(30, Math.max(...plan.armed.map(({ container }) => textWidth(container))));
  const warned = autoRemoveLines(plan, WIDTH);
  const froms = Math.max(...plan.armed.map(({ from }) => textWidth(from?.tag ?? 'nothing')));
  return {
    title: `Execute ${plan.server}`,
    width: WIDTH,
    body: [
      ...builds.map(({ build, agent }) =>
        line(span('build ', 'armed'), span(build, 'strong'), span(` on ${agent} first`, 'quiet')),
      ),
      line(span(`on ${plan.agent}, as one update`, 'quiet')),
      ...(carriedBuilds(plan, builds).length === 0 ? [] : FROM_HERE.map((text) => line(span(text, 'plain')))),
      BLANK,
      ...plan.armed.map(({ container, from, to }) =>
        line(
          span(padEnd(truncateMiddle(container, names), names + 3)),
          span(padEnd(from?.tag ?? 'nothing', froms), 'quiet'),
          span('  →  ', 'quiet'),
          span(to ?? 'a new build', 'armed'),
        ),
      ),
      ...(warned.length > 0 ? [BLANK, ...warned] : []),
    ],
    foot: [buttons(EXECUTE_BUTTONS.labels, state.marked)],
  };
}
