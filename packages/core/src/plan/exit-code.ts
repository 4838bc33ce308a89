import type { Job } from '../job/index.ts';
import type { Refusal } from '../rules/index.ts';

/**
 * How a command ends (the table of the command line): 0 done, 1 it could not, 2 refused by a rule or nothing armed,
 * 3 failed and restored, 4 degraded, 5 an agent could not be reached, 64 the words of the command are off.
 */
export type ExitCode = 0 | 1 | 2 | 3 | 4 | 5 | 64;

/** From the worst to the best: what needs a person soonest comes first. */
const WORST_FIRST: readonly ExitCode[] = [4, 5, 1, 3, 64, 2, 0];

/**
 * What following a job ends with. One that was cancelled counts as restored: the old version serves. One that has not
 * ended was only started (`--detach`), and that was done.
 */
export function exitCodeOfJob(job: Pick<Job, 'state' | 'refusal' | 'error'>): ExitCode {
  switch (job.state) {
    case 'QUEUED':
    case 'RUNNING':
    case 'DONE':
      return 0;
    case 'REFUSED':
      return job.refusal === undefined ? 2 : exitCodeOfRefusal(job.refusal);
    case 'RESTORED':
      // What was asked for, where nothing failed: a server that was degraded.
      return job.error === undefined ? 0 : 3;
    case 'CANCELLED':
      return 3;
    case 'DEGRADED':
      return 4;
  }
}

/** A rule said no. That the agent is out of reach has a code of its own, and a build that failed has failed. */
export function exitCodeOfRefusal({ code }: Pick<Refusal, 'code'>): ExitCode {
  if (code === 'agent-unreachable') return 5;
  return code === 'build-failed' ? 3 : 2;
}

/**
 * What a command with several jobs ends with: the worst of them. From the worst: 4 (a server is degraded), 5 (what
 * happened is not known), 1, 3, 64, 2, 0. With none, nothing was armed: 2.
 */
export function combineExitCodes(codes: readonly ExitCode[]): ExitCode {
  return WORST_FIRST.find((code) => codes.includes(code)) ?? 2;
}
