import {
  type BuildDefinition,
  type BuildStepKind,
  lockedFields,
  secretsOf,
  stepsOf,
} from '@towline/core/build';
import type { BuildChanges } from '@towline/core/map';
import type { BuildRunsOutput, PutSecretOutput, SecretNames } from '@towline/core/protocol';
import { err, type Failure, ok, type Result } from '@towline/core/result';
import {
  areaText,
  clampCursor,
  reduceTextArea,
  reduceTextField,
  type TextArea,
  type TextField,
  textArea,
  textField,
} from '../../components/index.ts';
import type { CallFailure } from '../../fleet/index.ts';
import type { Command, Context, Key } from '../../keys/index.ts';
import { fieldAction } from '../field-keys.ts';
import { movement } from '../list-moves.ts';
import { INITIAL_LIST, type ListState, placeInList, pressInList } from '../list-state.ts';
import { whyReadOnly } from '../read-only.ts';
import { type BuildPlace, type Outcome, type Question, settle } from '../request.ts';
import type { World } from '../world.ts';
import { FIELDS, type Field, type FieldKey, type FormValues } from './fields.ts';
import { fieldAt, type Problems, toDefinition, toValues } from './form-values.ts';

/** A build's definition as a form over the map file. */
export interface EditBuildState extends BuildPlace {
  /** What the map file says of the build; undefined until it was read. */
  file: Result<BuildDefinition, Failure> | undefined;
  values: FormValues | undefined;
  /** Counts the rows that can be changed. */
  cursor: number;
  typing: Typing | undefined;
  /** What its agent knows: how often it ran, and which secrets there are. */
  runs: Result<BuildRunsOutput, CallFailure> | undefined;
  secrets: Result<SecretNames, CallFailure> | undefined;
  asked: boolean;
  /** What is on its way into the file. */
  saving: BuildDefinition | undefined;
  /** A save found the file changed: it is being read again. */
  conflict: boolean;
  /** The file as somebody else has changed it meanwhile, not taken in yet. */
  theirs: BuildDefinition | undefined;
  /** While one step is being picked. */
  stepPicker: ListState | undefined;
}

export type Typing =
  | { type: 'field'; row: Row; field: TextField }
  | { type: 'area'; row: Row; area: TextArea };

/** What the cursor can stand on: a field, or a secret that the build needs. */
export type Row = { type: 'field'; field: Field } | { type: 'secret'; name: string };

export function openEditBuild(place: BuildPlace): EditBuildState {
  return {
    ...place,
    file: undefined,
    values: undefined,
    cursor: 0,
    typing: undefined,
    runs: undefined,
    secrets: undefined,
    asked: false,
    saving: undefined,
    conflict: false,
    theirs: undefined,
    stepPicker: undefined,
  };
}

export function editBuildContext(state: EditBuildState): Context {
  if (state.typing !== undefined) return state.typing.type === 'area' ? 'text' : 'field';
  return state.stepPicker === undefined ? 'edit-build' : 'step-picker';
}

/** Asks its agent what can be changed and which secrets there are, as soon as it is there. */
export function syncEditBuild(state: EditBuildState, world: World): Outcome<EditBuildState> {
  if (state.asked || world.fleet.agents[state.agent]?.link.state !== 'connected') return settle(state);
  const { agent, service, build } = state;
  return settle({ ...state, asked: true }, { type: 'load-edit', agent, service, build });
}

export function agentToldOfBuild(
  state: EditBuildState,
  answer: {
    runs?: Result<BuildRunsOutput, CallFailure>;
    secrets?: Result<SecretNames, CallFailure>;
  },
): EditBuildState {
  return { ...state, ...answer };
}

/** The file was read again. After a save that found it changed, what to do with it is asked. */
export function mapReloaded(
  state: EditBuildState,
  result: Result<void, Failure>,
  world: World,
): Outcome<EditBuildState> {
  const read = result.ok ? definitionIn(world, state) : result;
  if (!state.conflict) {
    return settle({ ...state, file: read, values: read.ok ? toValues(read.value) : undefined });
  }
  const over = { ...state, conflict: false };
  if (!read.ok) {
    const text = `The file was changed meanwhile, and nothing was overwritten. ${read.error.message}`;
    return settle(over, { type: 'notice', tone: 'bad', text });
  }
  return settle(
    { ...over, theirs: read.value },
    { type: 'ask', question: conflictQuestion(over, read.value) },
  );
}

