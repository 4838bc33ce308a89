import { buildStepName, isRunEnded, runStateWords } from '@towline/core/build';
import { isEnded, type Job } from '@towline/core/job';
import type { BuildProgress, ServerProgress } from '@towline/core/plan';
import {
  BLANK,
  duration,
  type Line,
  line,
  padEnd,
  type Span,
  sanitizeText,
  scrollTo,
  select,
  span,
  spread,
  truncateMiddle,
  wrapText,
} from '../../components/index.ts';
import type { Command } from '../../keys/index.ts';
import { endedAt } from '../ended-at.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { JOB_MARKS, type Mark, RUN_MARKS } from '../glyphs.ts';
import { endingSentences, STEP_WORDS } from '../job/index.ts';
import { knownUntil, linkLoss, lossLines } from '../link-loss.ts';
import { movement } from '../list-moves.ts';
import { describeChange } from '../pipeline/index.ts';
import { type Outcome, settle } from '../request.ts';
import { titleLine } from '../title.ts';
import type { Size, World } from '../world.ts';
import type { Execution } from './execution.ts';

/** The builds and the jobs of one execution. Every server is for itself: one's failure stops no other. */
export interface BatchState {
  execution: number;
  /** Counts builds, then servers. */
  cursor: number;
  top: number;
}

export function openBatch(execution: number): BatchState {
  return { execution, cursor: 0, top: 0 };
}

const HEAD_ROWS = 4;
const FOOT_ROWS = 2;

function height(size: Size): number {
  return Math.max(1, size.rows - HEAD_ROWS - FOOT_ROWS);
}

export function pressInBatch(
  state: BatchState,
  execution: Execution | undefined,
  command: Command | undefined,
  world: World,
): Outcome<BatchState> {
  const { builds = [], servers = [] } = execution?.progress ?? {};
  const by = command === undefined ? undefined : movement(command, Math.floor(height(world.size) / 3));
  if (by !== undefined) {
    const last = Math.max(0, builds.length + servers.length - 1);
    return settle({ ...state, cursor: Math.min(Math.max(0, state.cursor + by), last) });
  }
  const notice = (text: string) => settle(state, { type: 'notice', tone: 'plain', text });
  switch (command) {
    case 'open': {
      const build = builds[state.cursor];
      if (build !== undefined) {
        const id = build.begun?.id ?? build.run?.id;
        if (id === undefined) return notice(build.failure?.message ?? 'Its agent has not answered yet.');
        const service = execution?.place.service ?? '';
        return settle(state, {
          type: 'show-build-log',
          agent: build.agent,
          service,
          build: build.build,
          run: id,
        });
      }
      const server = servers[state.cursor - builds.length];
      if (server?.jobId !== undefined) {
        return settle(state, { type: 'show-job', agent: server.plan.agent, id: server.jobId });
      }
      return notice(
        server?.state === 'WAIT'
          ? `${server.plan.server} waits for ${server.waitsFor.join(', ')}: its job begins when that is built.`
          : (server?.failures[0]?.message ?? 'Its agent has not answered yet.'),
      );
    }
    case 'jobs':
      return settle(state, { type: 'show-jobs' });
    case 'back':
      return settle(state, { type: 'close' });
    default:
      return settle(state);
  }
}

export function viewBatch(
  state: BatchState,
  execution: Execution | undefined,
  world: World,
  notice: Line | undefined,
): Frame {
  const { size } = world;
  const { builds = [], servers = [] } = execution?.progress ?? {};
  const blocks = [
    ...builds.map((build, at) => buildBlock(build, at === state.cursor, world)),
    ...servers.map((server, at) => serverBlock(server, builds.length + at === state.cursor, world)),
  ];
  const lines = blocks.flat();
  const room = height(size);
  const start = blocks.slice(0, state.cursor).reduce((sum, block) => sum + block.length, 0);
  const end = start + (blocks[state.cursor]?.length ?? 1) - 1;
  const top = scrollTo(scrollTo(state.top, end, lines.length, room), start, lines.length, room);
  const title =
    execution?.batch === false
      ? `Execute ${servers.map(({ plan }) => plan.server).join(', ')}`
      : 'Batch Execute';
  return {
    lines: composeFrame(
      size,
      [titleLine(world, [span(title, 'strong')]), BLANK, summary(builds, servers), BLANK],
      lines.slice(top, top + room),
      [notice ?? BLANK, footer('batch', size.columns)],
    ),
  };
}

/** `1 build RUNNING   2 DONE`: in the order in which it happens. */
function summary(builds: readonly BuildProgress[], servers: readonly ServerProgress[]): Line {
  const counts = new Map<string, { mark: Mark; count: number }>();
  const count = (word: string, mark: Mark) =>
    counts.set(word, { mark, count: (counts.get(word)?.count ?? 0) + 1 });
  for (const build of builds) {
    const { mark, word } = buildStand(build);
    count(`build ${word}`, mark);
  }
  for (const server of servers) {
    const { mark, word } = serverStand(server);
    count(word, mark);
  }
  return line(
    span('  '),
    ...[...counts].flatMap(([word, { mark, count: many }], at): Span[] => [
      ...(at > 0 ? [span('   ')] : []),
      span(`${mark.glyph} ${many} ${word}`, mark.tone),
    ]),
  );
}

function buildStand({ state, run }: BuildProgress): { mark: Mark; word: string } {
  if (run !== undefined) return { mark: RUN_MARKS[run.state], word: run.state };
  return state === 'FAILED'
    ? { mark: JOB_MARKS.REFUSED, word: 'REFUSED' }
    : { mark: JOB_MARKS.QUEUED, word: 'SENT' };
}

