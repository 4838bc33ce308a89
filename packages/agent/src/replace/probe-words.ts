import type { Probe } from '@towline/core/protocol';

/** What a probe asks, for people: `GET :8080/health`, `TCP :5432`. */
export function probeWords(check: Probe['check']): string {
  return check.kind === 'http' ? `GET :${check.port}${check.path}` : `TCP :${check.port}`;
}
