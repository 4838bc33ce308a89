export { type CommitsBetween, commitsBetween } from './commits-between.ts';
export { type Download, download } from './download.ts';
export type { DownloadLog, GitOptions } from './git-session.ts';
export type { DownloadCode, DownloadFailure, GitAccess, GitSource } from './git-source.ts';
export { endLeftovers } from './leftovers.ts';
export { type ResolvedCommit, resolveCommit } from './resolve-commit.ts';
