import { join } from 'node:path';
import { type BuildStepKind, buildKey } from '@towline/core/build';
import { LOG_SUFFIX } from './log/index.ts';
import { fileNameOf } from './secrets/index.ts';

/** Where the agent keeps what builds have. */
export interface BuildFolders {
  /** The journals: a folder per build, a file per run. */
  builds: string;
  /** Kept clones. */
  sources: string;
  /** Kept caches of commands. */
  caches: string;
  logs: string;
  secrets: string;
}

export function buildFolders(stateDir: string): BuildFolders {
  const folder = (name: string) => join(stateDir, name);
  return {
    builds: folder('builds'),
    sources: folder('sources'),
    caches: folder('caches'),
    logs: folder('logs'),
    secrets: folder('secrets'),
  };
}

export interface BuildName {
  service: string;
  build: string;
}

/** A build's name as that of a file or a folder. */
export function fileNameOfBuild(name: BuildName): string {
  return fileNameOf(buildKey(name));
}

const JOURNAL_SUFFIX = '.ndjson';

export function journalPath({ builds }: BuildFolders, name: BuildName, number: number): string {
  return join(builds, fileNameOfBuild(name), `${String(number).padStart(6, '0')}${JOURNAL_SUFFIX}`);
}

/** The number of the run that a file of the journals' folder is of; one that was set aside is told apart. */
export function parseJournalName(name: string): { number: number; damaged: boolean } | undefined {
  const [, digits, rest] = /^(\d{6,15})\.ndjson(\..+)?$/.exec(name) ?? [];
  return digits === undefined ? undefined : { number: Number(digits), damaged: rest !== undefined };
}

/** A step's log. */
export function logPath(
  { logs }: BuildFolders,
  run: BuildName & { number: number },
  step: BuildStepKind,
): string {
  const number = String(run.number).padStart(6, '0');
  return join(logs, fileNameOfBuild(run), number, `${step}${LOG_SUFFIX}`);
}

export function sourcePath({ sources }: BuildFolders, name: BuildName): string {
  return join(sources, fileNameOfBuild(name));
}

/** The commits without their files: apart from the source, on which one git works at a time. */
export function historyPath(folders: BuildFolders, name: BuildName): string {
  return `${sourcePath(folders, name)}.commits`;
}

export function cachePath({ caches }: BuildFolders, name: BuildName): string {
  return join(caches, fileNameOfBuild(name));
}
