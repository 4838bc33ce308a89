import type { PipelineTask } from '@towline/core/plan';
import type { ImageVersion, VersionsOutput } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import type { Version } from '@towline/core/rules';
import {
  BLANK,
  bytes,
  type Dialog,
  dateTime,
  dialogRoom,
  dialogRows,
  type Line,
  line,
  padEnd,
  padStart,
  select,
  span,
  textWidth,
  truncateMiddle,
  wrapText,
} from '../../components/index.ts';
import type { CallFailure } from '../../fleet/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { filterLine } from '../filter-line.ts';
import { INITIAL_LIST, type ListState, matches, placeInList, pressInList } from '../list-state.ts';
import { chooseText, whyNotChoose } from '../read-only.ts';
import { type Outcome, settle } from '../request.ts';
import type { Size, World } from '../world.ts';

/** The picker of versions: what the registry has for one task's image. */
export interface VersionsState {
  agent: string;
  server: string;
  container: string;
  image: string;
  list: ListState;
  /** Its agent may not be there yet: then it is asked as soon as it is. */
  asked: boolean;
  answer: Result<VersionsOutput, CallFailure> | undefined;
}

export function openVersions(task: PipelineTask, agent: string): VersionsState {
  return {
    agent,
    server: task.server,
    container: task.container.name,
    image: task.container.image,
    list: INITIAL_LIST,
    asked: false,
    answer: undefined,
  };
}

export function versionsArrived(
  state: VersionsState,
  answer: { agent: string; image: string; result: Result<VersionsOutput, CallFailure> },
): VersionsState {
  return answer.agent === state.agent && answer.image === state.image
    ? { ...state, answer: answer.result }
    : state;
}

/** Asks the registry, as soon as the agent that does it is there. */
export function syncVersions(state: VersionsState, world: World): Outcome<VersionsState> {
  const link = world.fleet.agents[state.agent]?.link.state;
  if (state.asked || link === 'connecting') return settle(state);
  const { agent, image } = state;
  return settle({ ...state, asked: true }, { type: 'load-versions', agent, image });
}

const FOOT_ROWS = 1;
/** The filter and the column titles. */
const HEAD_ROWS = 2;

function listHeight(size: Size): number {
  return Math.max(1, dialogRows(size.rows, FOOT_ROWS) - HEAD_ROWS);
}

function shownVersions(state: VersionsState): readonly ImageVersion[] {
  if (state.answer === undefined || !state.answer.ok) return [];
  return state.answer.value.versions.filter(({ tag, note }) => matches(state.list.filter, tag, note ?? ''));
}

