/** Why a task is not armed, or a job was not begun. Closed: every code has one sentence for people. */
export const REFUSAL_CODES = [
  'server-not-running',
  'job-running',
  /** There is nothing to restore. */
  'not-degraded',
  'agent-unreachable',
  'no-tag',
  'invalid-tag',
  'same-version',
  'no-successful-image',
  'not-confirmed',
  'tag-not-found',
  'registry-unavailable',
  'container-missing',
  'read-only',
  'mode-not-allowed',
  'auto-remove',
  'own-container',
  'old-image-gone',
  'dead-reference',
  'wrong-platform',
  'invalid-run',
  'not-supported',
  /** The map says start-first, and the old one holds what the new one needs. */
  'start-first-forbidden',
  /** The map's probe asks a port that the agent has no way to. */
  'probe-unreachable',
  /** What would be pulled is larger than what is free on the engine's disk. */
  'no-space',
  /** A build's image can't get to where it would run: it was built on another agent, and goes to no registry. */
  'needs-registry',
  /** The build runs or waits already. */
  'build-running',
  /** The build that a task waited for failed, was cancelled or could not begin. */
  'build-failed',
  /** The build names a secret that its agent does not have. */
  'secret-missing',
] as const;

export type RefusalCode = (typeof REFUSAL_CODES)[number];

/** A rule said no. Nothing was touched. `message` tells the operator what to do. */
export interface Refusal {
  code: RefusalCode;
  message: string;
  /** The container that it is about; none where it is about the whole server. */
  container?: string;
}
