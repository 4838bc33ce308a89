import { type BatchPlan, choiceOf, type Pipeline, type PipelineTask, taskKey } from '@towline/core/plan';
import { choiceOfMode, type ImageMode, isOutOfSight, modeName } from '@towline/core/rules';
import type { Command, Key } from '../../keys/index.ts';
import { fieldAction } from '../field-keys.ts';
import { movement } from '../list-moves.ts';
import { whyReadOnly } from '../read-only.ts';
import { type BuildPlace, type Outcome, type Request, settle } from '../request.ts';
import { restoreQuestion, whyNotRestore } from '../restore.ts';
import { agentsAway, retryRequests, whyNotRetry } from '../retry-agents.ts';
import type { World } from '../world.ts';
import type { Row } from './rows.ts';
import { type PipelineAction, type PipelineState, reducePipeline, selectedRow } from './state.ts';
import { tableHeight } from './table-height.ts';
import { batchOf, targetOf } from './target.ts';

/** What a key does in the table. One that can't do anything now says why. */
export function pressInPipeline(
  state: PipelineState,
  command: Command | undefined,
  key: Key,
  world: World,
): Outcome<PipelineState> {
  const room = { pipeline: world.pipeline, height: tableHeight(world.size) };
  const act = (action: PipelineAction, ...requests: Request[]) =>
    settle(reducePipeline(state, action, room), ...requests);

  if (state.editing !== undefined) {
    if (command === 'accept' || command === 'restore') return act({ type: command });
    const action = fieldAction(command, key);
    return action === undefined ? settle(state) : act({ type: 'type', action });
  }
  if (command === undefined) return settle(state);
  const by = movement(command, tableHeight(world.size));
  if (by !== undefined) return act({ type: 'move', by });
  const against = whyNot(command, state, world);
  if (against !== undefined) return settle(state, { type: 'notice', tone: 'plain', text: against });

  const row = selectedRow(state, world.pipeline);
  const task = row?.type === 'task' ? row.task : undefined;
  const tag = task === undefined ? undefined : tagOf(state, task);
  switch (command) {
    case 'open':
      if (row === undefined) return settle(state);
      if (task === undefined) {
        return settle(
          state,
          ...(jobOf(row) === undefined ? [{ type: 'show-details' as const, row: row.key }] : showJob(row)),
        );
      }
      if (task.container.kind === 'common') return act({ type: 'edit-tag', row: row.key, tag: tag ?? '' });
      return pressInPipeline(
        state,
        choiceOf(task, state.choices).mode === 'build-deploy' ? 'confirm-build' : 'versions',
        key,
        world,
      );
    case 'edit-tag':
      return task === undefined || row === undefined
        ? settle(state)
        : act({ type: 'edit-tag', row: row.key, tag: tag ?? '' });
    case 'edit-build': {
      const place = buildPlace(task, world);
      return place === undefined ? settle(state) : settle(state, { type: 'show-edit-build', ...place });
    }
    case 'build-log': {
      const place = buildPlace(task, world);
      const run = task?.build?.lastRun;
      return place === undefined || run === undefined
        ? settle(state)
        : settle(state, { type: 'show-build-log', ...place, run: run.id });
    }
    case 'clear-tag':
      return row === undefined ? settle(state) : act({ type: 'unchoose', rows: [row.key] });
    case 'mode':
      return task === undefined || row === undefined
        ? settle(state)
        : act({ type: 'choose', row: row.key, choice: nextMode(state, task) });
    case 'confirm-build': {
      const choice = task === undefined ? undefined : choiceOf(task, state.choices);
      return row === undefined || choice?.mode !== 'build-deploy'
        ? settle(state)
        : act({ type: 'choose', row: row.key, choice: { ...choice, confirmed: !choice.confirmed } });
    }
    case 'versions':
      return task === undefined
        ? settle(state)
        : settle(state, { type: 'show-versions', server: task.server, container: task.container.name });
    case 'execute': {
      if (row === undefined || world.pipeline === undefined) return settle(state);
      const target = targetOf(state, world.pipeline, row);
      return 'plan' in target ? settle(state, { type: 'show-execute', plan: target.plan }) : settle(state);
    }
    case 'batch':
      return settle(state, { type: 'show-plan' });
    case 'job':
      return settle(state, ...showJob(row));
    case 'restore-server':
      return row === undefined || world.pipeline === undefined
        ? settle(state)
        : settle(state, { type: 'ask', question: restoreQuestion(world.pipeline, row.server) });
    case 'details':
      return row === undefined ? settle(state) : settle(state, { type: 'show-details', row: row.key });
    case 'jobs':
      return settle(state, { type: 'show-jobs' });
    case 'logs':
      return task === undefined || row === undefined
        ? settle(state)
        : settle(state, { type: 'show-logs', agent: row.server.agent, container: task.container.name });
    case 'reload':
      return settle(state, { type: 'reread-map' });
    case 'retry':
      return settle(state, ...retryRequests(world));
    case 'maps':
      return settle(state, { type: 'show-maps' });
    case 'filter':
      return act({ type: 'edit-filter' });
    case 'back':
      return act({ type: 'drop-filter' });
    case 'quit':
      return settle(state, { type: 'quit' });
    default:
      return settle(state);
  }
}

