import {
  cancelWords,
  changeWords,
  isEnded,
  type Job,
  type JobStep,
  type SettingChange,
  stepWaitsFor,
} from '@towline/core/job';
import {
  BLANK,
  bytes,
  duration,
  type Line,
  line,
  padEnd,
  padStart,
  type Span,
  sanitizeLine,
  sanitizeText,
  span,
  textWidth,
  truncateMiddle,
  wrapText,
} from '../../components/index.ts';
import { endedAt } from '../ended-at.ts';
import { JOB_MARKS, STEP_MARKS } from '../glyphs.ts';
import { type LinkLoss, lossLines } from '../link-loss.ts';
import { STEP_WORDS } from './step-words.ts';

/** What a job is about and how it stands: the part of its screen that does not scroll. */
export function jobHead(job: Job, columns: number, now: number, loss: LinkLoss | undefined): Line[] {
  const names = Math.min(28, Math.max(...job.tasks.map(({ container }) => textWidth(container))));
  const froms = Math.max(...job.tasks.map(({ from }) => textWidth(from?.tag ?? 'nothing')));
  return [
    jobState(job, now, loss !== undefined),
    ...(loss === undefined ? [] : lossLines(loss, '  ', columns)),
    ...ending(job, columns),
    BLANK,
    ...job.tasks.map(({ container, from, to }) =>
      line(
        span('  '),
        span(padEnd(truncateMiddle(container, names), names + 3)),
        span(padEnd(from?.tag ?? 'nothing', froms), 'quiet'),
        span('  →  ', 'quiet'),
        span(to.tag, 'strong'),
      ),
    ),
    BLANK,
  ];
}

function jobState(job: Job, now: number, stale: boolean): Line {
  const mark = JOB_MARKS[job.state];
  const took = job.startedAt === undefined ? '' : duration(endedAt(job, now) - Date.parse(job.startedAt));
  const by = sanitizeLine(job.operator);
  const cancelled = cancelWords(job);
  return line(
    span('  '),
    span(`${mark.glyph} ${job.state}`, stale ? 'quiet' : mark.tone),
    span(took === '' ? '' : `   ${took}`, 'quiet'),
    span(`   by ${by}`, 'quiet'),
    ...(cancelled === undefined
      ? []
      : [span(`   ${sanitizeLine(cancelled)}`, isEnded(job.state) ? 'quiet' : 'armed')]),
  );
}

/** How it ended, in sentences. Nothing while it runs, and nothing to add to DONE. */
function ending(job: Job, columns: number): Line[] {
  return endingSentences(job).flatMap(({ text, tone }) =>
    wrapText(sanitizeText(text), columns - 4).map((part) => line(span(`  ${part}`, tone))),
  );
}

/** Why it ended so, and what serves then, as it was told. */
export function endingSentences(job: Job): Span[] {
  const { message } = job.refusal ?? job.error ?? {};
  const words = endingWords(job);
  return [
    ...(message === undefined ? [] : [span(message, 'bad')]),
    // The agent's own sentence may have said it already, and knows more of what was there before.
    ...(words === undefined || SAYS_WHAT_SERVES.test(message ?? '') ? [] : [span(words)]),
  ];
}

const SAYS_WHAT_SERVES =
  /old version (serves|was not|is back)|There was no old version|Nothing was (touched|deployed)/;

function endingWords({ state, tasks }: Job): string | undefined {
  // On a first deploy there is nothing to go back to.
  const first = tasks.every(({ from }) => from === undefined);
  return (first ? FIRST_ENDINGS[state] : undefined) ?? ENDINGS[state];
}

const FIRST_ENDINGS: Partial<Record<Job['state'], string>> = {
  RESTORED: 'There was no old version: nothing serves.',
  CANCELLED: 'It was cancelled. There was no old version: nothing serves.',
};

const ENDINGS: Partial<Record<Job['state'], string>> = {
  RESTORED: 'The old version serves again, as it did before.',
  REFUSED: 'Nothing was touched.',
  CANCELLED: 'It was cancelled. The old version serves.',
  DEGRADED:
    'The old version could not be brought back. B tries again; the commands in its job do it by hand.',
};

/** The part that scrolls: commands for a person, the steps, the last lines of what failed. */
export function jobBody(job: Job, columns: number, now: number): Line[] {
  // A step of the server as a whole names the server: that alone is no second container. One that nobody chose is.
  const ofOne = ({ kind }: JobStep) => kind !== 'commit' && kind !== 'cleanup';
  const touched = job.steps.filter(ofOne).map(({ container }) => container);
  const several = new Set([...touched, ...job.tasks.map(({ container }) => container)]).size > 1;
  const names = several
    ? Math.min(20, Math.max(...job.steps.map(({ container }) => textWidth(container)))) + 2
    : 0;
  return [
    ...job.commands.flatMap((command) =>
      // Never cut: it is there to be copied.
      wrapText(sanitizeLine(command), columns - 6).map((part) => line(span('    '), span(part, 'strong'))),
    ),
    ...(job.commands.length > 0 ? [BLANK] : []),
    ...(job.steps.length === 0 && !isEnded(job.state)
      ? [line(span('  Waiting for its first step…', 'quiet'))]
      : []),
    ...job.steps.flatMap((step) => stepLines(withoutSaid(step, job), names, columns, now)),
    ...(job.changes ?? []).flatMap((each) => changeLines(each, columns)),
    ...job.logs.flatMap(({ container, lines }) => [
      BLANK,
      line(span(`  The last lines of ${container} before it was taken away`, 'strong')),
      ...lines.flatMap((text) =>
        wrapText(sanitizeLine(text), columns - 6).map((part) => line(span('  │ ', 'quiet'), span(part))),
      ),
    ]),
  ];
}

