import type { CommitsBetweenOutput } from '@towline/core/protocol';
import type { Command } from 'commander';
import { dateTime } from '../components/quantity.ts';
import { shortCommit } from './build-text.ts';
import { callFailed } from './call-exit-code.ts';
import { type Context, fail, printJson, type Run } from './context.ts';
import { whyAway } from './find-run.ts';
import { formatTable } from './table.ts';
import { findBuild, type OpenBuilds, withBuilds } from './with-fleet.ts';

export function addBuildCommits(build: Command, run: Run): void {
  build
    .command('commits')
    .description('list the commits from one version of a built image to another, newest first')
    .argument('<build>', 'its name in the map file')
    .argument('<from>', 'a tag of its runs, or a commit')
    .argument('<to>', 'a tag of its runs, or a commit')
    .action((name: string, from: string, to: string) =>
      run((context) => withBuilds(context, (open) => commits(context, open, { name, from, to }))),
    );
}

async function commits(
  context: Context,
  open: OpenBuilds,
  { name, from, to }: { name: string; from: string; to: string },
): Promise<number> {
  const build = findBuild(open, name);
  if ('exitCode' in build) return fail(context, build);
  const away = whyAway(build);
  if (away !== undefined) return fail(context, away);
  const between = await open.fleet.commitsBetween(build.definition.agent, {
    service: open.service.name,
    build: name,
    from,
    to,
    limit: 1_000,
  });
  if (!between.ok) return fail(context, callFailed(between.error));
  if (context.options.json) {
    await printJson(context, { build: name, from, to, ...between.value });
    return 0;
  }
  const { output } = context;
  const rows = between.value.commits.map(({ commit, date, author, subject }) => [
    shortCommit(commit),
    dateTime(date),
    author,
    subject,
  ]);
  if (rows.length > 0) {
    for (const line of formatTable(['COMMIT', 'DATE', 'AUTHOR', 'SUBJECT'], rows)) await output.result(line);
  }
  output.note(directionWords(between.value, from, to));
  if (between.value.more) output.note('There are more.');
  return 0;
}

function directionWords({ direction }: CommitsBetweenOutput, from: string, to: string): string {
  switch (direction) {
    case 'same':
      return `${from} and ${to} are of the same commit.`;
    case 'forward':
      return `${to} has these, and ${from} has not.`;
    case 'backward':
      return `${to} is older than ${from}: these are taken back.`;
    case 'diverged':
      return `${to} has these, and ${from} has not; ${from} has others that ${to} has not.`;
  }
}
