import { isEnded, type Job, type JobEvent, reduceJob } from '@towline/core/job';
import type { PipelineServer } from '@towline/core/plan';
import { BLANK, type Line, line, span } from '../../components/index.ts';
import type { Command } from '../../keys/index.ts';
import { footer } from '../footer.ts';
import { composeFrame, type Frame } from '../frame.ts';
import { knownUntil, type LinkLoss, linkLoss } from '../link-loss.ts';
import { movement } from '../list-moves.ts';
import { whyReadOnly } from '../read-only.ts';
import { type Outcome, type Question, settle } from '../request.ts';
import { restoreQuestion, whyNotRestore } from '../restore.ts';
import { titleLine } from '../title.ts';
import type { World } from '../world.ts';
import { builtBy } from './built-by.ts';
import { jobBody, jobHead, naturalTop } from './job-lines.ts';

/** One job, live while it runs and kept afterwards. Leaving it leaves the job alone. */
export interface JobState {
  agent: string;
  id: string;
  /** The fold of the events so far. */
  job: Job | undefined;
  /** The first line of the body that is shown; undefined while nobody has scrolled. */
  top: number | undefined;
  /** Why its events stopped coming. */
  failure: string | undefined;
}

export function openJob(agent: string, id: string): JobState {
  return { agent, id, job: undefined, top: undefined, failure: undefined };
}

export function jobEventsArrived(state: JobState, id: string, events: readonly JobEvent[]): JobState {
  if (id !== state.id) return state;
  return { ...state, job: events.reduce<Job | undefined>(reduceJob, state.job), failure: undefined };
}

export function jobStreamFailed(state: JobState, id: string, message: string): JobState {
  return id === state.id ? { ...state, failure: message } : state;
}

/** The newer of what its own events and the agent's watch say. */
function currentJob(state: JobState, world: World): Job | undefined {
  const seen = world.fleet.agents[state.agent]?.jobs[state.id];
  if (state.job === undefined) return seen;
  return seen !== undefined && seen.lastSeq > state.job.lastSeq ? seen : state.job;
}

/** What is shown of it: how it was when its agent was last heard, where the link is lost. */
interface Shown {
  job: Job;
  loss: LinkLoss | undefined;
  head: readonly Line[];
  body: readonly Line[];
  height: number;
  /** The last line that can stand on top. */
  last: number;
  top: number;
}

function shownOf(state: JobState, world: World): Shown | undefined {
  const job = currentJob(state, world);
  if (job === undefined) return undefined;
  const { columns, rows } = world.size;
  const loss = isEnded(job.state) ? undefined : linkLoss(state.agent, world);
  const now = knownUntil(state.agent, world);
  const head = jobHead(job, columns, now, loss);
  const body = jobBody(job, columns, now);
  const height = Math.max(1, rows - TITLE_ROWS - head.length - FOOT_ROWS);
  const last = Math.max(0, body.length - height);
  const top = Math.min(state.top ?? naturalTop(job, body.length, height), last);
  return { job, loss, head, body, height, last, top };
}

export function pressInJob(state: JobState, command: Command | undefined, world: World): Outcome<JobState> {
  const shown = shownOf(state, world);
  const job = shown?.job;
  const by = command === undefined ? undefined : movement(command, shown?.height ?? 1);
  if (by !== undefined) {
    if (shown === undefined) return settle(state);
    const top = Math.min(Math.max(0, shown.top + by), shown.last);
    // Back at the end of a running job is following it again.
    const following = !isEnded(shown.job.state) && top >= shown.last && by > 0;
    return settle({ ...state, top: following ? undefined : top });
  }
  const against = command === undefined ? undefined : whyNot(command, state, world);
  if (against !== undefined) return settle(state, { type: 'notice', tone: 'plain', text: against });
  switch (command) {
    case 'cancel-job':
      return job === undefined
        ? settle(state)
        : settle(state, { type: 'ask', question: cancelQuestion(state, job) });
    case 'logs': {
      const running = job?.steps.find((step) => step.state === 'RUNNING') ?? job?.tasks[0];
      return running === undefined
        ? settle(state)
        : settle(state, { type: 'show-logs', agent: state.agent, container: running.container });
    }
    case 'build-log': {
      const run = job === undefined ? undefined : builtBy(job, world.fleet);
      return run === undefined ? settle(state) : settle(state, { type: 'show-build-log', ...run });
    }
    case 'restore-server': {
      const server = serverOf(job, world);
      return server === undefined || world.pipeline === undefined
        ? settle(state)
        : settle(state, { type: 'ask', question: restoreQuestion(world.pipeline, server) });
    }
    case 'jobs':
      return settle(state, { type: 'show-jobs' });
    case 'back':
      return settle(state, { type: 'close' });
    default:
      return settle(state);
  }
}

