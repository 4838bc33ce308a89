import {
  type BuildError,
  type BuildRun,
  type BuildStep,
  buildStepName,
  isRunEnded,
  reasonLine,
  runStateWords,
} from '@towline/core/build';
import {
  BLANK,
  bytes,
  type Dialog,
  dialogRoom,
  duration,
  fitLine,
  type Line,
  line,
  padEnd,
  padStart,
  type Span,
  sanitizeLine,
  sanitizeText,
  select,
  span,
  textWidth,
  truncateEnd,
  wrapText,
} from '../../components/index.ts';
import { endedAt } from '../ended-at.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { RUN_MARKS, STEP_MARKS, VERTEX_MARKS } from '../glyphs.ts';
import { knownUntil, type LinkLoss, linkLoss } from '../link-loss.ts';
import { placeInList } from '../list-state.ts';
import { endOf, logRows, shownRows, typingLine } from '../log-view/index.ts';
import { titleLine } from '../title.ts';
import type { World } from '../world.ts';
import {
  type BuildLogState,
  buildLogContext,
  currentLog,
  currentRun,
  currentTab,
  ERROR_ROWS,
  logView,
  stepsHeight,
  tabsOf,
  whyNotCancelled,
} from './build-log.ts';
import { type StepLog, textOf } from './step-log.ts';

export function viewBuildLog(state: BuildLogState, world: World, notice: Line | undefined): Frame {
  const { size } = world;
  const run = currentRun(state, world);
  const log = currentLog(state, world);
  const title = titleLine(world, [
    span('Build log ', 'quiet'),
    // First: what is cut where it is narrow is what one came from.
    span(run === undefined ? '' : `${run.tag} `, 'strong'),
    span('of ', 'quiet'),
    span(`${state.service} / ${state.build}`),
    span(` on ${state.agent}`, 'quiet'),
  ]);
  const head = [title, ...headLines(state, run, world)];
  const look = {
    pinned: log?.pinned,
    wanted: state.search.text,
    found: state.search.found,
  };
  const body =
    log === undefined ? [waitLine(state, run, world)] : logRows(textOf(log), look, logView(state, world));
  const context = buildLogContext(state);
  const keys = footer(context === 'build-steps' ? 'build-log' : context, size.columns, {
    disabled: new Set(whyNotCancelled(state, run, world) === undefined ? [] : ['cancel-build']),
    // Of a run that is over there is nothing to cancel, and nothing comes that could be followed.
    hidden: new Set(run !== undefined && isRunEnded(run.state) ? ['cancel-build', 'follow'] : []),
  });
  const typing =
    state.note !== undefined
      ? typingLine('Note: ', state.note, size.columns)
      : state.search.typing !== undefined
        ? typingLine('Search: ', state.search.typing, size.columns)
        : undefined;
  const status = typing?.line ?? notice ?? (log === undefined ? BLANK : streamLine(state, log, world));
  const lines = composeFrame(size, head, body, [status, keys]);
  return typing === undefined ? { lines } : { lines, cursor: { x: typing.caret, y: size.rows - 2 } };
}

function waitLine(state: BuildLogState, run: BuildRun | undefined, world: World): Line {
  if (state.failure !== undefined) return line(span(`  ${sanitizeLine(state.failure)}`, 'bad'));
  // Of a run that is known, the head says it.
  const loss = run === undefined ? linkLoss(state.agent, world) : undefined;
  if (loss !== undefined) return line(span(`  ✗ ${sanitizeLine(`${loss.sentence} ${loss.message}`)}`, 'bad'));
  return line(span(`  ${waitText(state, run)}`, 'quiet'));
}

function waitText(state: BuildLogState, run: BuildRun | undefined): string {
  if (run === undefined) return `Asking ${state.agent} for the run…`;
  if (run.state === 'QUEUED') return 'It waits for its turn.';
  return isRunEnded(run.state) ? 'None of its steps ran.' : 'Its first step begins…';
}

/** How the run is, then its error or its note, then a tab per step: always as many rows. */
function headLines(state: BuildLogState, run: BuildRun | undefined, world: World): Line[] {
  const { columns } = world.size;
  if (run === undefined) return [BLANK, BLANK, BLANK];
  const error = run.error ?? run.steps.find((step) => step.error !== undefined)?.error;
  const loss = lossOf(state, run, world);
  const note =
    loss !== undefined
      ? [span(`  ✗ ${loss.sentence} This is how it stood then.`, 'bad')]
      : run.note === undefined
        ? []
        : [span('  Note: ', 'quiet'), span(sanitizeLine(run.note))];
  const middle =
    run.error === undefined ? [line(...note)] : errorLines(sanitizeText(whyItFailed(error)), note, columns);
  const now = knownUntil(state.agent, world);
  return [stateLine(run, now, columns), ...middle, tabLine(state, run, now, world)];
}