function serverStand({ state, job, jobId }: ServerProgress): { mark: Mark; word: string } {
  if (state === 'REFUSED') return { mark: JOB_MARKS.REFUSED, word: 'REFUSED' };
  if (state === 'WAIT') return { mark: JOB_MARKS.QUEUED, word: 'WAIT' };
  if (job === undefined) return { mark: JOB_MARKS.QUEUED, word: jobId === undefined ? 'SENT' : 'QUEUED' };
  return { mark: JOB_MARKS[job.state], word: job.state };
}

const STATE_WIDTH = 11;
const INDENT = ' '.repeat(STATE_WIDTH + 4);

function headLine(
  { mark, word }: { mark: Mark; word: string },
  names: readonly Span[],
  right: readonly Span[],
  selected: boolean,
  columns: number,
): Line {
  const head = spread(
    [span(padEnd(`${mark.glyph} ${word}`, STATE_WIDTH + 2), mark.tone), ...names],
    right,
    columns - 4,
  );
  return selected ? select(line(span('▸ ', 'key'), ...head.spans)) : line(span('  '), ...head.spans);
}

function sentences({ text, tone }: Span, columns: number): Line[] {
  return wrapText(sanitizeText(text), columns - INDENT.length - 2).map((part) =>
    line(span(INDENT), span(part, tone)),
  );
}

function buildBlock(build: BuildProgress, selected: boolean, world: World): Line[] {
  const { columns } = world.size;
  const { run, failure } = build;
  const many = build.tasks.length;
  const shared = build.tasks.map(({ server, container }) => `${server}/${container}`).join(', ');
  return [
    headLine(
      buildStand(build),
      [
        span('build ', 'quiet'),
        span(build.build, 'strong'),
        span(`${run === undefined ? '' : ` ${run.tag}`}`),
        span(` on ${build.agent}`, 'quiet'),
      ],
      run === undefined ? [] : runProgress(build, knownUntil(build.agent, world)),
      selected,
      columns,
    ),
    line(span(INDENT), span(`${many === 1 ? 'for' : `one run for ${many} tasks:`} ${shared}`, 'quiet')),
    ...lostLines(run !== undefined && !isRunEnded(run.state), build.agent, world),
    ...(failure === undefined ? [] : sentences(span(failure.message, 'bad'), columns)),
    BLANK,
  ];
}

function runProgress({ run }: BuildProgress, now: number): Span[] {
  if (run === undefined) return [];
  const began = Date.parse(run.startedAt ?? run.queuedAt);
  const took = duration(endedAt(run, now) - began);
  const running = run.steps.find(({ state }) => state === 'RUNNING');
  if (isRunEnded(run.state) || running === undefined) return [span(took, 'quiet')];
  return [
    span(buildStepName(running.kind), 'active'),
    span(`   ${runStateWords(run).replace('RUNNING ', '')}   ${took}`, 'quiet'),
  ];
}

function serverBlock(server: ServerProgress, selected: boolean, world: World): Line[] {
  const { columns } = world.size;
  const { plan, job, state, failures, waitsFor, carries } = server;
  const here = carries.length > 0 ? ', deployed from here' : '';
  const waits = state === 'WAIT' ? [span(`waits for ${waitsFor.join(', ')}${here}`, 'quiet')] : [];
  return [
    headLine(
      serverStand(server),
      [span(plan.server, 'strong'), span(` on ${plan.agent}`, 'quiet')],
      job === undefined ? waits : progressOf(job, knownUntil(plan.agent, world)),
      selected,
      columns,
    ),
    ...plan.armed.map((task) => line(span(INDENT), span(describeChange(withJobTag(task, job)), 'quiet'))),
    ...lostLines(job !== undefined && !isEnded(job.state), plan.agent, world),
    ...failures.flatMap(({ container, message }) =>
      sentences(span(plan.armed.length > 1 ? `${container}: ${message}` : message, 'bad'), columns),
    ),
    ...(job === undefined ? [] : endingSentences(job).flatMap((said) => sentences(said, columns))),
    BLANK,
  ];
}

/** Nobody sees how it goes on while the link to its agent is lost. */
function lostLines(goesOn: boolean, agent: string, world: World): Line[] {
  const loss = goesOn ? linkLoss(agent, world) : undefined;
  return loss === undefined ? [] : lossLines(loss, INDENT, world.size.columns);
}

/** Once there is a job, it knows the tag that was built. */
function withJobTag(task: ServerProgress['plan']['armed'][number], job: Job | undefined) {
  const to = task.to ?? job?.tasks.find(({ container }) => container === task.container)?.to.tag;
  return to === undefined ? task : { ...task, to };
}

function progressOf(job: Job, now: number): Span[] {
  const began = Date.parse(job.startedAt ?? job.queuedAt);
  const took = duration(endedAt(job, now) - began);
  const running = job.steps.find(({ state }) => state === 'RUNNING');
  if (isEnded(job.state) || running === undefined) return [span(took, 'quiet')];
  const { progress } = running;
  const percent =
    running.kind === 'pull' && progress?.total !== undefined && progress.total > 0
      ? ` ${Math.floor((100 * Math.min(progress.current, progress.total)) / progress.total)} %`
      : '';
  const begun = job.steps.filter(({ state }) => state !== 'WAIT').length;
  const name = truncateMiddle(running.container, 20);
  return [
    span(`${name}: ${STEP_WORDS[running.kind]}${percent}`, 'active'),
    span(`   ${begun}/${job.steps.length}   ${took}`, 'quiet'),
  ];
}
