import {
  type BuildEvent,
  type BuildRun,
  type BuildStepKind,
  buildKey,
  buildStepName,
  isRunEnded,
  reduceBuildRun,
} from '@towline/core/build';
import type {
  BuildLogEntry,
  BuildLogOutput,
  BuildLogPartOutput,
  SearchBuildLogInput,
} from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import { reduceTextField, type TextField, textField } from '../../components/index.ts';
import type { CallFailure } from '../../fleet/index.ts';
import type { Command, Context, Key } from '../../keys/index.ts';
import { fieldAction } from '../field-keys.ts';
import { linkLoss } from '../link-loss.ts';
import { movement } from '../list-moves.ts';
import { INITIAL_LIST, type ListState, placeInList, pressInList } from '../list-state.ts';
import {
  type LogView,
  lineDown,
  lineUp,
  NO_SEARCH,
  openSearch,
  pasteInSearch,
  pressInSearch,
  type SearchState,
} from '../log-view/index.ts';
import { whyReadOnly } from '../read-only.ts';
import { type BuildPlace, type Outcome, type Question, settle } from '../request.ts';
import type { Size, World } from '../world.ts';
import {
  entriesCame,
  follow,
  inSight,
  jumpTo,
  type Missing,
  missing,
  moveBy,
  moveTo,
  openStepLog,
  PAGE,
  pageCame,
  partCame,
  type StepLog,
  type Target,
  textOf,
} from './step-log.ts';

/** The logs of one build run, live while it runs and kept afterwards. Leaving it leaves the run alone. */
export interface BuildLogState extends BuildPlace {
  id: string;
  /** The fold of its events so far. */
  run: BuildRun | undefined;
  /** Why its events stopped coming. */
  failure: string | undefined;
  /** The tab that was chosen; without one, it is that of the step that runs, or that ran last. */
  chosen: BuildStepKind | undefined;
  logs: Readonly<Partial<Record<BuildStepKind, StepLog>>>;
  wrap: boolean;
  search: SearchState;
  /** What is looked for now. */
  seeking: Seeking | undefined;
  /** Counts what was looked for. */
  sought: number;
  note: TextField | undefined;
  /** The Dockerfile's steps, while they are listed. */
  steps: ListState | undefined;
}

export interface Seeking extends Omit<SearchBuildLogInput, 'run'> {
  count: number;
}

export function openBuildLog(place: BuildPlace, id: string): BuildLogState {
  return {
    ...place,
    id,
    run: undefined,
    failure: undefined,
    chosen: undefined,
    logs: {},
    wrap: false,
    search: NO_SEARCH,
    seeking: undefined,
    sought: 0,
    note: undefined,
    steps: undefined,
  };
}

export function buildLogContext(state: BuildLogState): Context {
  if (state.note !== undefined || state.search.typing !== undefined) return 'field';
  return state.steps === undefined ? 'build-log' : 'build-steps';
}

/** The newer of what its own events and the agent's watch say; only the events have the Dockerfile's steps. */
export function currentRun(state: BuildLogState, world: World): BuildRun | undefined {
  const seen = world.fleet.agents[state.agent]?.builds[buildKey(state)]?.find(({ id }) => id === state.id);
  const { run } = state;
  if (run === undefined) return seen;
  if (seen === undefined || seen.lastSeq <= run.lastSeq) return run;
  return { ...seen, vertices: run.vertices };
}

/** The steps that have a log: those that ran. */
export function tabsOf(run: BuildRun | undefined): BuildStepKind[] {
  return (run?.steps ?? []).filter(({ state }) => state !== 'WAIT').map(({ kind }) => kind);
}

export function currentTab(state: BuildLogState, world: World): BuildStepKind | undefined {
  const run = currentRun(state, world);
  const tabs = tabsOf(run);
  if (state.chosen !== undefined && tabs.includes(state.chosen)) return state.chosen;
  return run?.steps.find((step) => step.state === 'RUNNING')?.kind ?? tabs.at(-1);
}

export function currentLog(state: BuildLogState, world: World): StepLog | undefined {
  const tab = currentTab(state, world);
  return tab === undefined ? undefined : (state.logs[tab] ?? openStepLog(tab));
}

