import { type Pipeline, type PipelineTask, planExecute } from '@towline/core/plan';
import { err, ok, type Result } from '@towline/core/result';
import { parseTarget } from './words.ts';

/** The one container that a word names: `SERVER/CONTAINER`, or a server that has only one. Errors: `usage`. */
export function findTask(pipeline: Pipeline, word: string): Result<{ agent: string; task: PipelineTask }> {
  const target = parseTarget(word);
  if (!target.ok) return target;
  const known = planExecute(pipeline, target.value, new Map());
  if (!known.ok) return err({ code: 'usage', message: known.error.message });
  const server = pipeline.servers.find(({ name }) => name === target.value.server);
  const { container } = target.value;
  const tasks =
    server?.tasks.filter((task) => container === undefined || task.container.name === container) ?? [];
  const [task, second] = tasks;
  if (server === undefined || task === undefined || second !== undefined) {
    const words = tasks.map((each) => `${word}/${each.container.name}`).join(', ');
    return err({ code: 'usage', message: `${word} has several containers. Name one: ${words}.` });
  }
  return ok({ agent: server.agent, task });
}
