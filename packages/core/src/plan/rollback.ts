import type { Job, JobTask } from '../job/index.ts';
import { err, type Failure, ok, type Result } from '../result/index.ts';
import type { Choice } from '../rules/index.ts';
import { serverKey } from './agent-view.ts';
import { type Choices, taskKey } from './execute-plan.ts';
import type { Pipeline, PipelineServer, PipelineTask } from './pipeline.ts';

export type RollbackErrorCode =
  | 'unknown-server'
  | 'unknown-container'
  | 'degraded'
  | 'nothing-before'
  | 'changed-since'
  | 'moving-tag';

/**
 * What to choose so that a server, or one container of it, goes back to what it ran before: for `planExecute`, by whose
 * rules it is armed or not. Of a server, those containers that its last job that was done had deployed. Twice is there
 * and back again.
 *
 * `jobs` is the history of the server's agent, in any order. Errors: `unknown-server`, `unknown-container`; `degraded`;
 * `nothing-before` where no job of the history deployed it, or nothing ran before; `changed-since` where it runs
 * something else than that job deployed; `moving-tag` where both had one tag, which is another image by now.
 */
export function planRollback(
  pipeline: Pipeline,
  target: { server: string; container?: string | undefined },
  jobs: readonly Job[],
): Result<Choices, Failure<RollbackErrorCode>> {
  const server = pipeline.servers.find(({ name }) => name === target.server);
  if (server === undefined) return fail('unknown-server', `The map has no server ${target.server}.`);
  const key = serverKey({ service: pipeline.service, map: pipeline.map, server: server.name });
  const done = jobs
    .filter((job) => job.state === 'DONE' && serverKey(job) === key)
    .sort((a, b) => (a.queuedAt < b.queuedAt ? 1 : -1));
  const { container } = target;
  if (container !== undefined && taskOf(server, container) === undefined) {
    return fail('unknown-container', `The server ${server.name} has no container ${container}.`);
  }
  if (server.state === 'Degraded') {
    return fail(
      'degraded',
      `${server.name} is degraded: what it runs is not what a job left. Restore it first: \`towline restore ${server.name}\`.`,
    );
  }
  const last = done.find(({ tasks }) =>
    tasks.some((task) =>
      container === undefined ? taskOf(server, task.container) : task.container === container,
    ),
  );
  if (last === undefined) {
    const what = container === undefined ? server.name : taskKey(server.name, container);
    return fail(
      'nothing-before',
      `No job in the history of ${server.agent} deployed ${what}. Choose a version: \`towline versions\` lists them.`,
    );
  }
  const choices = new Map<string, Choice>();
  for (const deployed of last.tasks) {
    const task = taskOf(server, deployed.container);
    if (task === undefined || (container !== undefined && deployed.container !== container)) continue;
    const choice = backFrom(deployed, task, last);
    if (!choice.ok) return choice;
    choices.set(taskKey(server.name, deployed.container), choice.value);
  }
  return ok(choices);
}

function backFrom(
  { container, from, to }: JobTask,
  task: PipelineTask,
  job: Job,
): Result<Choice, Failure<RollbackErrorCode>> {
  const now = task.facts.deployed;
  const runs = now?.tag ?? 'nothing of its image';
  if (
    now?.tag !== to.tag ||
    (now.digest !== undefined && to.digest !== undefined && now.digest !== to.digest)
  ) {
    return fail(
      'changed-since',
      `${container} runs ${runs}, and the last job, ${job.id}, deployed ${to.tag}: it was changed since. Choose a version: \`towline versions\` lists them.`,
    );
  }
  if (from === undefined) {
    return fail('nothing-before', `Nothing of its image ran in ${container} before ${to.tag}.`);
  }
  if (from.tag === to.tag) {
    return fail(
      'moving-tag',
      `${container} ran ${from.tag} before as well, which is another image by now. Choose a version that does not move.`,
    );
  }
  return ok(
    task.container.kind === 'built'
      ? { mode: 'designated', tag: from.tag }
      : { mode: 'image-tag', tag: from.tag },
  );
}

function taskOf(server: PipelineServer, container: string): PipelineTask | undefined {
  return server.tasks.find((task) => task.container.name === container);
}

function fail(code: RollbackErrorCode, message: string): Result<never, Failure<RollbackErrorCode>> {
  return err({ code, message });
}