function withLog(state: BuildLogState, log: StepLog): BuildLogState {
  return { ...state, logs: { ...state.logs, [log.step]: log } };
}

export function runEventsCame(
  state: BuildLogState,
  id: string,
  events: readonly BuildEvent[],
): BuildLogState {
  if (id !== state.id) return state;
  return {
    ...state,
    run: events.reduce<BuildRun | undefined>(reduceBuildRun, state.run),
    failure: undefined,
  };
}

export function runStreamFailed(state: BuildLogState, id: string, message: string): BuildLogState {
  return id === state.id ? { ...state, failure: message } : state;
}

/** For which try of which step's log something came; what is left of an older one is dropped. */
export interface StepLogArrival {
  agent: string;
  run: string;
  step: BuildStepKind;
  attempt: number;
}

function changeLog(
  state: BuildLogState,
  { agent, run, step, attempt }: StepLogArrival,
  change: (log: StepLog) => StepLog,
): BuildLogState {
  if (state.agent !== agent || state.id !== run) return state;
  const log = state.logs[step] ?? openStepLog(step);
  return log.attempt === attempt ? withLog(state, change(log)) : state;
}

export function logEntriesCame(
  state: BuildLogState,
  from: StepLogArrival,
  entries: readonly BuildLogEntry[],
  world: World,
): BuildLogState {
  const view = logView(state, world);
  return changeLog(state, from, (log) => entriesCame(log, entries, view));
}

export function logEnded(
  state: BuildLogState,
  from: StepLogArrival,
  failure: string | undefined,
): BuildLogState {
  return changeLog(state, from, (log) => ({
    ...log,
    stream: failure === undefined ? { state: 'ended' } : { state: 'failed', message: failure },
  }));
}

export function logPageCame(
  state: BuildLogState,
  from: StepLogArrival,
  result: Result<BuildLogOutput, CallFailure>,
  world: World,
): Outcome<BuildLogState> {
  if (!result.ok) return settle(changeLog(state, from, (log) => notHad(log, result.error)));
  const view = logView(state, world);
  return syncBuildLog(
    changeLog(state, from, (log) => pageCame(log, result.value, view)),
    world,
  );
}

export function logPartCame(
  state: BuildLogState,
  from: StepLogArrival,
  asked: Extract<Missing, { kind: 'part' }>,
  result: Result<BuildLogPartOutput, CallFailure>,
  world: World,
): Outcome<BuildLogState> {
  if (!result.ok) return settle(changeLog(state, from, (log) => notHad(log, result.error)));
  const view = logView(state, world);
  return syncBuildLog(
    changeLog(state, from, (log) => partCame(log, asked, result.value, view)),
    world,
  );
}

function notHad(log: StepLog, { code, message }: CallFailure): StepLog {
  // It is asked for again by what comes next, which is that the link is lost. Asked at once, it would fail at once.
  if (code === 'agent-unreachable') return { ...log, loading: undefined };
  return { ...log, loading: undefined, wanted: undefined, stream: { state: 'failed', message } };
}

/** What a search came to. */
export function searchCame(
  state: BuildLogState,
  answer: {
    count: number;
    /** The line, and where in it, if it is a long one. */
    found: { seq: number; at?: number | undefined } | undefined;
    failure: string | undefined;
  },
  world: World,
): Outcome<BuildLogState> {
  const { seeking } = state;
  if (seeking === undefined || seeking.count !== answer.count) return settle(state);
  const done = { ...state, seeking: undefined };
  if (answer.failure !== undefined) {
    return settle(done, { type: 'notice', tone: 'bad', text: answer.failure });
  }
  const { found } = answer;
  if (found === undefined) {
    const down = seeking.direction === 'forward';
    const text =
      seeking.what === 'error'
        ? `No line of ${buildStepName(seeking.step)} looks like an error.`
        : `No line ${down ? 'below' : 'above'} has “${seeking.what.text}” in it. ${down ? 'N searches upwards' : 'n searches downwards'}.`;
    return settle(done, { type: 'notice', tone: 'plain', text });
  }
  const text = seeking.what === 'error' ? '' : seeking.what.text.toLowerCase();
  return syncBuildLog(goTo(done, seeking.step, { ...found, text }, world), world);
}

