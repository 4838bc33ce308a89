import type { Engine } from '../engine/index.ts';
import { JOB_LABEL } from '../replace/index.ts';

/** The new container of a job that no journal tells of any more. */
export interface Orphan {
  name: string;
  /** The name that it was to take. */
  container: string;
  job: string;
}

/**
 * Containers that a job created and never named, where the job's journal is lost: nobody will remove them, and the old
 * one may be stopped. What was asked for is not known, so they are for a person. Rejects with `EngineError`.
 */
export async function findOrphans(engine: Engine, isKnown: (job: string) => boolean): Promise<Orphan[]> {
  const orphans: Orphan[] = [];
  for (const { id, name } of await engine.listContainers()) {
    const [, container, job] = /^(.+)\.next\.([0-9a-z]+)$/.exec(name) ?? [];
    if (container === undefined || job === undefined || isKnown(job)) continue;
    const found = await engine.inspectContainer(id);
    // The name makes it worth a look; the label decides.
    if (found?.Config.Labels?.[JOB_LABEL] === job) orphans.push({ name, container, job });
  }
  return orphans;
}

export function describeOrphan({ name, container, job }: Orphan): string {
  return `The container ${name} was created by the job ${job}, whose journal is lost. See that ${container} runs (\`docker start ${container}\`), then remove it: \`docker rm -f ${name}\`.`;
}