/** That what is shown of a run that goes on is not of now. */
function lossOf(state: BuildLogState, run: BuildRun | undefined, world: World): LinkLoss | undefined {
  return run !== undefined && isRunEnded(run.state) ? undefined : linkLoss(state.agent, world);
}

/** The reason and the line that it is about; what else the reason quotes is in the log below. */
function whyItFailed(error: BuildError | undefined): string {
  if (error === undefined) return '';
  const reason = reasonLine(error.message);
  const { line: about } = error;
  if (about === undefined || reason.includes(about.text)) return reason;
  return `${reason}\n${about.number === undefined ? '' : `Dockerfile:${about.number}: `}${about.text}`;
}

/** The error takes the rows that there are for it, less one where there is something else to say. */
function errorLines(message: string, note: readonly Span[], columns: number): Line[] {
  const rows = note.length === 0 ? ERROR_ROWS : ERROR_ROWS - 1;
  const parts = wrapText(message, columns - 4);
  const shown = parts.slice(0, rows).map((part, at) => {
    const cut = at === rows - 1 && parts.length > rows;
    return line(span(`  ${cut ? truncateEnd(`${part}…`, columns - 3) : part}`, 'bad'));
  });
  const lines = note.length === 0 ? shown : [...shown, line(...note)];
  return [...lines, ...Array.from({ length: ERROR_ROWS - lines.length }, () => BLANK)];
}

function stateLine(run: BuildRun, now: number, columns: number): Line {
  const mark = RUN_MARKS[run.state];
  const began = Date.parse(run.startedAt ?? run.queuedAt);
  const took = duration(endedAt(run, now) - began);
  const { commit } = run;
  const facts = [
    ...(run.cancelledBy === undefined || isRunEnded(run.state) ? [] : [span('   being cancelled', 'armed')]),
    span(`   ${took}   by ${sanitizeLine(run.operator)}`, 'quiet'),
    ...(commit === undefined
      ? []
      : [
          span(`   ${sanitizeLine(commit.ref)} `, 'quiet'),
          span(commit.commit.slice(0, 7), 'key'),
          span(` ${sanitizeLine(commit.subject)}`),
        ]),
  ];
  return fitLine(line(span('  '), span(`${mark.glyph} ${runStateWords(run)}`, mark.tone), ...facts), columns);
}

function tabLine(state: BuildLogState, run: BuildRun, now: number, world: World): Line {
  const tabs = tabsOf(run);
  const current = currentTab(state, world);
  const full = run.steps.map((step, at) => tabText(step, at, now, true));
  const long = full.reduce((sum, text) => sum + textWidth(text) + 3, 2) <= world.size.columns;
  return line(
    span(' '),
    ...run.steps.flatMap((step, at): Span[] => {
      const text = long ? (full[at] ?? '') : tabText(step, at, now, step.kind === current);
      if (step.kind === current) return [span(`[${text}]`, 'button'), span(' ')];
      const tone = tabs.includes(step.kind) ? STEP_MARKS[step.state].tone : 'quiet';
      return [span(` ${text} `, tone === 'good' ? 'plain' : tone), span(' ')];
    }),
  );
}

function tabText(step: BuildStep, at: number, now: number, withTime: boolean): string {
  const mark = STEP_MARKS[step.state];
  const name = `${at + 1} ${mark.glyph} ${buildStepName(step.kind)}`;
  if (!withTime || step.startedAt === undefined) return name;
  const ended = endedAt(step, now);
  const { progress } = step;
  // What was pulled whole is not how far the step is: its command runs since.
  const percent =
    step.state === 'RUNNING' && progress?.total !== undefined && progress.total > 0
      ? progress.current < progress.total
        ? ` ${Math.floor((100 * progress.current) / progress.total)} %`
        : ''
      : step.state === 'RUNNING' && progress !== undefined && progress.current > 0
        ? ` ${bytes(progress.current)}`
        : '';
  return `${name} ${duration(ended - Date.parse(step.startedAt))}${percent}`;
}

