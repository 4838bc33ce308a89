import { waitingServers } from '../batch/index.ts';
import type { Question } from '../request.ts';
import type { Model } from './model.ts';

/** Who leaves while servers wait for a build leaves them as they are: that is said first. */
export function quitQuestion(model: Model): Question | undefined {
  const waiting = [...new Set(model.executions.flatMap(waitingServers))];
  if (waiting.length === 0) return undefined;
  const one = waiting.length === 1;
  return {
    title: 'Leave before all is deployed?',
    sentences: [
      one
        ? `${waiting.join()} waits for a build, and is deployed from here when it is done.`
        : `${waiting.join(', ')} wait for a build, and are deployed from here when it is done.`,
      `Builds and jobs that have begun go on without you. ${one ? 'This one is' : 'These are'} not deployed: deploy Latest later.`,
    ],
    keep: 'Stay',
    act: 'Leave',
    requests: [{ type: 'quit-now' }],
  };
}
