import { type BuildRun, type BuiltImage, buildKey, imagesOf } from '@towline/core/build';
import type { PipelineTask } from '@towline/core/plan';
import type { BuildRunsOutput, CommitsBetweenOutput } from '@towline/core/protocol';
import type { Result } from '@towline/core/result';
import {
  BLANK,
  bytes,
  type Dialog,
  dateTime,
  dialogRoom,
  dialogRows,
  fitColumns,
  fitLine,
  type Line,
  line,
  padEnd,
  padStart,
  type Span,
  sanitizeLine,
  select,
  span,
  textWidth,
  truncateEnd,
  truncateMiddle,
} from '../../components/index.ts';
import type { CallFailure } from '../../fleet/index.ts';
import type { Command, Key } from '../../keys/index.ts';
import { filterLine } from '../filter-line.ts';
import { INITIAL_LIST, type ListState, matches, placeInList, pressInList } from '../list-state.ts';
import { chooseText, whyNotChoose } from '../read-only.ts';
import { type BuildPlace, type Outcome, type Request, settle } from '../request.ts';
import type { Size, World } from '../world.ts';

/** The picker of a built image's versions: what its build has made, and what is new in each. */
export interface ImagesState extends BuildPlace {
  server: string;
  container: string;
  list: ListState;
  /** The whole history; until it is there, what the watch has is shown. */
  answer: Result<BuildRunsOutput, CallFailure> | undefined;
  asked: boolean;
  /** From the deployed one to each that was looked at, by its tag. */
  commits: Readonly<Record<string, Result<CommitsBetweenOutput, CallFailure>>>;
  /** The tag whose commits are asked for now: one question at a time, however fast the cursor moves. */
  asking: string | undefined;
}

export function openImages(task: PipelineTask, place: BuildPlace): ImagesState {
  return {
    ...place,
    server: task.server,
    container: task.container.name,
    list: INITIAL_LIST,
    answer: undefined,
    asked: false,
    commits: {},
    asking: undefined,
  };
}

export function imagesArrived(
  state: ImagesState,
  answer: BuildPlace & { result: Result<BuildRunsOutput, CallFailure> },
): ImagesState {
  return answer.agent === state.agent && answer.service === state.service && answer.build === state.build
    ? { ...state, answer: answer.result }
    : state;
}

export function commitsArrived(
  state: ImagesState,
  answer: { to: string; result: Result<CommitsBetweenOutput, CallFailure> },
): ImagesState {
  if (state.asking !== answer.to) return state;
  return { ...state, asking: undefined, commits: { ...state.commits, [answer.to]: answer.result } };
}

/** Asks for what is missing, as soon as its agent is there. */
export function syncImages(state: ImagesState, world: World): Outcome<ImagesState> {
  const view = world.fleet.agents[state.agent];
  if (view?.link.state !== 'connected') return settle(state);
  const { agent, service, build } = state;
  const requests: Request[] = [];
  let next = state;
  if (!state.asked) {
    next = { ...next, asked: true };
    requests.push({ type: 'load-images', agent, service, build });
  }
  const from = deployedIn(state, world)?.tag;
  const to = selectedImage(next, world)?.tag;
  if (
    next.asking === undefined &&
    from !== undefined &&
    to !== undefined &&
    from !== to &&
    next.commits[to] === undefined
  ) {
    next = { ...next, asking: to };
    requests.push({ type: 'load-commits', agent, service, build, from, to });
  }
  return next === state ? settle(state) : settle(next, ...requests);
}

const FOOT_ROWS = 1;
/** The filter and the column titles. */
const HEAD_ROWS = 2;
/** What is new: a blank row, its heading, and so many commits. */
const COMMITS = 5;
const NEWS_ROWS = COMMITS + 2;

function listHeight(size: Size): number {
  return Math.max(1, dialogRows(size.rows, FOOT_ROWS) - HEAD_ROWS - NEWS_ROWS);
}

/** The history, with what the watch says of it since. */
function allImages(state: ImagesState, world: World): BuiltImage[] {
  const runs = new Map<string, BuildRun>(
    (state.answer?.ok === true ? state.answer.value.runs : []).map((run) => [run.id, run]),
  );
  for (const run of world.fleet.agents[state.agent]?.builds[buildKey(state)] ?? []) {
    if ((runs.get(run.id)?.lastSeq ?? -1) < run.lastSeq) runs.set(run.id, run);
  }
  return imagesOf(runs.values());
}

