import type { Job } from '@towline/core/job';
import { choiceOf, type PipelineServer, type PipelineTask } from '@towline/core/plan';
import type { Hello } from '@towline/core/protocol';
import { modeName } from '@towline/core/rules';
import { clockDifference, sanitizeText, span, type Tone } from '../../components/index.ts';
import { SERVER_MARKS } from '../glyphs.ts';
import { agentNow, linkLoss } from '../link-loss.ts';
import type { World } from '../world.ts';
import { pipelineRows, type RowKey } from './rows.ts';
import type { PipelineState } from './state.ts';
import { describeChange, describeRun } from './status.ts';
import { targetOf } from './target.ts';

export interface Detail {
  label: string;
  text: string;
  tone: Tone;
}

/** All that a row has to say, for which the table has no room; undefined where the row has gone. */
export function detailsOf(key: RowKey, state: PipelineState, world: World): Detail[] | undefined {
  const { pipeline } = world;
  const row = pipeline === undefined ? undefined : pipelineRows(pipeline, '').find((one) => one.key === key);
  if (row === undefined || pipeline === undefined) return undefined;
  const { server } = row;
  const mark = SERVER_MARKS[server.state];
  const loss = linkLoss(server.agent, world);
  const { hello, clockAheadMs = 0 } = world.fleet.agents[server.agent] ?? {};
  const clock = clockDifference(clockAheadMs);
  const target = targetOf(state, pipeline, row);
  const job = server.runningJob ?? server.lastJob;
  const details: (Detail | undefined)[] = [
    detail('server', `${mark.glyph} ${server.state}   ${server.name} on ${server.agent}`, mark.tone),
    loss === undefined ? undefined : detail('link', `${loss.sentence} ${ONE_LINE}`),
    hello === undefined ? undefined : detail('agent', describeAgent(hello)),
    clock === undefined ? undefined : detail('clock', `${server.agent}'s clock is ${clock}.`),
    // A lost link's message is the server's reason.
    server.reason === undefined ? undefined : detail('why', server.reason),
    ...(row.type === 'task'
      ? [
          detail('container', row.task.container.name),
          detail('image', row.task.container.image),
          detail('deployed', deployedOf(row.task.observed)),
          ...buildDetails(row.task, state, world),
        ]
      : []),
    job === undefined ? undefined : detail('job', describeJob(job)),
    'refusal' in target
      ? detail('Execute', whyNothing(server, target.refusal))
      : detail('Execute', target.plan.armed.map(describeChange).join(', '), 'armed'),
  ];
  return details.filter((one) => one !== undefined);
}

/** Why an agent can't be used stands above already, and is long where it says what to type. */
function whyNothing({ state, agent }: PipelineServer, refusal: string): string {
  return state === 'Unreachable' ? `Nothing runs until ${agent} can be used.` : `Nothing runs: ${refusal}`;
}

/** A command that is cut into rows, with a frame beside them, can't be copied. */
const ONE_LINE =
  'r tries it again now; `towline agents` prints why in one line, to copy what it says to type.';

function detail(label: string, text: string, tone: Tone = 'plain'): Detail {
  return { label, ...span(sanitizeText(text), tone) };
}

function describeJob({ state, id, operator, refusal, error }: Job): string {
  const why = (refusal ?? error)?.message;
  return `${state}   ${id} by ${operator}${why === undefined ? '' : `   ${why}`}`;
}

function describeAgent({ version, engine, engineAddress }: Hello): string {
  const at = engineAddress === undefined ? '' : ` at ${engineAddress}`;
  const kind =
    engine.state === 'reachable' ? `${engine.name} ${engine.version}, ${engine.arch}` : 'none reached';
  return `${version}, its engine ${kind}${at}`;
}

/** Of a built image: what is chosen, how it is built, and how its last run went. */
function buildDetails(task: PipelineTask, state: PipelineState, world: World): Detail[] {
  if (task.build === undefined) return [];
  const { definition, lastRun } = task.build;
  const { source } = definition;
  return [
    detail('mode', modeName(choiceOf(task, state.choices).mode)),
    detail('build', `${definition.name} on ${definition.agent}, of ${source.git} ${source.ref}`),
    detail(
      'last build',
      lastRun === undefined
        ? 'none that is known of'
        : describeRun(lastRun, agentNow(definition.agent, world)),
    ),
  ];
}

function deployedOf(observed: { image: string; digest?: string | undefined } | undefined): string {
  if (observed === undefined) return 'nothing that is known of';
  return observed.digest === undefined ? observed.image : `${observed.image} ${observed.digest}`;
}
