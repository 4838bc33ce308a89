import { describeCounts, type Pipeline } from '@towline/core/plan';
import { BLANK, type Line, line, scrollTo, select, span } from '../../components/index.ts';
import { filterLine } from '../filter-line.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { statusRows } from '../status-rows.ts';
import { titleLine } from '../title.ts';
import type { World } from '../world.ts';
import { disabledCommands, foreignCommands } from './keys.ts';
import type { Row } from './rows.ts';
import { serverLine } from './server-line.ts';
import { locate, type PipelineState, rowsOf, tableLines } from './state.ts';
import { statusOf } from './status.ts';
import { columnTitles, INDENT, layOutTable, taskLine } from './table-columns.ts';
import { HEAD_ROWS, STATUS_ROWS, tableHeight } from './table-height.ts';
import { batchOf } from './target.ts';
import { type TaskCells, taskCells } from './task-cells.ts';

export function viewPipeline(state: PipelineState, world: World, notice: Line | undefined): Frame {
  const { pipeline, size } = world;
  const { editing } = state;
  const rows = rowsOf(state, pipeline);
  const at = locate(state, rows);
  const lines = tableLines(rows);
  const height = tableHeight(size);
  const top = scrollTo(state.top, Math.max(0, lines.indexOf(rows[at])), lines.length, height);
  // Of all rows, not of those that are shown: the columns stay where they are while one scrolls.
  const cells = new Map<Row, TaskCells>();
  for (const row of rows) if (row.type === 'task') cells.set(row, taskCells(row.task, row.server, state));
  const layout = layOutTable([...cells.values()], size.columns);

  let cursor: Frame['cursor'];
  const body = lines.slice(top, top + height).map((row, offset): Line => {
    if (row === undefined) return BLANK;
    const selected = row === rows[at];
    if (row.type === 'server')
      return marked(serverLine(row.server, world, size.columns - INDENT - 1), selected);
    const field = editing?.type === 'tag' && editing.row === row.key ? editing.field : undefined;
    const drawn = taskLine(cells.get(row) ?? taskCells(row.task, row.server, state), layout, field);
    if (drawn.caret !== undefined) cursor = { x: drawn.caret, y: HEAD_ROWS + offset };
    return marked(drawn.line, selected);
  });

  const typing = editing?.type === 'filter' ? { field: editing.field, before: editing.before } : undefined;
  const filter = filterLine({ filter: state.filter, typing }, size.columns);
  if (filter.caret !== undefined) cursor = { x: filter.caret, y: 1 };
  const where = pipeline === undefined ? [] : [span(`${pipeline.service} / ${pipeline.map}`, 'strong')];
  const table = rows.length > 0 ? body : [BLANK, line(span(`  ${emptyText(state, pipeline)}`, 'quiet'))];
  const drawn = composeFrame(size, [titleLine(world, where), filter.line, columnTitles(layout)], table, [
    BLANK,
    ...statusRows(
      notice ?? statusOf(state, world),
      size.columns,
      STATUS_ROWS,
      STATUS_ROWS + Math.max(0, height - table.length),
    ),
    editing === undefined
      ? footer('pipeline', size.columns, {
          disabled: disabledCommands(state, world),
          hidden: foreignCommands(state, world),
          texts: batchText(state, pipeline),
        })
      : footer('field', size.columns),
  ]);
  return cursor === undefined ? { lines: drawn } : { lines: drawn, cursor };
}

/** How much Batch Execute would run; its key stands in brackets where that is nothing. */
function batchText(state: PipelineState, pipeline: Pipeline | undefined): { batch?: string } {
  const plan = pipeline === undefined ? undefined : batchOf(state, pipeline);
  return plan === undefined || plan.taskCount === 0
    ? {}
    : { batch: `Batch Execute (${describeCounts(plan)})` };
}

function emptyText(state: PipelineState, pipeline: Pipeline | undefined): string {
  if (pipeline === undefined) return 'No application map is shown. Press s to pick one.';
  if (state.filter !== '') return 'No server, container or image matches the filter. Esc drops it.';
  return 'This application map has no servers.';
}

function marked(row: Line, selected: boolean): Line {
  return selected ? select(line(span('▸ ', 'key'), ...row.spans)) : line(span('  '), ...row.spans);
}
