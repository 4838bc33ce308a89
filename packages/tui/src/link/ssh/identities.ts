/** A key that the SSH agent holds. */
export interface AgentKey {
  /** The public key, base64. */
  blob: string;
  comment: string;
}

/** What was found where a key file should be. */
export type KeyFile =
  /** `blob` is its public key, base64; without one it is told only by its passphrase. `secret` says that it is the private one. */
  | { path: string; state: 'found'; blob?: string; secret: boolean; encrypted: boolean }
  | { path: string; state: 'missing' }
  /** Others may read it: OpenSSH does not use it then. */
  | { path: string; state: 'too-open'; mode: number }
  | { path: string; state: 'unusable'; reason: string };

/** One key that a machine is offered. */
export type KeyAttempt =
  | { kind: 'agent'; key: AgentKey }
  | { kind: 'file'; path: string; blob?: string; encrypted: boolean };

/**
 * Which keys a machine is offered, in OpenSSH's order: those of the agent that are among the files, the agent's others
 * (unless only the files' are to be used), and the files that the agent does not have.
 */
export function keyAttempts(
  files: readonly KeyFile[],
  agentKeys: readonly AgentKey[],
  { identitiesOnly }: { identitiesOnly: boolean },
): KeyAttempt[] {
  const usable = files.flatMap((file) => (file.state === 'found' ? [file] : []));
  const named = usable.flatMap(({ blob }) => agentKeys.find((key) => key.blob === blob) ?? []);
  const others = identitiesOnly ? [] : agentKeys.filter((key) => !named.includes(key));
  const alone = usable.filter(({ blob, secret }) => secret && !named.some((key) => key.blob === blob));
  return [
    ...[...new Set(named), ...others].map((key) => ({ kind: 'agent' as const, key })),
    ...alone.map(({ path, blob, encrypted }) => ({
      kind: 'file' as const,
      path,
      encrypted,
      ...(blob !== undefined && { blob }),
    })),
  ];
}
