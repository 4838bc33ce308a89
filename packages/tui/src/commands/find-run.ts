import type { BuildRun } from '@towline/core/build';
import type { PipelineBuild } from '@towline/core/plan';
import { callFailed } from './call-exit-code.ts';
import type { CommandFailure } from './context.ts';
import { findBuild, type OpenBuilds } from './with-fleet.ts';

export interface FoundRun {
  agent: string;
  run: BuildRun;
}

/** The run of a build that has a tag, or its last one. */
export async function findRun(
  open: OpenBuilds,
  name: string,
  tag: string | undefined,
): Promise<FoundRun | CommandFailure> {
  const build = findBuild(open, name);
  if ('exitCode' in build) return build;
  const { agent } = build.definition;
  const away = whyAway(build);
  if (away !== undefined) return away;
  if (tag === undefined) {
    if (build.lastRun !== undefined) return { agent, run: build.lastRun };
    const message = `The build ${name} has not run yet: \`towline build run ${name}\` runs it.`;
    return { code: 'not-found', message, exitCode: 1 };
  }
  let before: string | undefined;
  for (;;) {
    const page = await open.fleet.buildRuns(agent, {
      service: open.service.name,
      build: name,
      limit: 1_000,
      ...(before !== undefined && { before }),
    });
    if (!page.ok) return callFailed(page.error);
    const { runs, more } = page.value;
    const run = runs.find((one) => one.tag === tag || one.id === tag);
    if (run !== undefined) return { agent, run };
    before = runs.at(-1)?.id;
    if (!more || before === undefined) {
      const message = `The build ${name} has no run ${tag}. \`towline build list ${name}\` lists those it has.`;
      return { code: 'not-found', message, exitCode: 64 };
    }
  }
}

/** Why nothing can be asked of a build; undefined where its agent is there. */
export function whyAway({ unavailable }: PipelineBuild): CommandFailure | undefined {
  if (unavailable === undefined) return undefined;
  return { ...unavailable, exitCode: unavailable.code === 'agent-unreachable' ? 5 : 2 };
}
