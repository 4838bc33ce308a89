import { type Pipeline, taskKey } from '@towline/core/plan';
import { waitingServers } from '../batch/index.ts';
import { batchOf } from '../pipeline/index.ts';
import type { Question, Request } from '../request.ts';
import type { Model } from './model.ts';

/** So many names leave a dialog of a few lines. */
const NAMED = 5;

/** Who leaves loses what is armed, and leaves servers that wait for a build as they are: that is said first. */
export function quitQuestion(model: Model, pipeline: Pipeline | undefined): Question | undefined {
  const waiting = [...new Set(model.executions.flatMap(waitingServers))];
  const armed = armedWords(model, pipeline);
  if (waiting.length === 0 && armed === undefined) return undefined;
  return {
    title: waiting.length > 0 ? 'Leave before all is deployed?' : 'Leave without executing?',
    sentences: [...waitingSentences(waiting), ...(armed === undefined ? [] : [armed])],
    keep: 'Stay',
    act: 'Leave',
    requests: [{ type: 'quit-now' }],
  };
}

/** Another map is shown as nobody had touched it, and this one when it is shown again. */
export function otherMapQuestion(
  model: Model,
  pipeline: Pipeline | undefined,
  show: Request,
): Question | undefined {
  const armed = armedWords(model, pipeline);
  return armed === undefined
    ? undefined
    : {
        title: 'Show another map?',
        sentences: [armed],
        keep: 'Stay',
        act: 'Show it',
        requests: [show],
      };
}

function waitingSentences(waiting: readonly string[]): string[] {
  if (waiting.length === 0) return [];
  const one = waiting.length === 1;
  return [
    one
      ? `${waiting.join()} waits for a build, and is deployed from here when it is done.`
      : `${waiting.join(', ')} wait for a build, and are deployed from here when it is done.`,
    `Builds and jobs that have begun go on without you. ${one ? 'This one is' : 'These are'} not deployed: deploy Latest later.`,
  ];
}

/** What was asked for already is no longer armed for anything. */
function armedWords({ pipeline: state }: Model, pipeline: Pipeline | undefined): string | undefined {
  if (pipeline === undefined) return undefined;
  const armed = batchOf(state, pipeline).servers.flatMap(({ server, armed }) =>
    armed.map(({ container }) => taskKey(server, container)),
  );
  if (armed.length === 0) return undefined;
  if (armed.length === 1) return `${armed.join()} is armed. It is not executed, and its choice is lost.`;
  const more = armed.length > NAMED ? ` and ${armed.length - NAMED} more` : '';
  const names = armed.slice(0, NAMED).join(', ');
  return `${armed.length} tasks are armed: ${names}${more}. They are not executed, and their choices are lost.`;
}