export function pressInVersions(
  state: VersionsState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<VersionsState> {
  const versions = shownVersions(state);
  const height = listHeight(world.size);
  const list = pressInList(state.list, command, key, versions.length, height);
  if (list !== undefined) return settle({ ...state, list });
  switch (command) {
    case 'open': {
      const chosen = versions[placeInList(state.list, versions.length, height).at];
      if (chosen === undefined) return settle(state);
      const against = whyNotChoose(state.server, world);
      if (against !== undefined) return settle(state, { type: 'notice', tone: 'plain', text: against });
      const { server, container } = state;
      return settle(state, { type: 'close' }, { type: 'choose-tag', server, container, tag: chosen.tag });
    }
    case 'retry':
      return syncVersions({ ...state, answer: undefined, asked: false }, world);
    case 'back':
      return settle(state, { type: 'close' });
    default:
      return settle(state);
  }
}

function deployedIn(state: VersionsState, world: World) {
  return world.pipeline?.servers
    .find(({ name }) => name === state.server)
    ?.tasks.find(({ container }) => container.name === state.container)?.facts.deployed;
}

/** The deployed tag, unless it has moved on to another image since: then what is deployed has no name any more. */
function isDeployed(version: ImageVersion, deployed: Version | undefined): boolean {
  if (version.tag !== deployed?.tag) return false;
  return version.digest === undefined || deployed.digest === undefined || version.digest === deployed.digest;
}

export function viewVersions(
  state: VersionsState,
  world: World,
): { dialog: Dialog; caret?: { row: number; column: number } } {
  const { size } = world;
  const width = Math.min(dialogRoom(size.columns), 84);
  const title = `Versions of ${truncateMiddle(state.image, width - 16)}`;
  const foot = (text: string) => [line(span(text, 'quiet'))];
  if (state.answer === undefined) {
    const text = state.asked ? `Asking the registry, by ${state.agent}…` : `Waiting for ${state.agent}…`;
    const body = [line(span(text, 'active'))];
    return { dialog: { title, width, body, foot: foot('Esc closes') } };
  }
  if (!state.answer.ok) {
    const body = wrapText(state.answer.error.message, width).map((text) => line(span(text, 'bad')));
    return { dialog: { title, width, body, foot: foot('r tries again, Esc closes') } };
  }
  const versions = shownVersions(state);
  const height = listHeight(size);
  const { at, top } = placeInList(state.list, versions.length, height);
  const { total } = state.answer.value;
  const filter = filterLine(state.list, width);
  const tags = Math.min(28, Math.max(3, ...versions.map(({ tag }) => textWidth(tag))));
  const deployed = deployedIn(state, world);
  const rows = versions.slice(top, top + height).map((version, offset) => {
    const row = versionLine(version, tags, isDeployed(version, deployed), width);
    return top + offset === at
      ? select(line(span('▸ ', 'key'), ...row.spans))
      : line(span('  '), ...row.spans);
  });
  const empty =
    state.list.filter === ''
      ? 'The registry has no version of it.'
      : 'No version matches. Esc drops the filter.';
  const shown =
    versions.length < total ? `${versions.length} of ${total} tags` : `${total} tag${total === 1 ? '' : 's'}`;
  const runs = deployed === undefined ? '' : `, ${truncateMiddle(deployed.tag, 20)} deployed`;
  const dialog: Dialog = {
    title,
    width,
    body: [
      filter.line,
      line(
        span(
          `  ${padEnd('TAG', tags)}  ${padEnd('CREATED', 16)}  ${padStart('SIZE', 8)}  ${padEnd('DIGEST', 12)}`,
          'quiet',
        ),
      ),
      ...(rows.length > 0 ? rows : [line(span(`  ${empty}`, 'quiet'))]),
      ...Array.from({ length: Math.max(0, Math.min(height, 8) - Math.max(1, rows.length)) }, () => BLANK),
    ],
    foot: foot(
      state.list.typing === undefined
        ? `${shown}${runs}   ${chooseText(state.server, world)}`
        : `${shown}   Enter keeps the filter, Esc drops it`,
    ),
  };
  return filter.caret === undefined ? { dialog } : { dialog, caret: { row: 0, column: filter.caret } };
}

function versionLine(version: ImageVersion, tags: number, deployed: boolean, width: number): Line {
  const cells = line(
    span(padEnd(truncateMiddle(version.tag, tags), tags), deployed ? 'strong' : 'plain'),
    span(`  ${padEnd(version.createdAt === undefined ? '–' : dateTime(version.createdAt), 16)}`, 'quiet'),
    span(`  ${padStart(version.size === undefined ? '–' : bytes(version.size), 8)}`, 'quiet'),
    span(`  ${padEnd(shortDigest(version.digest), 12)}`, 'quiet'),
    span(deployed ? '  ● deployed' : '', 'good'),
    span(version.note === undefined ? '' : `  ${version.note}`, 'quiet'),
  );
  return { ...cells, spans: cells.spans.filter(({ text }) => text !== '').slice(0, width) };
}

function shortDigest(digest: string | undefined): string {
  return digest === undefined ? '–' : digest.replace(/^[^:]*:/, '').slice(0, 12);
}