function streamLine(state: BuildLogState, log: StepLog, world: World): Line {
  const { window, stream, pinned } = log;
  const lines = `${window.total.toLocaleString('en')} line${window.total === 1 ? '' : 's'}`;
  if (state.seeking !== undefined) {
    const what = state.seeking.what === 'error' ? 'an error' : `“${state.seeking.what.text}”`;
    return line(span(truncateEnd(`  Looking for ${what}… Esc leaves it.`, world.size.columns - 2), 'active'));
  }
  if (stream.state === 'failed') return line(span(`  ${sanitizeLine(stream.message)} r tries again.`, 'bad'));
  const loss = linkLoss(state.agent, world);
  if (loss !== undefined && (stream.state !== 'ended' || awaitsMore(log))) {
    const mark = '  ○ reconnecting…   ';
    const why = truncateEnd(sanitizeLine(loss.message), world.size.columns - textWidth(mark));
    return line(span(mark, 'armed'), span(why, 'bad'));
  }
  if (stream.state === 'opening' && window.lines.length === 0) {
    return line(span(`  Asking ${state.agent} for the log…`, 'active'));
  }
  if (awaitsMore(log)) {
    return line(span(`  Asking ${state.agent} for more of the log…`, 'active'));
  }
  if (pinned !== undefined) {
    return line(
      span('  ■ pinned', 'armed'),
      span(
        `   ${placeText(state, log, lines, world)}; f ${stream.state === 'ended' ? 'goes to the end' : 'follows'}`,
        'quiet',
      ),
    );
  }
  return stream.state === 'ended'
    ? line(span(`  ■ ended   ${lines}`, 'quiet'))
    : line(span('  ● following', 'good'), span(`   ${lines}`, 'quiet'));
}

/** Whether what is to be seen is not here yet. */
function awaitsMore({ wanted, loading, window, pinned }: StepLog): boolean {
  return (
    wanted !== undefined || loading?.kind === 'part' || (pinned !== undefined && pinned.seq > endOf(window))
  );
}

/** The line at the bottom, and of a long one how far into it. */
function placeText(state: BuildLogState, log: StepLog, lines: string, world: World): string {
  const bottom = shownRows(textOf(log), log.pinned, logView(state, world)).at(-1);
  if (bottom === undefined) return lines;
  const line = `down to line ${bottom.seq.toLocaleString('en')} of ${lines}`;
  const { window } = log;
  const bytes = window.lines[bottom.seq - window.first]?.cut?.bytes;
  if (bytes === undefined || !state.wrap) return line;
  const at = Math.min(bottom.piece.to, bottom.piece.from + bottom.to);
  return `${line}, ${Math.floor((100 * at) / bytes)} % into it`;
}

const TIME_WIDTH = 11;
const STATE_WIDTH = 11;

/** The Dockerfile's steps: which were cached, and how long the others took. */
export function viewSteps(state: BuildLogState, world: World): Dialog {
  const { size } = world;
  const now = knownUntil(state.agent, world);
  const run = currentRun(state, world);
  const vertices = run?.vertices ?? [];
  const width = Math.min(dialogRoom(size.columns), 110);
  const height = stepsHeight(size);
  const { at, top } = placeInList(
    state.steps ?? { cursor: 0, top: 0, filter: '', typing: undefined },
    vertices.length,
    height,
  );
  const left = run?.verticesLeftOut ?? 0;
  return {
    title: `Steps of the image, ${vertices.length}${left > 0 ? ` of ${vertices.length + left}` : ''}`,
    width,
    body: vertices.slice(top, top + height).map((vertex, offset) => {
      const mark = VERTEX_MARKS[vertex.state];
      const began = vertex.startedAt === undefined ? undefined : Date.parse(vertex.startedAt);
      const ended = endedAt(vertex, now);
      const took = began === undefined || vertex.state === 'CACHED' ? '' : duration(ended - began);
      const row = [
        span(padEnd(`${mark.glyph} ${vertex.state}`, STATE_WIDTH), mark.tone),
        span(`${padStart(took, TIME_WIDTH)}   `, 'quiet'),
        span(truncateEnd(sanitizeLine(vertex.name), Math.max(10, width - STATE_WIDTH - TIME_WIDTH - 5))),
      ];
      return top + offset === at ? select(line(span('▸ ', 'key'), ...row)) : line(span('  '), ...row);
    }),
    foot: [line(span('Enter jumps to it in the log, Esc closes', 'quiet'))],
  };
}
