import { type BuildRun, buildKey } from '@towline/core/build';
import type { Job } from '@towline/core/job';
import type { FleetState } from '../../fleet/index.ts';
import type { BuildPlace } from '../request.ts';

/**
 * The run that made, or makes, the image of a job: of the container that waits for one or waited in vain, else of the first
 * whose image is one of its build's. Undefined where the map has no build for it, or the run is not known any more.
 */
export function builtBy(
  job: Job,
  { services, agents }: FleetState,
): (BuildPlace & { run: BuildRun['id'] }) | undefined {
  const waits = job.steps.find(
    ({ kind, state }) => kind === 'await-build' && (state === 'RUNNING' || state === 'ERROR'),
  );
  const service = services.find(({ name }) => name === job.service);
  const containers =
    service?.maps.find(({ name }) => name === job.map)?.servers.find(({ name }) => name === job.server)
      ?.containers ?? [];
  const tasks = job.tasks.filter(({ container }) => waits === undefined || container === waits.container);
  for (const { container, to } of tasks) {
    const task = containers.find(({ name }) => name === container);
    const build = service?.builds.find(({ name }) => task?.kind === 'built' && name === task.build);
    if (build === undefined) continue;
    const place = { agent: build.agent, service: job.service, build: build.name };
    const run = agents[build.agent]?.builds[buildKey(place)]?.find(({ tag }) => tag === to.tag);
    if (run !== undefined) return { ...place, run: run.id };
  }
  return undefined;
}