function conflictQuestion(state: EditBuildState, theirs: BuildDefinition): Question {
  const before = state.file?.ok === true ? toValues(state.file.value) : undefined;
  const now = toValues(theirs);
  const labels = FIELDS.filter(({ key }) => before !== undefined && before[key] !== now[key]).map(
    ({ label, section }) => `${section.toLowerCase()} ${label}`,
  );
  const both = FIELDS.filter(
    ({ key }) =>
      before !== undefined &&
      before[key] !== now[key] &&
      state.values?.[key] !== before[key] &&
      state.values?.[key] !== now[key],
  ).map(({ label, section }) => `${section.toLowerCase()} ${label}`);
  return {
    title: 'The map file was changed meanwhile',
    sentences: [
      'Somebody else saved it. Nothing was overwritten.',
      labels.length === 0
        ? `They changed other parts of it, and nothing of ${state.build}.`
        : `Of ${state.build} they changed: ${labels.join(', ')}.`,
      ...(both.length === 0 ? [] : [`You changed as well: ${both.join(', ')}. Yours stays in the form.`]),
      'Take the file in, and your changes stay on top of it in the form; then save again.',
    ],
    keep: 'Leave it',
    act: 'Take the file in',
    requests: [{ type: 'take-file' }],
  };
}

/** The file as somebody else left it, with what was changed here on top. */
export function fileTaken(state: EditBuildState): EditBuildState {
  const { theirs, values, file } = state;
  if (theirs === undefined || values === undefined || file?.ok !== true) return state;
  const before = toValues(file.value);
  const now = toValues(theirs);
  const merged: FormValues = { ...now, ...changedOnly(before, values) };
  return { ...state, file: ok(theirs), theirs: undefined, values: merged };
}

function changedOnly(before: FormValues, values: FormValues): Partial<Record<FieldKey, string>> {
  return Object.fromEntries(
    FIELDS.filter(({ key }) => before[key] !== values[key]).map(({ key }) => [key, values[key]]),
  );
}

export function mapSaved(
  state: EditBuildState,
  result: Result<void, Failure>,
  world: World,
): Outcome<EditBuildState> {
  const done = { ...state, saving: undefined };
  if (result.ok) {
    const file = state.saving === undefined ? state.file : ok(state.saving);
    return settle(
      { ...done, file, values: file?.ok === true ? toValues(file.value) : done.values },
      { type: 'notice', tone: 'good', text: `Saved to ${world.origin}.` },
    );
  }
  const { code, message } = result.error;
  if (code === 'map-file-changed') {
    return settle({ ...done, conflict: true }, { type: 'reload-map', ...placeOf(state) });
  }
  // What `editBuild` found in a field is said at it.
  const path = /^\w+\.([\w.]+):/.exec(message)?.[1];
  const key = path === undefined || state.values === undefined ? undefined : fieldAt(path, state.values);
  return settle(key === undefined ? done : atField(done, key), {
    type: 'notice',
    tone: 'bad',
    text: message,
  });
}

export function secretWritten(
  state: EditBuildState,
  name: string,
  result: Result<PutSecretOutput, CallFailure>,
): Outcome<EditBuildState> {
  if (!result.ok) return settle(state, { type: 'notice', tone: 'bad', text: result.error.message });
  const text = result.value.masked
    ? `The secret ${name} is on ${state.agent}. It can be written anew, and not be read back.`
    : `The secret ${name} is on ${state.agent}, and is too short to be hidden where it turns up in a log.`;
  return settle(
    { ...state, asked: true },
    { type: 'notice', tone: result.value.masked ? 'good' : 'bad', text },
    { type: 'load-edit', ...placeOf(state) },
  );
}

