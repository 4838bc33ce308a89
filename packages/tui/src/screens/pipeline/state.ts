import { type Choices, choiceOf, type Pipeline, type PipelineTask, taskKey } from '@towline/core/plan';
import type { Choice } from '@towline/core/rules';
import {
  clampCursor,
  reduceTextField,
  scrollTo,
  selectedField,
  type TextField,
  type TextFieldAction,
  textField,
} from '../../components/index.ts';
import type { SentServer } from '../batch/index.ts';
import { pipelineRows, type Row, type RowKey } from './rows.ts';

export interface PipelineState {
  /** What the operator chose, by row; a task without one has its initial choice. */
  choices: Choices;
  /** The row under the cursor, and where it was: when it goes, the cursor stays in its place. */
  cursor: RowKey;
  cursorAt: number;
  /** The first line of the table that is shown, in lines as `tableLines` counts them. */
  top: number;
  filter: string;
  editing: Editing | undefined;
  /** Servers that an execution has asked for, and that have no job yet. */
  sent: readonly SentServer[];
}

export type Editing =
  | { type: 'tag'; row: RowKey; field: TextField }
  /** `before` comes back with Esc. */
  | { type: 'filter'; before: string; field: TextField };

export type PipelineAction =
  | { type: 'move'; by: number }
  | { type: 'edit-tag'; row: RowKey; tag: string }
  | { type: 'edit-filter' }
  | { type: 'type'; action: TextFieldAction }
  | { type: 'accept' }
  | { type: 'restore' }
  | { type: 'choose'; row: RowKey; choice: Choice }
  | { type: 'unchoose'; rows: readonly RowKey[] }
  | { type: 'drop-filter' }
  | { type: 'sent'; servers: readonly SentServer[] }
  /** The rows or the room for them may have changed. */
  | { type: 'sync' };

/** What the reducer looks at: the rows come from it, and the cursor stays on one of them. */
export interface TableRoom {
  pipeline: Pipeline | undefined;
  /** Lines of the table that fit. */
  height: number;
}

export const INITIAL_PIPELINE: PipelineState = {
  choices: new Map(),
  cursor: '',
  // The first task: on its server nothing can be chosen.
  cursorAt: 1,
  top: 0,
  filter: '',
  editing: undefined,
  sent: [],
};

export function reducePipeline(state: PipelineState, action: PipelineAction, room: TableRoom): PipelineState {
  return keepInSight(reduce(state, action, room), room);
}

function reduce(state: PipelineState, action: PipelineAction, room: TableRoom): PipelineState {
  switch (action.type) {
    case 'move': {
      const rows = rowsOf(state, room.pipeline);
      const at = clampCursor(locate(state, rows) + action.by, rows.length);
      return { ...state, cursor: rows[at]?.key ?? '', cursorAt: at };
    }
    case 'edit-tag':
      return { ...state, editing: { type: 'tag', row: action.row, field: selectedField(action.tag) } };
    case 'edit-filter':
      return {
        ...state,
        editing: { type: 'filter', before: state.filter, field: textField(state.filter) },
      };
    case 'type': {
      if (state.editing === undefined) return state;
      const field = reduceTextField(state.editing.field, action.action);
      const filter = state.editing.type === 'filter' ? field.value : state.filter;
      return { ...state, filter, editing: { ...state.editing, field } };
    }
    case 'accept': {
      const { editing } = state;
      if (editing === undefined) return state;
      const accepted = { ...state, editing: undefined };
      if (editing.type === 'filter') return accepted;
      return chooseTag(accepted, room.pipeline, editing.row, editing.field.value.trim());
    }
    case 'restore': {
      const filter = state.editing?.type === 'filter' ? state.editing.before : state.filter;
      return { ...state, filter, editing: undefined };
    }
    case 'choose':
      return { ...state, choices: new Map(state.choices).set(action.row, action.choice) };
    case 'unchoose':
      return { ...state, choices: without(state.choices, action.rows) };
    case 'drop-filter':
      return { ...state, filter: '' };
    case 'sent':
      return { ...state, sent: action.servers };
    case 'sync':
      return state;
  }
}

function chooseTag(
  state: PipelineState,
  pipeline: Pipeline | undefined,
  row: RowKey,
  tag: string,
): PipelineState {
  const task = pipeline === undefined ? undefined : findTask(pipeline, row);
  if (task === undefined) return state;
  const { mode } = choiceOf(task, state.choices);
  if (mode !== 'image-tag' && mode !== 'designated') return state;
  // An emptied field is no choice at all: the task is as nobody had touched it.
  const choices = tag === '' ? without(state.choices, [row]) : new Map(state.choices).set(row, { mode, tag });
  return { ...state, choices };
}

function without(choices: Choices, rows: readonly RowKey[]): Choices {
  return new Map([...choices].filter(([row]) => !rows.includes(row)));
}

export function rowsOf(state: PipelineState, pipeline: Pipeline | undefined): Row[] {
  return pipeline === undefined ? [] : pipelineRows(pipeline, state.filter);
}

/** Where the cursor stands: on its row, or where that was. */
export function locate(state: PipelineState, rows: readonly Row[]): number {
  const at = rows.findIndex((row) => row.key === state.cursor);
  return at >= 0 ? at : clampCursor(state.cursorAt, rows.length);
}

export function selectedRow(state: PipelineState, pipeline: Pipeline | undefined): Row | undefined {
  const rows = rowsOf(state, pipeline);
  return rows[locate(state, rows)];
}

function findTask(pipeline: Pipeline, row: RowKey): PipelineTask | undefined {
  for (const server of pipeline.servers) {
    const task = server.tasks.find((candidate) => taskKey(server.name, candidate.container.name) === row);
    if (task !== undefined) return task;
  }
  return undefined;
}

/** The table's lines: a row is one, and every server but the first has a blank one above it. */
export function tableLines(rows: readonly Row[]): (Row | undefined)[] {
  return rows.flatMap((row, at) => (row.type === 'server' && at > 0 ? [undefined, row] : [row]));
}

function keepInSight(state: PipelineState, room: TableRoom): PipelineState {
  const rows = rowsOf(state, room.pipeline);
  const at = locate(state, rows);
  const lines = tableLines(rows);
  const top = scrollTo(state.top, Math.max(0, lines.indexOf(rows[at])), lines.length, room.height);
  const cursor = rows[at]?.key ?? state.cursor;
  // A tag that is being typed for a row that has gone is typed for nothing.
  const gone =
    state.editing?.type === 'tag' &&
    (room.pipeline === undefined || findTask(room.pipeline, state.editing.row) === undefined);
  const editing = gone ? undefined : state.editing;
  if (top === state.top && cursor === state.cursor && at === state.cursorAt && editing === state.editing) {
    return state;
  }
  return { ...state, top, cursor, cursorAt: at, editing };
}