/** Why a key can do nothing now, in a sentence; undefined where it can. */
function whyNot(command: Command, state: JobState, world: World): string | undefined {
  const job = currentJob(state, world);
  const loss = linkLoss(state.agent, world);
  const readOnly = whyReadOnly(world, state.agent, 'cancel a job');
  switch (command) {
    case 'cancel-job':
      if (job !== undefined && isEnded(job.state)) return 'It has ended: there is nothing to cancel.';
      if (job?.cancelledBy !== undefined) return `${job.cancelledBy} has cancelled it: it ends.`;
      if (readOnly !== undefined) return readOnly;
      if (loss !== undefined) return `Cancelling needs ${state.agent}, and it can't be reached.`;
      return job === undefined ? `${state.agent} has not told of the job yet.` : undefined;
    case 'restore-server':
      return whyNotRestore(serverOf(job, world), world);
    case 'build-log':
      return job === undefined || builtBy(job, world.fleet) === undefined
        ? 'No build run is known that made an image for this job.'
        : undefined;
    case 'logs':
      return loss === undefined
        ? undefined
        : `The log is read through ${state.agent}, and it can't be reached.`;
    default:
      return undefined;
  }
}

/** The server that the job was of, in the map that is shown. */
function serverOf(job: Job | undefined, { pipeline }: World): PipelineServer | undefined {
  if (job === undefined || job.service !== pipeline?.service || job.map !== pipeline.map) return undefined;
  return pipeline.servers.find(({ name }) => name === job.server);
}

function cancelQuestion({ agent, id }: JobState, job: Job): Question {
  return {
    title: `Cancel the job on ${job.server}?`,
    sentences: job.steps.some(({ kind, state }) => kind === 'await-build' && state === 'RUNNING')
      ? [
          'Nothing is changed yet: what runs there keeps running.',
          'Its build goes on, and can be cancelled in its log.',
        ]
      : [
          'What it has changed is put back: the old version serves again.',
          'Once it is committed, which is its last step, it is done instead.',
        ],
    keep: 'Keep it running',
    act: 'Cancel the job',
    requests: [{ type: 'cancel-job', agent, id }],
    while: { agent, id },
  };
}

const FOOT_ROWS = 2;
const TITLE_ROWS = 2;

export function viewJob(state: JobState, world: World, notice: Frame['lines'][number] | undefined): Frame {
  const { size } = world;
  const shown = shownOf(state, world);
  const job = shown?.job;
  const where = job === undefined ? state.agent : `${job.service} / ${job.map} / ${job.server}`;
  const title = titleLine(world, [
    span('Job on ', 'quiet'),
    span(where, 'strong'),
    span(job === undefined ? '' : ` by ${state.agent}`, 'quiet'),
  ]);
  const ended = job !== undefined && isEnded(job.state);
  const keys = footer('job', size.columns, {
    hidden: new Set([
      ...(ended ? (['cancel-job'] as const) : []),
      ...(whyNot('restore-server', state, world) === undefined ? [] : (['restore-server'] as const)),
      ...(whyNot('build-log', state, world) === undefined ? [] : (['build-log'] as const)),
    ]),
    disabled: new Set(
      (['cancel-job', 'logs'] as const).filter((command) => whyNot(command, state, world) !== undefined),
    ),
  });
  if (shown === undefined) {
    const loss = linkLoss(state.agent, world);
    const text = state.failure ?? `Asking ${state.agent} for the job…`;
    const waiting =
      loss === undefined || state.failure !== undefined
        ? [line(span(`  ${text}`, state.failure === undefined ? 'active' : 'bad'))]
        : [line(span(`  ✗ ${loss.sentence}`, 'bad')), line(span(`  ${loss.message}`, 'quiet'))];
    return { lines: composeFrame(size, [title, BLANK], waiting, [notice ?? BLANK, keys]) };
  }
  const { head, body, height, top, last } = shown;
  return {
    lines: composeFrame(size, [title, BLANK, ...head], body.slice(top, top + height), [
      notice ?? scrollLine(top, last, state, ended),
      keys,
    ]),
  };
}

function scrollLine(top: number, last: number, state: JobState, ended: boolean) {
  if (state.failure !== undefined && !ended) return line(span(`  ${state.failure}`, 'bad'));
  if (last === 0) return BLANK;
  const counts = [top > 0 ? `↑ ${top}` : '', top < last ? `↓ ${last - top}` : ''].filter(
    (text) => text !== '',
  );
  return line(span(`  ${counts.join('  ')} more, j and k scroll`, 'quiet'));
}
