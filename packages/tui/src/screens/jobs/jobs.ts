import { isEnded, type Job } from '@towline/core/job';
import type { Result } from '@towline/core/result';
import {
  age,
  BLANK,
  duration,
  fitColumns,
  type Line,
  line,
  padEnd,
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
import { endedAt } from '../ended-at.ts';
import { filterLine } from '../filter-line.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { JOB_MARKS } from '../glyphs.ts';
import { agentNow, knownUntil } from '../link-loss.ts';
import { INITIAL_LIST, type ListState, matches, placeInList, pressInList } from '../list-state.ts';
import { type Outcome, settle } from '../request.ts';
import { titleLine } from '../title.ts';
import type { Size, World } from '../world.ts';

/** The jobs of all agents, newest first. */
export interface JobsState {
  list: ListState;
  /** Each agent's history, as it answered. */
  answers: Readonly<Record<string, Result<readonly Job[], CallFailure>>>;
}

export const INITIAL_JOBS: JobsState = { list: INITIAL_LIST, answers: {} };

export function jobsArrived(
  state: JobsState,
  agent: string,
  result: Result<readonly Job[], CallFailure>,
): JobsState {
  return { ...state, answers: { ...state.answers, [agent]: result } };
}

interface ListedJob {
  agent: string;
  job: Job;
}

const HEAD_ROWS = 3;
const FOOT_ROWS = 3;

function listHeight(size: Size): number {
  return Math.max(1, size.rows - HEAD_ROWS - FOOT_ROWS);
}

/** The histories, with what the agents' watches say of the jobs that run. */
function shownJobs(state: JobsState, world: World): ListedJob[] {
  const agents = new Set([...Object.keys(world.fleet.agents), ...Object.keys(state.answers)]);
  return [...agents]
    .flatMap((agent): ListedJob[] => {
      const answer = state.answers[agent];
      const jobs = new Map((answer?.ok ? answer.value : []).map((job) => [job.id, job]));
      for (const job of Object.values(world.fleet.agents[agent]?.jobs ?? {})) {
        if ((jobs.get(job.id)?.lastSeq ?? -1) < job.lastSeq) jobs.set(job.id, job);
      }
      return [...jobs.values()].map((job) => ({ agent, job }));
    })
    .filter(({ agent, job }) => matches(state.list.filter, agent, placeOf(job), job.state, job.operator))
    .sort((a, b) => ageOf(a, world) - ageOf(b, world));
}

function ageOf({ agent, job }: ListedJob, world: World): number {
  return agentNow(agent, world) - Date.parse(job.queuedAt);
}

function placeOf(job: Job): string {
  return `${job.service}/${job.map}/${job.server}`;
}

export function pressInJobs(
  state: JobsState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<JobsState> {
  const jobs = shownJobs(state, world);
  const height = listHeight(world.size);
  const list = pressInList(state.list, command, key, jobs.length, height);
  if (list !== undefined) return settle({ ...state, list });
  switch (command) {
    case 'open': {
      const chosen = jobs[placeInList(state.list, jobs.length, height).at];
      return chosen === undefined
        ? settle(state)
        : settle(state, { type: 'show-job', agent: chosen.agent, id: chosen.job.id });
    }
    case 'retry':
      return settle({ ...state, answers: {} }, { type: 'load-jobs' });
    case 'back':
      return settle(state, { type: 'close' });
    default:
      return settle(state);
  }
}

const TITLES = ['STATE', 'SERVER', 'AGENT', 'CHANGE', 'BY', 'STARTED', 'TOOK'];
const GAP = 2;

export function viewJobs(state: JobsState, world: World, notice: Line | undefined): Frame {
  const { size } = world;
  const jobs = shownJobs(state, world);
  const height = listHeight(size);
  const { at, top } = placeInList(state.list, jobs.length, height);
  const shown = jobs.slice(top, top + height).map(({ agent, job }) => cellsOf(agent, job, world));
  const widest = (column: number) =>
    Math.max(TITLES[column]?.length ?? 0, ...shown.map((cells) => textWidth(cells[column]?.text ?? '')));
  const widths = fitColumns(
    TITLES.map((_, column) => ({
      ideal: widest(column),
      min: MINIMA[column] ?? 8,
      ...(LEAVES[column] === undefined ? {} : { leaves: LEAVES[column] }),
    })),
    size.columns - 3,
    GAP,
  );
  const row = (cells: readonly Cell[]) =>
    widths.flatMap((width, column): Span[] => {
      const cell = cells[column];
      if (width === 0 || cell === undefined) return [];
      const fits = textWidth(cell.text) <= width ? cell.text : (cell.short ?? cell.text);
      const text = column === 3 ? truncateEnd(fits, width) : truncateMiddle(fits, width);
      return [span(padEnd(text, width + GAP), cell.tone)];
    });
  const filter = filterLine(state.list, size.columns);
  const waiting = Object.keys(world.fleet.agents).filter((agent) => state.answers[agent] === undefined);
  const failures = Object.entries(state.answers).flatMap(([agent, answer]) =>
    answer.ok ? [] : [`${agent}: ${answer.error.message}`],
  );
  const note =
    failures.length > 0
      ? span(`  ${truncateEnd(failures.join('  '), size.columns - 4)}`, 'bad')
      : span(waiting.length > 0 ? `  Asking ${waiting.join(', ')} for older ones…` : '', 'quiet');
  const empty = state.list.filter === '' ? 'No job has run yet.' : 'No job matches. Esc drops the filter.';
  const lines = composeFrame(
    size,
    [
      titleLine(world, [span('Jobs', 'strong')]),
      filter.line,
      line(span('  '), ...row(TITLES.map((title) => span(title, 'quiet')))),
    ],
    shown.length > 0
      ? shown.map((cells, offset) =>
          top + offset === at
            ? select(line(span('▸ ', 'key'), ...row(cells)))
            : line(span('  '), ...row(cells)),
        )
      : [BLANK, line(span(`  ${empty}`, 'quiet'))],
    [BLANK, notice ?? line(note), footer(state.list.typing === undefined ? 'jobs' : 'field', size.columns)],
  );
  return filter.caret === undefined ? { lines } : { lines, cursor: { x: filter.caret, y: 1 } };
}

/** What each column can live with: a change of versions is worth more than by whom. */
const MINIMA: readonly number[] = [10, 14, 8, 28, 12, 10, 8];
/** In what order columns leave where there is no room: by whom first, then how long, then the agent. */
const LEAVES: readonly (number | undefined)[] = [undefined, undefined, 2, undefined, 0, undefined, 1];

/** What is shown, and what is shown of it where it does not fit. */
interface Cell extends Span {
  short?: string;
}

function changesOf({ tasks }: Job, before: (task: Job['tasks'][number]) => string): string {
  return tasks.map((task) => `${task.container} ${before(task)}→ ${task.to.tag}`).join(', ');
}

function cellsOf(agent: string, job: Job, world: World): Cell[] {
  const mark = JOB_MARKS[job.state];
  const began = Date.parse(job.startedAt ?? job.queuedAt);
  const ended = endedAt(job, knownUntil(agent, world));
  return [
    span(`${mark.glyph} ${job.state}`, mark.tone),
    span(placeOf(job)),
    span(agent, 'quiet'),
    {
      ...span(changesOf(job, ({ from }) => (from === undefined ? '' : `${from.tag} `))),
      // What it came to is worth more than what was there before.
      short: changesOf(job, () => ''),
    },
    span(sanitizeLine(job.operator), 'quiet'),
    span(age(agentNow(agent, world) - began), 'quiet'),
    span(isEnded(job.state) || job.startedAt !== undefined ? duration(ended - began) : '', 'quiet'),
  ];
}