function goTo(state: BuildLogState, step: BuildStepKind, target: Target, world: World): BuildLogState {
  const log = state.logs[step] ?? openStepLog(step);
  const to = jumpTo(log, target, logView(state, world));
  return { ...withLog(state, to), chosen: step, search: { ...state.search, found: target.seq } };
}

/** Asks for what is missing. */
export function syncBuildLog(state: BuildLogState, world: World): Outcome<BuildLogState> {
  const log = currentLog(state, world);
  // Asked over a link that is lost, it would fail: the screen says that it is, and asks when it is back.
  if (log === undefined || world.fleet.agents[state.agent]?.link.state !== 'connected') return settle(state);
  const asked = missing(log, logView(state, world));
  if (asked === undefined) return settle(state);
  const { step, attempt } = log;
  const of = { agent: state.agent, attempt };
  const place = { run: state.id, step };
  return settle(
    withLog(state, { ...log, loading: asked }),
    asked.kind === 'page'
      ? { ...of, type: 'load-log-page', query: { ...place, at: asked.at, limit: PAGE } }
      : { ...of, type: 'load-log-part', ...place, asked },
  );
}

/** A note was taken by the agent: it is shown, also of a run that the watch does not have any more. */
export function noteSet(state: BuildLogState, id: string, note: string): BuildLogState {
  if (state.id !== id || state.run === undefined) return state;
  const { note: _, ...rest } = state.run;
  return { ...state, run: note === '' ? rest : { ...rest, note } };
}

export function pasteInBuildLog(state: BuildLogState, text: string): BuildLogState {
  if (state.note !== undefined) {
    return { ...state, note: reduceTextField(state.note, { type: 'insert', text }) };
  }
  return { ...state, search: pasteInSearch(state.search, text) };
}

const TITLE_ROWS = 1;
const FOOT_ROWS = 2;
/** State and commit, then the note or the error, then the tabs. */
const HEAD_ROWS = 3;
/** Of an error: the whole of it stands in the log. */
export const ERROR_ROWS = 3;

function headRows(state: BuildLogState, world: World): number {
  const run = currentRun(state, world);
  return TITLE_ROWS + HEAD_ROWS + (run?.error === undefined ? 0 : ERROR_ROWS - 1);
}

function bodyHeight(state: BuildLogState, world: World): number {
  return Math.max(1, world.size.rows - headRows(state, world) - FOOT_ROWS);
}

export function logView(state: BuildLogState, world: World): LogView {
  return { columns: world.size.columns, height: bodyHeight(state, world), wrap: state.wrap };
}

export function stepsHeight(size: Size): number {
  return Math.max(1, size.rows - 8);
}