/** Of the keys that the footer shows, those that can do nothing on this row. */
export function disabledCommands(state: PipelineState, world: World): ReadonlySet<Command> {
  const shown: readonly Command[] = [
    'execute',
    'batch',
    'edit-tag',
    'versions',
    'mode',
    'confirm-build',
    'build-log',
    'edit-build',
    'logs',
    'job',
    'details',
  ];
  return new Set(shown.filter((command) => whyNot(command, state, world) !== undefined));
}

/** Those that are not of this row or its mode, or of this moment: the footer leaves their room to those that are. */
export function foreignCommands(state: PipelineState, world: World): ReadonlySet<Command> {
  const row = selectedRow(state, world.pipeline);
  return new Set([
    ...foreignToRow(row, state),
    ...(row?.server.state === 'Degraded' ? [] : (['restore-server'] satisfies Command[])),
    ...(world.fleet.mapChanged ? [] : (['reload'] satisfies Command[])),
    ...(row !== undefined && agentsAway(world).includes(row.server.agent)
      ? ASKS_THE_AGENT.filter((command) => whyNot(command, state, world) !== undefined)
      : (['retry'] satisfies Command[])),
  ]);
}

/** What can't be asked of an agent that is away leaves its room to what says why. */
const ASKS_THE_AGENT: readonly Command[] = ['versions', 'logs'];

function foreignToRow(row: Row | undefined, state: PipelineState): readonly Command[] {
  if (row?.type !== 'task') {
    return ['edit-tag', 'versions', 'mode', 'confirm-build', 'build-log', 'edit-build', 'logs'];
  }
  if (row.task.build === undefined) return ['mode', 'confirm-build', 'build-log', 'edit-build'];
  switch (choiceOf(row.task, state.choices).mode) {
    case 'build-deploy':
      return ['edit-tag'];
    case 'latest':
      return ['edit-tag', 'confirm-build'];
    default:
      return ['confirm-build'];
  }
}

/** Why a command can do nothing now, in a sentence; undefined where it can. */
function whyNot(command: Command, state: PipelineState, world: World): string | undefined {
  const { pipeline } = world;
  const row = selectedRow(state, pipeline);
  switch (command) {
    case 'execute':
      if (row === undefined || pipeline === undefined) return 'There is nothing to execute here.';
      return ((target) => ('refusal' in target ? target.refusal : undefined))(targetOf(state, pipeline, row));
    case 'batch': {
      const plan = pipeline === undefined ? undefined : batchOf(state, pipeline);
      if (plan !== undefined && plan.taskCount > 0) return undefined;
      return (
        whyAllReadOnly(pipeline, world) ??
        whyNoneArmed(plan) ??
        'Nothing is armed. Type a tag, pick a version or check Confirm Execute, then press b again.'
      );
    }
    case 'open':
      return row?.type === 'task' ? whyNotOpen(row, state, world) : undefined;
    case 'edit-tag':
    case 'clear-tag':
      return whyNotTag(state, row, world);
    case 'details':
      return row === undefined ? 'There is no row here.' : undefined;
    case 'versions':
      if (row?.type !== 'task') return 'A server has no version of its own. Move to one of its containers.';
      // What a build made is known from the watch as well.
      return row.task.build === undefined
        ? whyOffline(row, world, 'its versions are asked for through it')
        : undefined;
    case 'edit-build':
      return whyNoBuild(row, 'is made by no build');
    case 'build-log':
      if (row?.type === 'task' && row.task.build !== undefined && row.task.build.lastRun === undefined) {
        const { name, agent } = row.task.build.definition;
        return `${agent} knows of no run of the build ${name} yet.`;
      }
      return whyNoBuild(row, 'has no build log');
    case 'mode':
      if (row?.type !== 'task') return 'A server has no image mode. Move to one of its containers.';
      return row.task.modes.length > 1
        ? undefined
        : `${row.task.container.name} runs a common image: ${modeName('image-tag')} is its only mode.`;
    case 'confirm-build':
      return (
        whyRowReadOnly(row, world) ??
        (row?.type === 'task' && choiceOf(row.task, state.choices).mode === 'build-deploy'
          ? undefined
          : 'Confirm Execute belongs to the mode Build & Deploy. Press m on a built image for it.')
      );
    case 'job':
      return row === undefined ? 'There is no server here.' : whyNoJob(row, world);
    case 'restore-server':
      return whyNotRestore(row?.server, world);
    case 'retry':
      return whyNotRetry(world);
    case 'logs':
      if (row?.type !== 'task') return 'A server has no log of its own. Move to one of its containers.';
      if (row.task.observed === undefined && !isOutOfSight(row.server.state)) {
        return `There is no container ${row.task.container.name} on ${row.server.agent} yet.`;
      }
      return whyOffline(row, world, 'its log is read through it');
    default:
      return undefined;
  }
}

