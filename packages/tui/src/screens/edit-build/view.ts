import { buildStepName } from '@towline/core/build';
import {
  age,
  BLANK,
  clampCursor,
  type Dialog,
  type Line,
  line,
  maskedField,
  padEnd,
  sanitizeLine,
  scrollTo,
  select,
  span,
  textWidth,
  truncateEnd,
  visibleArea,
  visibleField,
  wrapText,
} from '../../components/index.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { agentNow } from '../link-loss.ts';
import { placeInList } from '../list-state.ts';
import { statusRows } from '../status-rows.ts';
import { titleLine } from '../title.ts';
import type { World } from '../world.ts';
import {
  changesOf,
  type EditBuildState,
  editBuildContext,
  formHeight,
  HINT_ROWS,
  problemsOf,
  type Row,
  rowsOf,
  stepChoices,
  whyLocked,
} from './edit-build.ts';
import type { FormValues } from './fields.ts';
import type { Problems } from './form-values.ts';

const LABEL_WIDTH = 16;
/** Of the text of an area while it is typed. */
const AREA_ROWS = 8;

export function viewEditBuild(state: EditBuildState, world: World, notice: Line | undefined): Frame {
  const { size } = world;
  const title = titleLine(world, [
    span('Edit Build ', 'quiet'),
    span(`${state.service} / ${state.build}`, 'strong'),
    span(` on ${state.agent}`, 'quiet'),
  ]);
  const { values, file } = state;
  if (values === undefined) {
    const text = file?.ok === false ? file.error.message : `Reading ${world.origin}…`;
    const tone = file?.ok === false ? 'bad' : 'active';
    const body = wrapText(text, size.columns - 4).map((part) => line(span(`  ${part}`, tone)));
    const foot = [notice ?? BLANK, footer('edit-build', size.columns)];
    return { lines: composeFrame(size, [title, BLANK], body, foot) };
  }
  const drawn = drawForm(state, values, world);
  const height = formHeight(size.rows);
  const top = scrollTo(
    scrollTo(0, drawn.end, drawn.lines.length, height),
    drawn.start,
    drawn.lines.length,
    height,
  );
  const context = editBuildContext(state);
  const lines = composeFrame(size, [title, statusLine(state)], drawn.lines.slice(top, top + height), [
    ...statusRows(notice ?? hintLine(state), size.columns, HINT_ROWS),
    footer(context === 'step-picker' ? 'edit-build' : context, size.columns, {
      disabled: new Set(changesOf(state).length === 0 ? ['save'] : ['run-build', 'run-step']),
    }),
  ]);
  return drawn.caret === undefined
    ? { lines }
    : { lines, cursor: { x: drawn.caret.x, y: 2 + drawn.caret.y - top } };
}

function statusLine(state: EditBuildState): Line {
  const changed = changesOf(state).length;
  const wrong = problemsOf(state).size;
  if (state.saving !== undefined) return line(span('  Saving…', 'active'));
  return line(
    changed === 0
      ? span('  As the map file has it.', 'quiet')
      : span(`  ✎ ${changed} change${changed === 1 ? '' : 's'} not saved`, 'armed'),
    span(wrong === 0 ? '' : `   ✗ ${wrong} field${wrong === 1 ? ' is' : 's are'} not right yet`, 'bad'),
  );
}

interface DrawnForm {
  lines: Line[];
  /** The lines of the row under the cursor. */
  start: number;
  end: number;
  caret?: { x: number; y: number };
}

function drawForm(state: EditBuildState, values: FormValues, world: World): DrawnForm {
  const { columns } = world.size;
  const rows = rowsOf(state);
  const at = clampCursor(state.cursor, rows.length);
  const problems = problemsOf(state);
  const drawn: DrawnForm = { lines: [], start: 0, end: 0 };
  let section = '';
  for (const [index, row] of rows.entries()) {
    const own = row.type === 'field' ? row.field.section : `Secrets on ${state.agent}`;
    if (own !== section) {
      if (section !== '') drawn.lines.push(BLANK);
      drawn.lines.push(line(span(`  ${own}`, 'title')));
      if (own === 'Source') drawn.lines.push(nameLine(state));
      section = own;
    }
    const start = drawn.lines.length;
    const { lines, caret } = drawRow(state, row, values, problems, index === at, world, columns);
    drawn.lines.push(...lines);
    if (index !== at) continue;
    // The heading above the first field stays in sight with it.
    drawn.start = index === 0 ? 0 : start;
    drawn.end = drawn.lines.length - 1;
    if (caret !== undefined) drawn.caret = { x: caret.x, y: start + caret.y };
  }
  return drawn;
}

/** The build's own name: what its numbers are counted by can't be another. */
function nameLine(state: EditBuildState): Line {
  return line(
    span(`    ${padEnd('build', LABEL_WIDTH)}`, 'quiet'),
    span(`${state.build}   locked: its runs are counted by this name`, 'quiet'),
  );
}

