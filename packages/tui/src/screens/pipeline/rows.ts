import { type Pipeline, type PipelineServer, type PipelineTask, taskKey } from '@towline/core/plan';

/** A row of the table that the cursor can stand on. */
export type Row =
  | { type: 'server'; key: RowKey; server: PipelineServer }
  | { type: 'task'; key: RowKey; server: PipelineServer; task: PipelineTask };

/** Names a row for as long as it is there, wherever it moves to: a task's is core's `taskKey`. */
export type RowKey = string;

function serverRowKey(server: string): RowKey {
  return taskKey(server, '');
}

/**
 * The table's rows in order: each server, then its tasks. A filter keeps the servers and tasks whose name, image or agent
 * has the text in it; a server that has it keeps all its tasks, a task its server.
 */
export function pipelineRows(pipeline: Pipeline, filter: string): Row[] {
  const wanted = filter.trim().toLowerCase();
  const has = (...texts: readonly string[]) => texts.some((text) => text.toLowerCase().includes(wanted));
  return pipeline.servers.flatMap((server) => {
    const whole = wanted === '' || has(server.name, server.agent, server.state);
    const tasks = server.tasks.filter((task) => whole || has(task.container.name, task.container.image));
    if (!whole && tasks.length === 0) return [];
    return [
      { type: 'server' as const, key: serverRowKey(server.name), server },
      ...tasks.map((task) => ({
        type: 'task' as const,
        key: taskKey(server.name, task.container.name),
        server,
        task,
      })),
    ];
  });
}
