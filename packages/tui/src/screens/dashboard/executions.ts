import type { BuildEvent } from '@towline/core/build';
import { type ServerPlan, taskKey } from '@towline/core/plan';
import {
  advance,
  beginExecution,
  buildAnswered,
  buildEventsCame,
  buildLost,
  deployAnswered,
  type Execution,
  isOver,
  newEndings,
  openBatch,
  sentServers,
  syncExecution,
  tagOf,
} from '../batch/index.ts';
import { openJob } from '../job/index.ts';
import { reducePipeline, tableHeight } from '../pipeline/index.ts';
import type { World } from '../world.ts';
import type { Effect, Message } from './message.ts';
import type { Model } from './model.ts';
import { notify } from './notice.ts';

/** Begins what was chosen: its builds first, then each server as soon as its own builds are there. */
export function execute(
  model: Model,
  plans: readonly ServerPlan[],
  batch: boolean,
  world: World,
): { model: Model; effects: readonly Effect[] } {
  const { place } = model;
  const { pipeline } = world;
  if (place === undefined || pipeline === undefined || plans.length === 0) return { model, effects: [] };
  const id = model.executed + 1;
  const execution = beginExecution(id, place, batch, plans, pipeline.builds);
  // Confirm Execute was for this run: the next one is confirmed anew.
  const room = { pipeline, height: tableHeight(world.size) };
  const unconfirmed = plans
    .flatMap(({ server, armed }) => armed.map((task) => ({ row: taskKey(server, task.container), ...task })))
    .filter(({ choice }) => choice.mode === 'build-deploy')
    .reduce(
      (state, { row }) =>
        reducePipeline(
          state,
          { type: 'choose', row, choice: { mode: 'build-deploy', confirmed: false } },
          room,
        ),
      model.pipeline,
    );
  const begun: Model = {
    ...model,
    pipeline: unconfirmed,
    executions: [...model.executions, execution],
    executed: id,
  };
  // One server without a build is its job, which opens when its agent has answered.
  const shown =
    batch || execution.progress.builds.length > 0
      ? { ...begun, over: [...begun.over, { type: 'batch' as const, state: openBatch(id) }] }
      : notify(
          begun,
          'plain',
          `Execute of ${plans.map(({ server }) => server).join(', ')} is on its way…`,
          world,
        );
  return settleExecutions(shown, world);
}

/** What is to be done for all that was executed, and what is to be told of it. */
export function settleExecutions(model: Model, world: World): { model: Model; effects: readonly Effect[] } {
  const effects: Effect[] = [];
  let next = model;
  const executions = model.executions.map((before) => {
    const { execution, actions } = advance(syncExecution(before, world));
    for (const action of actions) {
      effects.push(
        action.type === 'run-build'
          ? {
              type: 'run-build',
              execution: execution.id,
              agent: action.agent,
              service: execution.place.service,
              build: action.build,
            }
          : { type: 'execute', execution: execution.id, plan: action.plan, place: execution.place },
      );
    }
    return execution;
  });
  next = { ...next, executions };
  for (const execution of executions) next = tellEndings(next, execution, world);
  next = {
    ...next,
    executions: next.executions.filter(
      (execution) =>
        !isOver(execution) ||
        next.over.some((over) => over.type === 'batch' && over.state.execution === execution.id),
    ),
  };
  return { model: withSent(next, world), effects };
}

function tellEndings(model: Model, execution: Execution, world: World): Model {
  const room = { pipeline: world.pipeline, height: tableHeight(world.size) };
  let next = model;
  for (const ending of newEndings(execution)) {
    const shown = model.over.some(
      (over) =>
        (over.type === 'batch' && over.state.execution === execution.id) ||
        (over.type === 'job' && over.state.id === ending.jobId),
    );
    const text = ending.jobId === undefined ? ending.text : `${ending.text}. Press o to see the job.`;
    if (!shown) next = notify(next, ending.good ? 'good' : 'bad', text, world);
    if (!samePlace(next, execution)) continue;
    const rows = ending.deployed
      // Not what was chosen for it since.
      .filter(({ row, tag }) => tagOf(next.pipeline.choices.get(row)) === tag)
      .map(({ row }) => row);
    next = { ...next, pipeline: reducePipeline(next.pipeline, { type: 'unchoose', rows }, room) };
  }
  const told = [...execution.told, ...newEndings(execution).map(({ key }) => key)];
  return changeExecution(next, execution.id, (one) => ({ ...one, told }));
}

function samePlace(model: Model, { place }: Execution): boolean {
  return model.place?.service === place.service && model.place.map === place.map;
}

/** The table says which servers were asked for already. */
function withSent(model: Model, world: World): Model {
  const servers = model.executions.filter((one) => samePlace(model, one)).flatMap(sentServers);
  if (JSON.stringify(servers) === JSON.stringify(model.pipeline.sent)) return model;
  const room = { pipeline: world.pipeline, height: tableHeight(world.size) };
  return { ...model, pipeline: reducePipeline(model.pipeline, { type: 'sent', servers }, room) };
}

function changeExecution(model: Model, id: number, change: (execution: Execution) => Execution): Model {
  return { ...model, executions: model.executions.map((one) => (one.id === id ? change(one) : one)) };
}

export function executed(
  model: Model,
  { execution: id, plan, result }: Extract<Message, { type: 'executed' }>,
  world: World,
): { model: Model; effects: readonly Effect[] } {
  const execution = model.executions.find((one) => one.id === id);
  const answered = changeExecution({ ...model, notice: undefined }, id, (one) =>
    deployAnswered(one, plan.server, result.ok ? { jobId: result.value.jobId } : { failure: result.error }),
  );
  const settled = settleExecutions(answered, world);
  // Whoever went on to another screen meanwhile is not pulled away from it: the table shows the job as well.
  if (!result.ok || execution?.batch !== false || settled.model.over.length > 0) return settled;
  const job = openJob(plan.agent, result.value.jobId);
  return {
    model: { ...settled.model, notice: undefined, over: [{ type: 'job', state: job }] },
    effects: settled.effects,
  };
}

export function buildStarted(
  model: Model,
  { execution, agent, build, result }: Extract<Message, { type: 'build-started' }>,
  world: World,
): { model: Model; effects: readonly Effect[] } {
  if (execution === undefined) return { model, effects: [] };
  const answered = changeExecution(model, execution, (one) =>
    buildAnswered(one, build, result.ok ? { agent, id: result.value.runId } : { failure: result.error }),
  );
  return settleExecutions(answered, world);
}

export function buildEventsToExecutions(
  model: Model,
  id: string,
  events: readonly BuildEvent[],
  world: World,
): { model: Model; effects: readonly Effect[] } {
  const executions = model.executions.map((one) => buildEventsCame(one, id, events));
  return settleExecutions({ ...model, executions }, world);
}

export function buildLostToExecutions(
  model: Model,
  id: string,
  message: string,
  world: World,
): { model: Model; effects: readonly Effect[] } {
  const executions = model.executions.map((one) => buildLost(one, id, message));
  return settleExecutions({ ...model, executions }, world);
}
