import { isEnded, type Job } from '@towline/core/job';
import type { World } from '../world.ts';
import type { Model } from './model.ts';

/** What goes on without the dashboard, a line each: said on the operator's own screen once it is left. */
export function farewell(model: Model, world: World): string[] {
  const jobs = new Map<string, { agent: string; job: Job | undefined; server: string | undefined }>();
  for (const { progress } of model.executions) {
    for (const { plan, jobId, job } of progress.servers) {
      if (jobId !== undefined) jobs.set(jobId, { agent: plan.agent, job, server: plan.server });
    }
  }
  for (const over of model.over) {
    if (over.type !== 'job' || jobs.has(over.state.id)) continue;
    const { agent, id, job } = over.state;
    jobs.set(id, { agent, job, server: undefined });
  }
  return [
    ...model.executions.flatMap(({ progress }) =>
      progress.builds.flatMap(({ build, agent, state, begun, run }) => {
        const tag = run?.tag ?? begun?.tag;
        if (tag === undefined || state === 'DONE' || state === 'FAILED') return [];
        return [
          `build ${build} ${tag} goes on on ${agent}; towline build log ${build} ${tag} --follow shows it`,
        ];
      }),
    ),
    ...[...jobs].flatMap(([id, { agent, job, server }]) => {
      const seen = world.fleet.agents[agent]?.jobs[id];
      const where = server ?? job?.server ?? seen?.server;
      // One of which nothing was heard yet may have ended long ago.
      if (where === undefined || [job, seen].some((one) => one !== undefined && isEnded(one.state)))
        return [];
      return [`job ${id} goes on on ${where}; towline job ${id} --follow shows it`];
    }),
  ];
}