const TO_EXECUTE = 'execute';

/** Of a row's server; without a row only that everything is. */
function whyRowReadOnly(row: Row | undefined, world: World): string | undefined {
  return whyReadOnly(world, row?.server.agent ?? '', TO_EXECUTE);
}

/** Where nothing of the table can be changed. */
function whyAllReadOnly(pipeline: Pipeline | undefined, world: World): string | undefined {
  const agents = pipeline?.servers.map(({ agent }) => agent) ?? [''];
  const reasons = agents.map((agent) => whyReadOnly(world, agent, TO_EXECUTE));
  return reasons.every((reason) => reason !== undefined) ? reasons[0] : undefined;
}

/** What was chosen and can't be run is the reason, where there is some. */
function whyNoneArmed(plan: BatchPlan | undefined): string | undefined {
  const chosen = plan?.skipped.flatMap(({ skipped }) => skipped.filter((task) => task.chosen)) ?? [];
  const [first, ...others] = chosen;
  if (first === undefined) return undefined;
  return others.length === 0 ? first.refusal.message : `${first.refusal.message} (and ${others.length} more)`;
}

/** Enter on a task types a tag, picks an image or checks Confirm Execute. */
function whyNotOpen(row: Row, state: PipelineState, world: World): string | undefined {
  return row.type === 'task' && row.task.container.kind === 'common'
    ? whyNotTag(state, row, world)
    : undefined;
}

function whyNotTag(state: PipelineState, row: Row | undefined, world: World): string | undefined {
  const readOnly = whyRowReadOnly(row, world);
  if (readOnly !== undefined) return readOnly;
  if (row?.type !== 'task') return 'A server has no tag of its own. Move to one of its containers.';
  const { mode } = choiceOf(row.task, state.choices);
  return mode === 'image-tag' || mode === 'designated'
    ? undefined
    : `The mode ${modeName(mode)} takes no tag. Press m for another mode.`;
}

function whyOffline(row: Row | undefined, world: World, what: string): string | undefined {
  if (row === undefined) return undefined;
  const { agent } = row.server;
  const link = world.fleet.agents[agent]?.link.state;
  // While it connects nothing is lost yet: what is opened waits for it.
  return link === 'connected' || link === 'connecting'
    ? undefined
    : `The agent ${agent} can't be reached, and ${what}.`;
}

function whyNoBuild(row: Row | undefined, what: string): string | undefined {
  if (row?.type !== 'task') return 'A server has no build of its own. Move to one of its containers.';
  return row.task.build === undefined
    ? `${row.task.container.name} runs a common image, which ${what}.`
    : undefined;
}

function buildPlace(task: PipelineTask | undefined, world: World): BuildPlace | undefined {
  const { build } = task ?? {};
  return build === undefined || world.pipeline === undefined
    ? undefined
    : {
        agent: build.definition.agent,
        service: world.pipeline.service,
        build: build.definition.name,
      };
}

function jobOf(row: Row | undefined) {
  return row?.server.runningJob ?? row?.server.lastJob;
}

function whyNoJob(row: Row, world: World): string | undefined {
  if (jobOf(row) !== undefined) return undefined;
  const { name, agent } = row.server;
  // Only the agent knows them: one that was never reached has told of none, whatever has run.
  return world.fleet.agents[agent]?.known === true
    ? `No job has run on ${name} yet.`
    : `The jobs of ${name} are not known: its agent ${agent} has not been reached yet.`;
}

function showJob(row: Row | undefined): Request[] {
  const job = jobOf(row);
  return row === undefined || job === undefined
    ? []
    : [{ type: 'show-job', agent: row.server.agent, id: job.id }];
}

function tagOf(state: PipelineState, task: PipelineTask): string | undefined {
  const choice = choiceOf(task, state.choices);
  return choice.mode === 'image-tag' || choice.mode === 'designated' ? choice.tag : undefined;
}

function nextMode(state: PipelineState, task: PipelineTask) {
  const { mode } = choiceOf(task, state.choices);
  const next: ImageMode = task.modes[(task.modes.indexOf(mode) + 1) % task.modes.length] ?? mode;
  return choiceOfMode(next, task.facts.deployed);
}

/** A tag taken from the picker of versions. */
export function tagChosen(
  state: PipelineState,
  world: World,
  chosen: { server: string; container: string; tag: string },
): PipelineState {
  const row = taskKey(chosen.server, chosen.container);
  const task = world.pipeline?.servers
    .find(({ name }) => name === chosen.server)
    ?.tasks.find(({ container }) => container.name === chosen.container);
  if (task === undefined) return state;
  // A version that was picked is one that was meant, whatever the mode was before.
  const mode = task.container.kind === 'common' ? 'image-tag' : 'designated';
  const room = { pipeline: world.pipeline, height: tableHeight(world.size) };
  return reducePipeline(state, { type: 'choose', row, choice: { mode, tag: chosen.tag } }, room);
}
