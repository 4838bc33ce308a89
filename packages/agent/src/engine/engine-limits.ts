/**
 * What an engine can't do of what Towline promises, in sentences for people; nothing of Docker from 20.10 on. Source: what
 * was seen of Podman 4.3 (docs/engines.md).
 */
export function engineLimits(components: readonly string[]): string[] {
  if (!components.some((name) => /podman/i.test(name))) return [];
  return [
    'Podman can’t change a restart policy: after a success the old container is kept for a rollback only where its policy is `no`, else a rollback asks the registry.',
  ];
}