/** Back to what the file says, and reads it again. */
export function editsDropped(state: EditBuildState): Outcome<EditBuildState> {
  return settle(
    {
      ...openEditBuild(placeOf(state)),
      runs: state.runs,
      secrets: state.secrets,
      asked: state.asked,
      cursor: state.cursor,
    },
    { type: 'reload-map', ...placeOf(state) },
  );
}

function placeOf({ agent, service, build }: EditBuildState): BuildPlace {
  return { agent, service, build };
}

function definitionIn(world: World, { service, build }: BuildPlace): Result<BuildDefinition, Failure> {
  const definition = world.fleet.services
    .find(({ name }) => name === service)
    ?.builds.find(({ name }) => name === build);
  return definition === undefined
    ? err({ code: 'not-found', message: `The map file has no build ${build} of ${service} any more.` })
    : ok(definition);
}

/** The rows that the cursor goes over: the fields that mean something, then the secrets that the build needs. */
export function rowsOf(state: EditBuildState): Row[] {
  const { values } = state;
  if (values === undefined) return [];
  const fields = FIELDS.filter(({ shown }) => shown?.(values) ?? true).map(
    (field): Row => ({ type: 'field', field }),
  );
  return [...fields, ...secretNamesOf(state).map((name): Row => ({ type: 'secret', name }))];
}

/** As the form has them, saved or not. */
function secretNamesOf({ values, file }: EditBuildState): string[] {
  if (values === undefined || file?.ok !== true) return [];
  const read = toDefinition(values, file.value);
  return 'definition' in read ? secretsOf(read.definition) : secretsOf(file.value);
}

export function problemsOf({ values, file }: EditBuildState): Problems {
  if (values === undefined || file?.ok !== true) return new Map();
  const read = toDefinition(values, file.value);
  return 'problems' in read ? read.problems : new Map();
}

export function changesOf({ values, file }: EditBuildState): FieldKey[] {
  if (values === undefined || file?.ok !== true) return [];
  const before = toValues(file.value);
  return FIELDS.filter(({ key }) => before[key] !== values[key]).map(({ key }) => key);
}

/** Why a field can't be changed; undefined where it can. */
export function whyLocked(state: EditBuildState, key: FieldKey): string | undefined {
  if (key !== 'name') return undefined;
  const { runs, agent } = state;
  if (runs === undefined) return `Locked until ${agent} has said whether the build has run.`;
  if (!runs.ok) return `Locked, because ${agent} can't say whether the build has run.`;
  const count = runs.value.everRun ?? runs.value.runs.length;
  return lockedFields(count).includes('image.name')
    ? `Locked: the build has run ${count === 1 ? 'once' : `${count} times`}, and its images are found by this name.`
    : undefined;
}

/** The title, and what is not saved. */
const HEAD_ROWS = 2;
/** What a field is for, or what was not done and why. */
export const HINT_ROWS = 2;

/** Rows of the screen for the form. */
export function formHeight(rows: number): number {
  return Math.max(1, rows - HEAD_ROWS - HINT_ROWS - 1);
}

