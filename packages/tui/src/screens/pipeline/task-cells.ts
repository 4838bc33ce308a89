import { runStateWords } from '@towline/core/build';
import { choiceOf, type PipelineServer, type PipelineTask } from '@towline/core/plan';
import { arm, type Choice, isOutOfSight, modeName } from '@towline/core/rules';
import { type Span, span, type Tone } from '../../components/index.ts';
import { ARMED, RUN_MARKS, STEP_MARKS } from '../glyphs.ts';
import { STEP_SHORT } from '../job/index.ts';
import type { PipelineState } from './state.ts';

/** What is shown, and what says the same where there is no room for it. */
export interface Cell extends Span {
  short?: string;
}

/** A task's row, cell by cell. */
export interface TaskCells {
  container: Span;
  image: Span;
  /** The tag of the last build run. */
  build: Span | undefined;
  /** Its state, or that a build would run now. */
  run: Cell | undefined;
  /** What is deployed, how it is, and what would happen to it or happens now. */
  tag: Span;
  state: Span;
  marker: Cell | undefined;
  mode: Span;
  choice: Span;
}

/** How a container is that was never seen. */
const UNKNOWN = 'unknown';

export function taskCells(task: PipelineTask, server: PipelineServer, state: PipelineState): TaskCells {
  const choice = choiceOf(task, state.choices);
  const arming = arm(choice, task.facts);
  const armed = span(`${ARMED.glyph} armed`, ARMED.tone);
  const running = runningStep(task, server);
  const waits = state.sent.some((sent) => sent.server === server.name && sent.builds.includes(buildOf(task)));
  const deployed = task.facts.deployed?.tag ?? task.observed?.tag ?? task.observed?.imageId.slice(7, 19);
  const { word, tone } = running ?? containerWord(task);
  // What was seen last of a server that is out of sight: no colour says so where there are none.
  const seen = (text: string) =>
    isOutOfSight(task.facts.server.state) ? span(`${text}?`, 'quiet') : span(text, tone);
  return {
    container: span(`  ${task.container.name}`),
    image: span(task.container.image, 'quiet'),
    build: task.container.kind === 'common' ? undefined : span(task.build?.lastRun?.tag ?? '–', 'quiet'),
    run: arming.armed && arming.stages.includes('build') ? armed : runCell(task),
    tag: deployed === undefined ? span('–', 'quiet') : span(deployed),
    state: word === UNKNOWN ? span(word, tone) : seen(word),
    marker:
      running !== undefined
        ? { ...seen(running.marker), short: seen(running.short).text }
        : waits
          ? span(`${STEP_MARKS.WAIT.glyph} WAIT`, 'quiet')
          : arming.armed
            ? armed
            : undefined,
    mode: span(modeName(choice.mode), 'quiet'),
    choice: controlOf(choice, task, arming.armed),
  };
}

function buildOf(task: PipelineTask): string {
  return task.build?.definition.name ?? '';
}

/** `◐ RUNNING 2/4`, or `◐ 2/4` where it is narrow. */
function runCell({ build }: PipelineTask): Cell | undefined {
  const run = build?.lastRun;
  if (run === undefined) return undefined;
  const mark = RUN_MARKS[run.state];
  const words = runStateWords(run);
  const short = run.state === 'RUNNING' ? words.replace('RUNNING ', '') : run.state;
  return { ...span(`${mark.glyph} ${words}`, mark.tone), short: `${mark.glyph} ${short}` };
}

/** What a running job does to this container now. */
function runningStep(
  task: PipelineTask,
  server: PipelineServer,
): { word: string; marker: string; short: string; tone: Tone } | undefined {
  const job = server.runningJob;
  if (job === undefined || !job.tasks.some(({ container }) => container === task.container.name)) {
    return undefined;
  }
  const steps = job.steps.filter((step) => step.container === task.container.name);
  const current =
    steps.find((step) => step.state === 'RUNNING') ?? steps.findLast((step) => step.state !== 'WAIT');
  // Its build stage says what it waits for.
  if (current === undefined || (current.kind === 'await-build' && current.state === 'RUNNING')) {
    const marker = `${STEP_MARKS.WAIT.glyph} WAIT`;
    return { word: 'waiting', marker, short: marker, tone: 'quiet' };
  }
  // A step that was not needed is not what goes on: how the container is says more until its next one.
  if (current.state === 'SKIPPED') return undefined;
  const mark = STEP_MARKS[current.state];
  const { progress } = current;
  const percent =
    current.kind === 'pull' &&
    current.state === 'RUNNING' &&
    progress?.total !== undefined &&
    progress.total > 0
      ? `${Math.min(100, Math.floor((100 * progress.current) / progress.total))} %`
      : undefined;
  // How far the job is, the server's row counts: a second count of these steps alone would not agree with it.
  const word = STEP_SHORT[current.kind];
  const short = `${mark.glyph} ${percent ?? word}`;
  return { word, marker: `${mark.glyph} ${percent ?? current.state}`, short, tone: mark.tone };
}

function containerWord(task: PipelineTask): { word: string; tone: Tone } {
  const { observed } = task;
  if (observed === undefined) {
    return { word: isOutOfSight(task.facts.server.state) ? UNKNOWN : 'absent', tone: 'quiet' };
  }
  if (observed.state === 'running') {
    if (observed.health === 'unhealthy') return { word: 'unhealthy', tone: 'bad' };
    if (observed.health === 'starting') return { word: 'starting', tone: 'active' };
    return { word: observed.health ?? 'running', tone: 'good' };
  }
  if (observed.state === 'exited') {
    const failed = observed.exitCode !== undefined && observed.exitCode !== 0;
    return { word: failed ? `exited ${observed.exitCode}` : 'exited', tone: failed ? 'bad' : 'quiet' };
  }
  return { word: observed.state, tone: observed.state === 'dead' ? 'bad' : 'quiet' };
}

function controlOf(choice: Choice, task: PipelineTask, armed: boolean): Span {
  const tone: Tone = armed ? 'armed' : 'plain';
  switch (choice.mode) {
    case 'image-tag':
    case 'designated':
      return choice.tag === '' ? span('·', 'quiet') : span(choice.tag, tone);
    case 'latest':
      return span(task.facts.latest?.tag ?? 'no image yet', armed ? 'armed' : 'quiet');
    case 'build-deploy':
      return span(`[${choice.confirmed ? 'x' : ' '}] Confirm Execute`, tone);
  }
}