export function pressInBuildLog(
  state: BuildLogState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<BuildLogState> {
  if (state.note !== undefined) return pressInNote(state, state.note, command, key);
  if (state.search.typing !== undefined) {
    const { search, begin } = pressInSearch(state.search, command, key);
    const typed = { ...state, search };
    const log = currentLog(state, world);
    if (!begin || log === undefined) return settle(typed);
    const from = inSight(log, logView(state, world)).top;
    // From a view at the end, what is looked for is mostly above it: the first that there is.
    return seek(typed, { text: search.text }, log, log.pinned === undefined ? 1 : from, 'forward');
  }
  if (state.steps !== undefined) return pressInSteps(state, state.steps, command, key, world);
  const { run, service, agent, build, id } = { ...state, run: currentRun(state, world) };
  const say = (text: string) => settle(state, { type: 'notice', tone: 'plain', text });
  const log = currentLog(state, world);
  if (command === 'back') {
    return state.seeking === undefined
      ? settle(state, { type: 'close' })
      : settle({ ...state, seeking: undefined });
  }
  if (command === 'cancel-build') {
    if (run === undefined) return settle(state);
    const against = whyNotCancelled(state, run, world);
    return against === undefined
      ? settle(state, { type: 'ask', question: cancelQuestion(agent, run) })
      : say(against);
  }
  if (command === 'note') {
    if (run === undefined) return settle(state);
    const readOnly = whyReadOnly(world, agent, 'write a note');
    return readOnly !== undefined ? say(readOnly) : settle({ ...state, note: textField(run.note ?? '') });
  }
  if (command === 'older-run' || command === 'newer-run') {
    const runs = world.fleet.agents[agent]?.builds[buildKey(state)] ?? [];
    const at = runs.findIndex((one) => one.id === id);
    const other = at < 0 ? undefined : runs[at + (command === 'older-run' ? 1 : -1)];
    return other === undefined
      ? say(`There is no ${command === 'older-run' ? 'older' : 'newer'} run to show.`)
      : settle({ ...openBuildLog({ agent, service, build }, other.id), wrap: state.wrap });
  }
  if (command === 'first-error') return toFirstError(state, run, world);
  if (log === undefined) return settle(state);
  const view = logView(state, world);
  const by = command === undefined ? undefined : movement(command, view.height);
  if (by !== undefined) return read(state, moveBy(log, by, view), world);
  if (command === 'line-end' || command === 'line-start') {
    const move = command === 'line-end' ? lineDown : lineUp;
    return read(state, moveTo(log, move(textOf(log), log.pinned, view)), world);
  }
  const tabs = tabsOf(run);
  switch (command) {
    case 'follow':
      // While it runs with the run as well: to the step that is at it now.
      return settle({
        ...withLog(state, follow(log)),
        chosen: run !== undefined && isRunEnded(run.state) ? log.step : undefined,
      });
    case 'wrap':
      return toggleWrap(state, log, world);
    case 'search':
      return settle({ ...state, search: openSearch(state.search) });
    case 'search-next':
    case 'search-previous': {
      const { text, found } = state.search;
      if (text === '') return settle({ ...state, search: openSearch(state.search) });
      const forward = command === 'search-next';
      const { top, bottom } = inSight(log, logView(state, world));
      const from = found === undefined ? (forward ? top : bottom) : found + (forward ? 1 : -1);
      return seek(state, { text }, log, Math.max(1, from), forward ? 'forward' : 'backward');
    }
    case 'next-tab':
    case 'previous-tab': {
      const by = command === 'next-tab' ? 1 : tabs.length - 1;
      return toTab(state, tabs[(tabs.indexOf(log.step) + by) % Math.max(1, tabs.length)], world);
    }
    case 'tab': {
      const kind = run?.steps[Number(key) - 1]?.kind;
      if (kind === undefined) return say(`This run has ${run?.steps.length ?? 0} steps.`);
      return tabs.includes(kind)
        ? toTab(state, kind, world)
        : say(`${buildStepName(kind)} has not run, and has no log.`);
    }
    case 'steps':
      return run === undefined || run.vertices.length === 0
        ? say('There are no steps of a Dockerfile yet: CREATE IMAGE brings them.')
        : settle({ ...state, steps: INITIAL_LIST });
    case 'retry':
      return settle({ ...withLog(state, openStepLog(log.step, log.attempt + 1)), failure: undefined });
    default:
      return settle(state);
  }
}

/** Why the run can't be cancelled now, in a sentence; undefined where it can. */
export function whyNotCancelled(
  { agent }: BuildLogState,
  run: BuildRun | undefined,
  world: World,
): string | undefined {
  if (run !== undefined && isRunEnded(run.state)) return 'It has ended: there is nothing to cancel.';
  if (run?.cancelledBy !== undefined) return `${run.cancelledBy} has cancelled it: it ends.`;
  const readOnly = whyReadOnly(world, agent, 'cancel a build');
  if (readOnly !== undefined) return readOnly;
  if (linkLoss(agent, world) !== undefined) return `Cancelling needs ${agent}, and it can't be reached.`;
  return undefined;
}

/** What was found stays in sight, where it was. */
function toggleWrap(state: BuildLogState, log: StepLog, world: World): Outcome<BuildLogState> {
  const toggled = { ...state, wrap: !state.wrap };
  const { found: seq, text } = state.search;
  const { top, bottom } = inSight(log, logView(state, world));
  if (seq === undefined || seq < top || seq > bottom) return syncBuildLog(toggled, world);
  return syncBuildLog(goTo(toggled, log.step, { seq, text: text.toLowerCase() }, world), world);
}

/** Whoever reads a step's log is not taken to the next one when that begins. */
function read(state: BuildLogState, log: StepLog, world: World): Outcome<BuildLogState> {
  const follows = log.pinned === undefined && log.wanted === undefined;
  return syncBuildLog({ ...withLog(state, log), chosen: follows ? state.chosen : log.step }, world);
}

function toTab(state: BuildLogState, step: BuildStepKind | undefined, world: World): Outcome<BuildLogState> {
  if (step === undefined) return settle(state);
  const search = { ...state.search, found: undefined };
  return syncBuildLog({ ...state, chosen: step, search, seeking: undefined }, world);
}

function seek(
  state: BuildLogState,
  what: Seeking['what'],
  { step }: { step: BuildStepKind },
  from: number,
  direction: 'forward' | 'backward',
): Outcome<BuildLogState> {
  const count = state.sought + 1;
  const limited = what === 'error' ? what : { text: what.text.slice(0, 200) };
  return settle({ ...state, sought: count, seeking: { step, what: limited, from, direction, count } });
}

/** Where the run says that it failed; else the first line that looks like it. */
function toFirstError(state: BuildLogState, run: BuildRun | undefined, world: World): Outcome<BuildLogState> {
  const failed = run?.steps.find((step) => step.state === 'ERROR');
  const seq = (failed?.error ?? run?.error)?.line?.seq;
  if (failed !== undefined && seq !== undefined) {
    return syncBuildLog(goTo(state, failed.kind, { seq, text: '' }, world), world);
  }
  const step = failed?.kind ?? currentTab(state, world);
  if (step === undefined) return settle(state);
  return seek({ ...state, chosen: step }, 'error', { step }, 1, 'forward');
}

function pressInNote(
  state: BuildLogState,
  note: TextField,
  command: Command | undefined,
  key: Key,
): Outcome<BuildLogState> {
  if (command === 'restore') return settle({ ...state, note: undefined });
  if (command === 'accept') {
    const text = note.value.trim().slice(0, 1_000);
    return settle(
      { ...state, note: undefined },
      { type: 'set-note', agent: state.agent, id: state.id, note: text },
    );
  }
  const action = fieldAction(command, key);
  return settle(action === undefined ? state : { ...state, note: reduceTextField(note, action) });
}

function pressInSteps(
  state: BuildLogState,
  steps: ListState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<BuildLogState> {
  const vertices = currentRun(state, world)?.vertices ?? [];
  const height = stepsHeight(world.size);
  const list = pressInList(steps, command, key, vertices.length, height);
  if (list !== undefined) return settle({ ...state, steps: list });
  if (command === 'back' || command === 'steps') return settle({ ...state, steps: undefined });
  const vertex = vertices[placeInList(steps, vertices.length, height).at];
  if (command !== 'open' || vertex === undefined) return settle(state);
  // The log has its name where it begins.
  const closed = { ...state, steps: undefined, chosen: vertex.step };
  const [name = ''] = vertex.name.split('\n');
  const searched = { ...closed, search: { typing: undefined, text: name.slice(0, 200), found: undefined } };
  return seek(searched, { text: name }, { step: vertex.step }, 1, 'forward');
}

function cancelQuestion(agent: string, run: BuildRun): Question {
  return {
    title: `Cancel the build run ${run.tag}?`,
    sentences: [
      'It ends where it is: its container is taken away, and it makes no image.',
      'Nothing is deployed by it: what runs keeps running. Its number is not used again.',
    ],
    keep: 'Keep it running',
    act: 'Cancel the run',
    requests: [{ type: 'cancel-build', agent, id: run.id }],
  };
}

/** The streams that the screen needs: the run's events, the log in sight, and what is looked for. */
export function subscribed(state: BuildLogState, world: World) {
  const log = currentLog(state, world);
  const { agent, id, seeking } = state;
  return {
    run: { agent, id },
    log: log === undefined ? undefined : { agent, run: id, step: log.step, attempt: log.attempt },
    search: seeking === undefined ? undefined : { agent, run: id, ...seeking },
  };
}