export function pressInEditBuild(
  state: EditBuildState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<EditBuildState> {
  if (state.typing !== undefined) return pressTyping(state, state.typing, command, key);
  if (state.stepPicker !== undefined) return pressInStepPicker(state, state.stepPicker, command, key, world);
  const rows = rowsOf(state);
  const by = command === undefined ? undefined : movement(command, formHeight(world.size.rows));
  if (by !== undefined) return settle({ ...state, cursor: clampCursor(state.cursor + by, rows.length) });
  const say = (text: string) => settle(state, { type: 'notice', tone: 'plain', text });
  const dirty = changesOf(state).length > 0;
  const place = placeOf(state);
  const readOnly = whyReadOnly(world, state.agent, 'change something');
  switch (command) {
    case 'back':
      return dirty
        ? settle(state, { type: 'ask', question: leaveQuestion(state, 'Leave', [{ type: 'close' }]) })
        : settle(state, { type: 'close' });
    case 'change': {
      const row = rows[clampCursor(state.cursor, rows.length)];
      if (row === undefined) return settle(state);
      return readOnly !== undefined ? say(readOnly) : change(state, row);
    }
    case 'save':
      return readOnly !== undefined ? say(readOnly) : save(state);
    case 'reload':
      return dirty
        ? settle(state, { type: 'ask', question: leaveQuestion(state, 'Reload', [{ type: 'drop-edits' }]) })
        : editsDropped(state);
    case 'run-build':
    case 'run-step': {
      if (readOnly !== undefined) return say(readOnly);
      if (dirty)
        return say('Save first with s, or drop the changes with R: a build runs as the map file has it.');
      if (state.file?.ok !== true) return settle(state);
      return command === 'run-build'
        ? settle(state, { type: 'run-build', ...place })
        : settle({ ...state, stepPicker: INITIAL_LIST });
    }
    case 'clear-source':
    case 'clear-cache':
      return readOnly !== undefined
        ? say(readOnly)
        : settle(state, {
            type: 'ask',
            question: cleanQuestion(place, command === 'clear-source' ? 'source' : 'cache'),
          });
    case 'build-log': {
      const run = world.pipeline?.builds[state.build]?.lastRun;
      return run === undefined
        ? say(`${state.agent} knows of no run of the build ${state.build} yet.`)
        : settle(state, { type: 'show-build-log', ...place, run: run.id });
    }
    default:
      return settle(state);
  }
}

function change(state: EditBuildState, row: Row): Outcome<EditBuildState> {
  const { values } = state;
  if (values === undefined) return settle(state);
  if (row.type === 'secret') {
    return settle({ ...state, typing: { type: 'field', row, field: textField('') } });
  }
  const { key, kind } = row.field;
  const locked = whyLocked(state, key);
  if (locked !== undefined) return settle(state, { type: 'notice', tone: 'plain', text: locked });
  const put = (value: string) => settle({ ...state, values: { ...values, [key]: value } });
  switch (kind.type) {
    case 'switch':
      return put(values[key] === 'on' ? 'off' : 'on');
    case 'choice': {
      const at = kind.choices.findIndex(({ value }) => value === values[key]);
      return put(kind.choices[(at + 1) % kind.choices.length]?.value ?? values[key]);
    }
    case 'text':
      return settle({ ...state, typing: { type: 'field', row, field: textField(values[key]) } });
    case 'area':
      return settle({ ...state, typing: { type: 'area', row, area: textArea(values[key]) } });
  }
}

function pressTyping(
  state: EditBuildState,
  typing: Typing,
  command: Command | undefined,
  key: Key,
): Outcome<EditBuildState> {
  if (command === 'restore') return settle({ ...state, typing: undefined });
  if (command === 'accept') return accept({ ...state, typing: undefined }, typing);
  if (typing.type === 'field') {
    const action = fieldAction(command, key);
    if (action === undefined) return settle(state);
    return settle({ ...state, typing: { ...typing, field: reduceTextField(typing.field, action) } });
  }
  const action =
    command === 'new-line'
      ? ({ type: 'new-line' } as const)
      : command === 'caret-up'
        ? ({ type: 'up' } as const)
        : command === 'caret-down'
          ? ({ type: 'down' } as const)
          : fieldAction(command, key);
  if (action === undefined) return settle(state);
  return settle({ ...state, typing: { ...typing, area: reduceTextArea(typing.area, action) } });
}

function accept(state: EditBuildState, typing: Typing): Outcome<EditBuildState> {
  const { row } = typing;
  const text = typing.type === 'field' ? typing.field.value : areaText(typing.area);
  if (row.type === 'secret') {
    // Not kept here: it goes to the agent, which does not give it back.
    return text === ''
      ? settle(state)
      : settle(state, { type: 'put-secret', agent: state.agent, name: row.name, value: text });
  }
  const { values } = state;
  if (values === undefined) return settle(state);
  const value = typing.type === 'field' ? text.trim() : text;
  return settle({ ...state, values: { ...values, [row.field.key]: value } });
}

export function pasteInEditBuild(state: EditBuildState, text: string): EditBuildState {
  const { typing } = state;
  if (typing === undefined) return state;
  const action = { type: 'insert', text } as const;
  return {
    ...state,
    typing:
      typing.type === 'field'
        ? { ...typing, field: reduceTextField(typing.field, action) }
        : { ...typing, area: reduceTextArea(typing.area, action) },
  };
}

function save(state: EditBuildState): Outcome<EditBuildState> {
  const { values, file, saving } = state;
  if (saving !== undefined || values === undefined || file?.ok !== true) return settle(state);
  const say = (tone: 'plain' | 'bad', text: string, next = state) =>
    settle(next, { type: 'notice', tone, text });
  if (changesOf(state).length === 0) return say('plain', 'Nothing was changed.');
  if (state.theirs !== undefined) {
    // Left as it was the last time: to save now would overwrite what somebody else wrote.
    return settle(state, { type: 'ask', question: conflictQuestion(state, state.theirs) });
  }
  const read = toDefinition(values, file.value);
  if ('problems' in read) return say('bad', wrongText(read.problems), atProblem(state, read.problems));
  const { definition } = read;
  const changes: BuildChanges = {
    source: definition.source,
    image: definition.image,
    agent: definition.agent,
    command: definition.command ?? null,
    keep: definition.keep ?? null,
  };
  return settle({ ...state, saving: definition }, { type: 'save-build', ...placeOf(state), changes });
}

function wrongText(problems: Problems): string {
  const [first] = problems;
  if (first === undefined) return '';
  const label = FIELDS.find(({ key }) => key === first[0])?.label ?? '';
  const more = problems.size > 1 ? ` And ${problems.size - 1} more.` : '';
  return `Not saved. ${label}: ${first[1]}${more}`;
}

function atProblem(state: EditBuildState, problems: Problems): EditBuildState {
  const first = rowsOf(state).find((row) => row.type === 'field' && problems.has(row.field.key));
  return first?.type === 'field' ? atField(state, first.field.key) : state;
}

function atField(state: EditBuildState, key: FieldKey): EditBuildState {
  const at = rowsOf(state).findIndex((row) => row.type === 'field' && row.field.key === key);
  return at < 0 ? state : { ...state, cursor: at };
}

function pressInStepPicker(
  state: EditBuildState,
  picker: ListState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<EditBuildState> {
  const steps = stepChoices(state);
  const list = pressInList(picker, command, key, steps.length, world.size.rows);
  if (list !== undefined) return settle({ ...state, stepPicker: list });
  const closed = { ...state, stepPicker: undefined };
  if (command === 'back') return settle(closed);
  const step = steps[placeInList(picker, steps.length, world.size.rows).at];
  return command === 'open' && step !== undefined
    ? settle(closed, { type: 'run-build', ...placeOf(state), only: step })
    : settle(state);
}

export function stepChoices({ file }: EditBuildState): BuildStepKind[] {
  return file?.ok === true ? stepsOf(file.value) : [];
}

function leaveQuestion(state: EditBuildState, act: string, requests: Question['requests']): Question {
  const labels = changesOf(state).map((key) => FIELDS.find((field) => field.key === key)?.label ?? key);
  return {
    title: `${act} without saving?`,
    sentences: [`Not saved yet: ${labels.join(', ')}.`, 'The map file stays as it is.'],
    keep: 'Keep editing',
    act: `${act}, drop the changes`,
    requests,
  };
}

function cleanQuestion(place: BuildPlace, what: 'source' | 'cache'): Question {
  return {
    title: what === 'source' ? `Clear the source of ${place.build}?` : `Clear the caches of ${place.build}?`,
    sentences: [
      what === 'source'
        ? `What ${place.agent} has downloaded of it is deleted. The next run downloads all of it anew.`
        : `What its command kept on ${place.agent} from run to run is deleted. The next run is slower.`,
      'Images and logs stay.',
    ],
    keep: 'Keep it',
    act: what === 'source' ? 'Clear the source' : 'Clear the caches',
    requests: [{ type: 'clean-build', what, ...place }],
  };
}