function shownImages(state: ImagesState, world: World): BuiltImage[] {
  return allImages(state, world).filter(({ tag, note, commit }) =>
    matches(state.list.filter, tag, note ?? '', commit?.subject ?? '', commit?.commit ?? ''),
  );
}

function selectedImage(state: ImagesState, world: World): BuiltImage | undefined {
  const images = shownImages(state, world);
  return images[placeInList(state.list, images.length, listHeight(world.size)).at];
}

function deployedIn(state: ImagesState, world: World) {
  return world.pipeline?.servers
    .find(({ name }) => name === state.server)
    ?.tasks.find(({ container }) => container.name === state.container)?.facts.deployed;
}

export function pressInImages(
  state: ImagesState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<ImagesState> {
  const images = shownImages(state, world);
  const list = pressInList(state.list, command, key, images.length, listHeight(world.size));
  if (list !== undefined) return syncImages({ ...state, list }, world);
  switch (command) {
    case 'open': {
      const chosen = selectedImage(state, world);
      if (chosen === undefined) return settle(state);
      const against = whyNotChoose(state.server, world);
      if (against !== undefined) return settle(state, { type: 'notice', tone: 'plain', text: against });
      const { server, container } = state;
      return settle(state, { type: 'close' }, { type: 'choose-tag', server, container, tag: chosen.tag });
    }
    case 'retry':
      return syncImages({ ...state, answer: undefined, asked: false, commits: {}, asking: undefined }, world);
    case 'back':
      return settle(state, { type: 'close' });
    default:
      return settle(state);
  }
}

const WIDTH = 118;
const TITLES = ['TAG', 'BUILT', 'SIZE', 'COMMIT', 'DIGEST', 'NOTE'];
const MINIMA: readonly number[] = [14, 16, 7, 7, 12, 8];
/** The digest leaves first: a tag of a build is never another image. */
const LEAVES: readonly (number | undefined)[] = [undefined, undefined, 1, undefined, 0, undefined];
const GAP = 2;

export function viewImages(
  state: ImagesState,
  world: World,
): { dialog: Dialog; caret?: { row: number; column: number } } {
  const { size } = world;
  const width = Math.min(dialogRoom(size.columns), WIDTH);
  const images = shownImages(state, world);
  const height = listHeight(size);
  const { at, top } = placeInList(state.list, images.length, height);
  const deployed = deployedIn(state, world);
  const shown = images.slice(top, top + height).map((image) => ({
    cells: cellsOf(image),
    deployed: image.tag === deployed?.tag,
  }));
  // The mark of the deployed one stands behind its tag, and is never cut off.
  const mark = 12;
  const widths = fitColumns(
    TITLES.map((title, column) => ({
      ideal: Math.max(title.length, ...shown.map(({ cells }) => textWidth(cells[column] ?? ''))),
      min: MINIMA[column] ?? 8,
      ...(LEAVES[column] === undefined ? {} : { leaves: LEAVES[column] }),
    })),
    width - 2 - mark,
    GAP,
  );
  const row = (cells: readonly string[], isDeployed: boolean | undefined): Span[] =>
    widths.flatMap((columns, column): Span[] => {
      const text = cells[column] ?? '';
      if (columns === 0) return [];
      const cut = column === 5 ? truncateEnd(text, columns) : truncateMiddle(text, columns);
      const padded = column === 2 ? padStart(cut, columns) : padEnd(cut, columns);
      const cell = span(
        `${padded}${' '.repeat(GAP)}`,
        column === 0 && isDeployed !== undefined ? (isDeployed ? 'strong' : 'plain') : 'quiet',
      );
      return column === 0
        ? [cell, span(padEnd(isDeployed === true ? '● deployed' : '', mark), 'good')]
        : [cell];
    });
  const filter = filterLine(state.list, width);
  const rows = shown.map(({ cells, deployed: isDeployed }, offset) =>
    top + offset === at
      ? select(line(span('▸ ', 'key'), ...row(cells, isDeployed)))
      : line(span('  '), ...row(cells, isDeployed)),
  );
  const room = Math.min(height, Math.max(3, images.length));
  const dialog: Dialog = {
    title: `Images of ${state.build}, built on ${state.agent}`,
    width,
    body: [
      filter.line,
      line(span('  '), ...row(TITLES, undefined)),
      ...(rows.length > 0 ? rows : [line(span(`  ${emptyText(state, world)}`, 'quiet'))]),
      ...Array.from({ length: Math.max(0, room - Math.max(1, rows.length)) }, () => BLANK),
      ...news(state, world, width),
    ],
    foot: [
      fitLine(
        line(
          span(
            state.list.typing === undefined
              ? `${countOf(state, images.length)}   ${chooseText(state.server, world)}`
              : 'Enter keeps the filter, Esc drops it',
            'quiet',
          ),
        ),
        width,
      ),
    ],
  };
  return filter.caret === undefined ? { dialog } : { dialog, caret: { row: 0, column: filter.caret } };
}

function countOf(state: ImagesState, count: number): string {
  const images = `${count} image${count === 1 ? '' : 's'}`;
  if (state.answer === undefined) return `${images} so far`;
  if (!state.answer.ok) return `${images} as last seen: ${state.answer.error.message}`;
  return state.answer.value.more ? `${images}, and older ones` : images;
}

function emptyText(state: ImagesState, world: World): string {
  if (state.list.filter !== '') return 'No image matches. Esc drops the filter.';
  const link = world.fleet.agents[state.agent]?.link.state;
  if (state.answer === undefined && link !== 'lost' && link !== 'incompatible') {
    return link === 'connected' ? `Asking ${state.agent}…` : `Waiting for ${state.agent}…`;
  }
  if (state.answer?.ok === false) return state.answer.error.message;
  return 'No run of this build has made an image yet. Run it with Build & Deploy, or from Edit Build.';
}

function cellsOf({ tag, createdAt, size, commit, digest, note }: BuiltImage): string[] {
  return [
    tag,
    dateTime(createdAt),
    size === undefined ? '–' : bytes(size),
    commit === undefined ? '–' : commit.commit.slice(0, 7),
    digest === undefined ? '–' : digest.replace(/^[^:]*:/, '').slice(0, 12),
    sanitizeLine(note ?? ''),
  ];
}

/** What is between the deployed image and the one under the cursor: always as many rows. */
function news(state: ImagesState, world: World, width: number): Line[] {
  const lines = newsLines(state, world, width).map((each) => fitLine(each, width));
  return [BLANK, ...lines, ...Array.from({ length: Math.max(0, NEWS_ROWS - 1 - lines.length) }, () => BLANK)];
}

function newsLines(state: ImagesState, world: World, width: number): Line[] {
  const image = selectedImage(state, world);
  const deployed = deployedIn(state, world);
  if (image === undefined) return [];
  const quiet = (text: string) => [line(span(truncateEnd(text, width), 'quiet'))];
  const own =
    image.commit === undefined
      ? []
      : quiet(`${image.commit.commit.slice(0, 7)} ${sanitizeLine(image.commit.subject)}`);
  if (deployed === undefined) return [...quiet('Nothing of this image is deployed.'), ...own];
  if (deployed.tag === image.tag) return [...quiet('This one is deployed.'), ...own];
  const answer = state.commits[image.tag];
  if (answer === undefined) return [...quiet(`Commits from ${deployed.tag} to ${image.tag}…`), ...own];
  if (!answer.ok) return [...quiet(`Commits: ${answer.error.message}`), ...own];
  const { direction, commits, more } = answer.value;
  const count = `${commits.length}${more ? '+' : ''} commit${commits.length === 1 ? '' : 's'}`;
  switch (direction) {
    case 'same':
      return [...quiet(`Of the same commit as ${deployed.tag}, which is deployed.`), ...own];
    case 'diverged':
      return [
        line(span(`${count} that ${deployed.tag} has not; it has others that this one has not`, 'armed')),
        ...list(),
      ];
    case 'forward':
      return [line(span(`${count} since ${deployed.tag}`, 'strong')), ...list()];
    case 'backward':
      return [line(span(`A rollback: takes back ${count}`, 'armed')), ...list()];
  }
  function list(): Line[] {
    const room = commits.length > COMMITS || more ? COMMITS - 1 : COMMITS;
    const shown = commits
      .slice(0, room)
      .map(({ commit, subject, author, date }) =>
        line(
          span(`  ${commit.slice(0, 7)} `, 'key'),
          span(truncateEnd(sanitizeLine(subject), Math.max(10, width - 36))),
          span(`  ${truncateEnd(sanitizeLine(author), 14)} ${date.slice(0, 10)}`, 'quiet'),
        ),
      );
    const rest = commits.length - shown.length;
    return rest > 0 || more ? [...shown, ...quiet(`  and ${more ? 'more than ' : ''}${rest} older`)] : shown;
  }
}