/** The head says already why the job failed: its step does not say it once more. */
function withoutSaid(step: JobStep, { error }: Job): JobStep {
  const { message, ...rest } = step;
  return message !== undefined && step.state === 'ERROR' && error?.message.includes(message) === true
    ? rest
    : step;
}

/** What a new container has that the old one had not, and the other way round; nothing where they are the same. */
function changeLines(
  { container, changes }: { container: string; changes: readonly SettingChange[] },
  columns: number,
): Line[] {
  if (changes.length === 0) return [];
  return [
    BLANK,
    line(span(`  What differs in the new ${container}`, 'strong')),
    ...changes.flatMap((change) => {
      const mark = change.by === 'image' ? '·' : '!';
      return wrapText(sanitizeLine(changeWords(change)), columns - 6).map((part, at) =>
        line(span(`  ${at === 0 ? mark : ' '} `, change.by === 'image' ? 'quiet' : 'bad'), span(part)),
      );
    }),
  ];
}

const STEP_WIDTH = Math.max(...Object.values(STEP_WORDS).map((words) => words.length));
const TIME_WIDTH = 11;
const STATE_WIDTH = 9;

function stepLines(step: JobStep, names: number, columns: number, now: number): Line[] {
  const mark = STEP_MARKS[step.state];
  const started = step.startedAt === undefined ? undefined : Date.parse(step.startedAt);
  const ended = endedAt(step, now);
  const took = started === undefined ? '' : duration(ended - started);
  const quiet = step.state === 'WAIT' || step.state === 'SKIPPED';
  const head: Span[] = [
    span('  '),
    span(padEnd(`${mark.glyph} ${step.state}`, STATE_WIDTH + 3), mark.tone),
    ...(names > 0 ? [span(padEnd(truncateMiddle(step.container, names - 2), names), 'quiet')] : []),
    span(padEnd(STEP_WORDS[step.kind], STEP_WIDTH + 1), quiet ? 'quiet' : 'plain'),
    span(padStart(took, TIME_WIDTH), 'quiet'),
  ];
  const used = head.reduce((sum, piece) => sum + textWidth(piece.text), 0);
  const progress = progressOf(step, columns - used - 3);
  const first = line(...head, ...(progress.length > 0 ? [span('   '), ...progress] : []));
  const message = step.message ?? stepWaitsFor(step);
  if (message === undefined || message === '') return [first];
  const text = sanitizeText(message);
  const room = columns - used - 4;
  const tone = step.state === 'ERROR' ? 'bad' : 'quiet';
  const short = textWidth(text) <= room && !text.includes('\n');
  if (short && progress.length === 0) return [line(...head, span(`   ${text}`, tone))];
  const indent = ' '.repeat(STATE_WIDTH + 5);
  return [
    first,
    ...wrapText(text, columns - indent.length - 2).map((part) => line(span(indent), span(part, tone))),
  ];
}

const BAR_WIDTH = 20;

/** The bar, the percentage and the bytes, as far as there is room for them. */
function progressOf(step: JobStep, room: number): Span[] {
  if (step.kind !== 'pull' || step.state !== 'RUNNING' || step.progress === undefined) return [];
  const { current, total } = step.progress;
  if (total === undefined || total <= 0) return room >= 8 ? [span(bytes(current), 'active')] : [];
  const share = Math.min(1, current / total);
  const percent = padStart(`${Math.floor(share * 100)} %`, 5);
  const amount = `${bytes(current)} of ${bytes(total)}`;
  const width = Math.min(BAR_WIDTH, room - percent.length - 2);
  const full = Math.round(share * width);
  const bar =
    width >= 5 ? [span('━'.repeat(full), 'bar'), span('─'.repeat(width - full), 'quiet'), span(' ')] : [];
  const withBytes = room >= width + percent.length + amount.length + 5;
  return [...bar, span(percent, 'active'), ...(withBytes ? [span(`   ${amount}`, 'quiet')] : [])];
}

/** Where in the body a viewer wants to be who has not scrolled: at what runs, or at what tells most of why it failed. */
export function naturalTop(job: Job, total: number, height: number): number {
  const last = Math.max(0, total - height);
  if (isEnded(job.state)) {
    if (job.state === 'DONE' || job.commands.length > 0) return 0;
    if (job.logs.length > 0) return last;
  }
  const wanted = isEnded(job.state) ? 'ERROR' : 'RUNNING';
  const at = job.steps.findIndex(({ state }) => state === wanted);
  // A few steps after the one that runs stay in sight: what comes next is what one waits for.
  return Math.min(last, Math.max(0, at - height + 4));
}