interface DrawnRow {
  lines: Line[];
  caret?: { x: number; y: number };
}

function drawRow(
  state: EditBuildState,
  row: Row,
  values: FormValues,
  problems: Problems,
  selected: boolean,
  world: World,
  columns: number,
): DrawnRow {
  const left = 4 + LABEL_WIDTH;
  const width = Math.max(10, columns - left - 2);
  const mark = selected ? span('  ▸ ', 'key') : span('    ');
  const label = row.type === 'field' ? row.field.label : row.name;
  const head = [mark, span(padEnd(truncateEnd(label, LABEL_WIDTH - 1), LABEL_WIDTH), 'quiet')];
  const { typing } = state;
  if (selected && typing?.type === 'field') {
    const masked = row.type === 'secret';
    const field = masked ? maskedField(typing.field) : typing.field;
    const shown = visibleField(field, width);
    return {
      lines: [line(...head, span(padEnd(shown.text.replace(/\p{Cc}/gu, '\ufffd'), width), 'field'))],
      caret: { x: left + shown.caret, y: 0 },
    };
  }
  if (selected && typing?.type === 'area') {
    const shown = visibleArea(typing.area, width, AREA_ROWS);
    return {
      lines: shown.rows.map((text, offset) => {
        const body = span(padEnd(text, width), 'field');
        return offset === 0 ? line(...head, body) : line(span(' '.repeat(left)), body);
      }),
      caret: { x: left + shown.x, y: shown.y },
    };
  }
  const value =
    row.type === 'field' ? valueSpan(state, row, values, width) : secretSpan(state, row.name, world);
  const first = line(...head, value);
  const problem = row.type === 'field' ? problems.get(row.field.key) : undefined;
  const below =
    problem === undefined
      ? []
      : wrapText(`✗ ${problem}`, width).map((part) => line(span(' '.repeat(left)), span(part, 'bad')));
  return { lines: [selected ? select(first) : first, ...below] };
}

function valueSpan(
  state: EditBuildState,
  { field }: Extract<Row, { type: 'field' }>,
  values: FormValues,
  width: number,
) {
  const { key, kind } = field;
  const value = values[key].split('\n').map(sanitizeLine).join('\n');
  const locked = whyLocked(state, key);
  if (locked !== undefined) {
    return span(truncateEnd(`${value}   ${locked.replace(/^Locked/, 'locked')}`, width), 'quiet');
  }
  switch (kind.type) {
    case 'switch':
      return span(value === 'on' ? '[x] on' : '[ ] off', value === 'on' ? 'plain' : 'quiet');
    case 'choice':
      return span(`‹ ${kind.choices.find((choice) => choice.value === value)?.label ?? value} ›`);
    case 'text':
      return value === '' ? span('–', 'quiet') : span(truncateEnd(value, width));
    case 'area': {
      if (value === '') return span('–', 'quiet');
      const [first = '', ...rest] = value.split('\n');
      const more = rest.length > 0 ? `  (and ${rest.length} more line${rest.length === 1 ? '' : 's'})` : '';
      return span(truncateEnd(first.replaceAll('\t', '    '), Math.max(8, width - textWidth(more))) + more);
    }
  }
}

function secretSpan({ secrets, agent }: EditBuildState, name: string, world: World) {
  if (secrets === undefined) return span(`asking ${agent}…`, 'quiet');
  if (!secrets.ok) return span('not known', 'quiet');
  const found = secrets.value.find((secret) => secret.name === name);
  return found === undefined
    ? span(`✗ not on ${agent} yet: Enter writes it`, 'bad')
    : span(`••••••••   written ${age(agentNow(agent, world) - Date.parse(found.updatedAt))}`);
}

/** What the row under the cursor is for, and in what form. */
function hintLine(state: EditBuildState): Line {
  const rows = rowsOf(state);
  const row = rows[clampCursor(state.cursor, rows.length)];
  if (row === undefined) return BLANK;
  if (state.typing?.type === 'area') {
    return line(span('Ctrl-S takes it, Esc leaves it as it was.', 'quiet'));
  }
  const hint =
    row.type === 'field'
      ? (whyLocked(state, row.field.key) ?? row.field.hint)
      : `Enter writes its value to ${state.agent}. It can be written anew, and not be read back.`;
  return line(span(hint, 'quiet'));
}

/** Which step to run alone. */
export function viewStepPicker(state: EditBuildState, world: World): Dialog {
  const steps = stepChoices(state);
  const picker = state.stepPicker ?? { cursor: 0, top: 0, filter: '', typing: undefined };
  const { at } = placeInList(picker, steps.length, world.size.rows);
  return {
    title: 'Run one step alone',
    width: 40,
    body: steps.map((step, index) =>
      index === at
        ? select(line(span('▸ ', 'key'), span(buildStepName(step))))
        : line(span(`  ${buildStepName(step)}`)),
    ),
    foot: [line(span('Enter runs it, Esc closes', 'quiet'))],
  };
}
