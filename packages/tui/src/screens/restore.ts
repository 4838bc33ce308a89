import type { Pipeline, PipelineServer } from '@towline/core/plan';
import { whyReadOnly } from './read-only.ts';
import type { Question } from './request.ts';
import type { World } from './world.ts';

/** Why a server can't be restored now, in a sentence; undefined where it can. */
export function whyNotRestore(server: PipelineServer | undefined, world: World): string | undefined {
  if (server === undefined) return 'There is no server here that could be restored.';
  const readOnly = whyReadOnly(world, server.agent, 'restore');
  if (readOnly !== undefined) return readOnly;
  if (server.runningJob !== undefined) return `The job ${server.runningJob.id} is running on ${server.name}.`;
  return server.state === 'Degraded'
    ? undefined
    : `${server.name} is not degraded: there is nothing to restore.`;
}

/** Asked first: what is there of the new version is removed by it. */
export function restoreQuestion({ service, map }: Pipeline, { name, agent }: PipelineServer): Question {
  return {
    title: `Restore ${name}?`,
    sentences: [
      `${agent} brings the old version back: it starts it, or creates it again where it was removed.`,
      'What is left of the new version is removed by that. What has nothing to do with the job is left alone.',
    ],
    keep: 'Leave it',
    act: 'Restore',
    requests: [{ type: 'restore-server', service, map, server: name }],
  };
}
