import type { Command } from 'commander';
import { addBuildCancel } from './build-cancel.ts';
import { addBuildClean } from './build-clean.ts';
import { addBuildCommits } from './build-commits.ts';
import { addBuildList } from './build-list.ts';
import { addBuildLog } from './build-log.ts';
import { addBuildNote } from './build-note.ts';
import { addBuildRun } from './build-run.ts';
import { addBuildSecret } from './build-secret.ts';
import { addBuildShow } from './build-show.ts';
import type { Run } from './context.ts';

export function addBuild(program: Command, run: Run): void {
  const build = program.command('build').description('builds, their runs and logs').helpCommand(false);
  addBuildList(build, run);
  addBuildRun(build, run);
  addBuildCancel(build, run);
  addBuildShow(build, run);
  addBuildLog(build, run);
  addBuildNote(build, run);
  addBuildCommits(build, run);
  addBuildClean(build, run);
  addBuildSecret(build, run);
}
