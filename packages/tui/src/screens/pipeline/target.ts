import { type BatchPlan, type Pipeline, planBatch, planExecute, type ServerPlan } from '@towline/core/plan';
import type { Row } from './rows.ts';
import type { PipelineState } from './state.ts';

/** What Execute on a row would do, or the sentence that says why it would do nothing. */
export type Target = { plan: ServerPlan } | { refusal: string };

export function targetOf(state: PipelineState, pipeline: Pipeline, row: Row): Target {
  const { name } = row.server;
  const sent = whyBusy(state, name, row.server.agent);
  if (sent !== undefined) return { refusal: sent };
  const container = row.type === 'task' ? row.task.container.name : undefined;
  const planned = planExecute(pipeline, { server: name, container }, state.choices);
  if (!planned.ok) return { refusal: planned.error.message };
  const plan = planned.value;
  if (plan.armed.length > 0) return { plan };
  // What was chosen and can't be is worth more than what nobody chose.
  const skipped = plan.skipped.find(({ chosen }) => chosen) ?? plan.skipped[0];
  return { refusal: skipped?.refusal.message ?? `${name} has no containers.` };
}

/** What Batch Execute would do. A server that an execution has already asked for is not asked for twice. */
export function batchOf(state: PipelineState, pipeline: Pipeline): BatchPlan {
  const { servers: armed, skipped } = planBatch(pipeline, state.choices);
  const servers = armed.filter(({ server }) => !state.sent.some((sent) => sent.server === server));
  const busy = armed
    .filter((plan) => !servers.includes(plan))
    .map(
      (plan): ServerPlan => ({
        ...plan,
        armed: [],
        skipped: [
          ...plan.armed.map(({ container, choice }) => ({
            container,
            choice,
            chosen: true,
            refusal: {
              code: 'job-running' as const,
              message: whyBusy(state, plan.server, plan.agent) ?? '',
              container,
            },
          })),
          ...plan.skipped,
        ],
      }),
    );
  const order = new Map(pipeline.servers.map(({ name }, at) => [name, at]));
  return {
    servers,
    skipped: [...busy, ...skipped].sort((a, b) => (order.get(a.server) ?? 0) - (order.get(b.server) ?? 0)),
    taskCount: servers.reduce((sum, plan) => sum + plan.armed.length, 0),
    serverCount: servers.length,
  };
}

function whyBusy(state: PipelineState, server: string, agent: string): string | undefined {
  const sent = state.sent.find((one) => one.server === server);
  if (sent === undefined) return undefined;
  return sent.builds.length > 0
    ? `${server} waits for ${sent.builds.join(', ')} to be built, and is deployed then. Cancel the build to stop it.`
    : `Execute of ${server} is on its way to ${agent}. Wait for its answer.`;
}
