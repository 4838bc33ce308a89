import { type BuildRun, imagesOf } from '@towline/core/build';
import type { PipelineBuild } from '@towline/core/plan';
import type { ImageVersion } from '@towline/core/protocol';
import type { Version } from '@towline/core/rules';
import type { Command } from 'commander';
import { bytes, dateTime } from '../components/quantity.ts';
import type { Fleet } from '../fleet/index.ts';
import { describeCommit } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run, usage } from './context.ts';
import { findTask } from './find-task.ts';
import { shortDigest } from './short-digest.ts';
import { formatTable, NOTHING } from './table.ts';
import { withMap } from './with-fleet.ts';

export function addVersions(program: Command, run: Run): void {
  program
    .command('versions')
    .description('list the images that Image Tag or Designated could choose, newest first')
    .argument('<target>', 'SERVER/CONTAINER, or a SERVER with one container')
    .action((target: string) => run((context) => versions(context, target)));
}

function versions(context: Context, word: string): Promise<number> {
  return withMap(context, async ({ fleet, pipeline, service }) => {
    const found = findTask(pipeline(), word);
    if (!found.ok) return fail(context, usage(found.error.message));
    const { agent, task } = found.value;
    const { image } = task.container;
    const { deployed } = task.facts;
    if (task.build !== undefined) {
      return builtVersions(context, fleet, { service: service.name, build: task.build, image, deployed });
    }
    const answer = await fleet.versions(agent, image);
    if (!answer.ok) return fail(context, callFailed(answer.error));
    const { versions: list, total } = answer.value;
    if (context.options.json) {
      await printJson(context, {
        image,
        deployed: deployed ?? null,
        total,
        versions: list.map((version) => ({ ...version, deployed: isDeployed(version, deployed) })),
      });
      return 0;
    }
    for (const line of versionTable(list, deployed)) await context.output.result(line);
    if (list.length < total) context.output.note(`${list.length} of ${total} tags are shown, the newest.`);
    return 0;
  });
}

/** What Designated can choose: the images of all runs that succeeded, as the build's agent has them. */
async function builtVersions(
  context: Context,
  fleet: Fleet,
  { service, build, image, deployed }: BuiltTask,
): Promise<number> {
  const { name, agent } = build.definition;
  const runs: BuildRun[] = [];
  for (let before: string | undefined; ; before = runs.at(-1)?.id) {
    const page = await fleet.buildRuns(agent, {
      service,
      build: name,
      limit: 1_000,
      ...(before !== undefined && { before }),
    });
    if (!page.ok) return fail(context, callFailed(page.error));
    runs.push(...page.value.runs);
    if (!page.value.more || page.value.runs.length === 0) break;
  }
  const images = imagesOf(runs);
  if (context.options.json) {
    await printJson(context, {
      image,
      build: name,
      deployed: deployed ?? null,
      total: images.length,
      versions: images.map((each) => ({ ...each, deployed: isDeployed(each, deployed) })),
    });
    return 0;
  }
  const rows = images.map((each) => [
    each.tag,
    dateTime(each.createdAt),
    each.size === undefined ? NOTHING : bytes(each.size),
    shortDigest(each.digest) ?? NOTHING,
    each.commit === undefined ? NOTHING : describeCommit(each.commit),
    noteWords(each, deployed),
  ]);
  const header = ['TAG', 'BUILT', 'SIZE', 'DIGEST', 'COMMIT', 'NOTE'];
  for (const line of formatTable(header, rows)) await context.output.result(line);
  if (images.length === 0) context.output.note(`The build ${name} has made no image yet.`);
  return 0;
}

interface BuiltTask {
  service: string;
  build: PipelineBuild;
  image: string;
  deployed: Version | undefined;
}

function versionTable(list: readonly ImageVersion[], deployed: Version | undefined): string[] {
  const rows = list.map((version) => [
    version.tag,
    version.createdAt === undefined ? NOTHING : dateTime(version.createdAt),
    version.size === undefined ? NOTHING : bytes(version.size),
    shortDigest(version.digest) ?? NOTHING,
    noteWords(version, deployed),
  ]);
  return formatTable(['TAG', 'CREATED', 'SIZE', 'DIGEST', 'NOTE'], rows);
}

function noteWords(
  version: { tag: string; note?: string | undefined },
  deployed: Version | undefined,
): string {
  return [isDeployed(version, deployed) ? 'deployed' : '', version.note ?? ''].filter(Boolean).join(', ');
}

/** By tag: another tag of the same digest is another name, and what the tag names now may be newer than what runs. */
function isDeployed(version: Pick<ImageVersion, 'tag'>, deployed: Version | undefined): boolean {
  return version.tag === deployed?.tag;
}
