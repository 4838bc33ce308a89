import { type BatchProgress, type ServerPlan, taskKey } from '@towline/core/plan';
import {
  beginExecution,
  type Execution,
  isOver,
  newEndings,
  openBatch,
  sentServers,
  tagOf,
} from '../batch/index.ts';
import { openJob } from '../job/index.ts';
import { reducePipeline, tableHeight } from '../pipeline/index.ts';
import type { World } from '../world.ts';
import type { Effect } from './message.ts';
import type { Model } from './model.ts';
import { notify } from './notice.ts';

/** Begins what was chosen. */
export function execute(
  model: Model,
  plans: readonly ServerPlan[],
  batch: boolean,
  world: World,
): { model: Model; effects: readonly Effect[] } {
  const { place } = model;
  const { pipeline } = world;
  const map = world.fleet.services
    .find(({ name }) => name === place?.service)
    ?.maps.find(({ name }) => name === place?.map);
  if (place === undefined || map === undefined || pipeline === undefined || plans.length === 0) {
    return { model, effects: [] };
  }
  const id = model.executed + 1;
  const { builds } = pipeline;
  const execution = beginExecution(id, place, batch, plans, builds);
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
  return {
    model: settleExecutions(shown, world),
    effects: [{ type: 'execute', execution: id, service: place.service, map, builds, plans }],
  };
}

/** What is to be told of all that was executed, and of it what is not looked at any longer is let go. */
export function settleExecutions(model: Model, world: World): Model {
  const told = model.executions.reduce((so, execution) => tellEndings(so, execution, world), model);
  const executions = told.executions.filter(
    (execution) =>
      !isOver(execution) ||
      told.over.some((over) => over.type === 'batch' && over.state.execution === execution.id),
  );
  return withSent({ ...told, executions }, world);
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

/** Takes in how far an execution is. A job that was executed alone is looked at as soon as there is one. */
export function progressCame(model: Model, id: number, progress: BatchProgress, world: World): Model {
  const before = model.executions.find((one) => one.id === id);
  if (before === undefined) return model;
  const hadJob = before.progress.servers.some(({ jobId }) => jobId !== undefined);
  const first = hadJob ? undefined : progress.servers.find(({ jobId }) => jobId !== undefined);
  const begun = first === undefined ? model : { ...model, notice: undefined };
  const settled = settleExecutions(
    changeExecution(begun, id, (one) => ({ ...one, progress })),
    world,
  );
  // Whoever went on to another screen meanwhile is not pulled away from it: the table shows the job as well.
  if (first?.jobId === undefined || before.batch || settled.over.length > 0) return settled;
  const state = openJob(first.plan.agent, first.jobId);
  return { ...settled, notice: undefined, over: [{ type: 'job', state }] };
}
