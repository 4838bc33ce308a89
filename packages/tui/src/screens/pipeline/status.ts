import { type BuildRun, runStateWords } from '@towline/core/build';
import type { PlannedTask } from '@towline/core/plan';
import { age, type Line, line, type Span, span } from '../../components/index.ts';
import { agentNow } from '../link-loss.ts';
import type { World } from '../world.ts';
import type { Row } from './rows.ts';
import { type PipelineState, selectedRow } from './state.ts';
import { targetOf } from './target.ts';

/** What the row under the cursor would do, or why it would do nothing. */
export function statusOf(state: PipelineState, world: World): Line {
  if (state.editing?.type === 'tag') {
    if (state.editing.field.selected === true) {
      return line(
        span('Typing takes the place of what is there; an arrow key keeps it to be changed.', 'quiet'),
      );
    }
    return line(span('Type a tag, or paste one. Enter takes it, Esc leaves it as it was.', 'quiet'));
  }
  if (state.editing?.type === 'filter') {
    return line(span('Servers, agents, containers and images that have this in their name.', 'quiet'));
  }
  const row = selectedRow(state, world.pipeline);
  if (row === undefined || world.pipeline === undefined) return line();
  const target = targetOf(state, world.pipeline, row);
  if ('refusal' in target) return line(span(target.refusal, 'quiet'), ...lastRun(row, world));
  return line(span('Execute: ', 'quiet'), span(target.plan.armed.map(describeChange).join(', '), 'strong'));
}

/** `gateway 1.0.0 → 1.1.0`. */
export function describeChange({ container, from, to }: PlannedTask): string {
  const before = from === undefined ? '' : `${from.tag} `;
  return `${container} ${before}→ ${to ?? 'a new build'}`;
}

/** The last build run in full, for which a narrow table has no room. */
function lastRun(row: Row, world: World): Span[] {
  const build = row.type === 'task' ? row.task.build : undefined;
  if (build?.lastRun === undefined) return [];
  const now = agentNow(build.definition.agent, world);
  return [span(`  Last build: ${describeRun(build.lastRun, now)}.`, 'quiet')];
}

/** `2.2.B000006 DONE 9 s ago`, `now` by the clock of its agent. */
export function describeRun(run: BuildRun, now: number): string {
  const when = run.endedAt === undefined ? '' : ` ${age(now - Date.parse(run.endedAt))}`;
  return `${run.tag} ${runStateWords(run)}${when}`;
}
