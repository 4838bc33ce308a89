import { readFile } from 'node:fs/promises';
import { hostname } from 'node:os';

export interface OwnTraces {
  /** `/proc/self/cgroup`. */
  cgroup: string;
  /** `/proc/self/mountinfo`. */
  mountinfo: string;
  hostname: string;
}

/**
 * Whether a container, by its id, is the one that this process runs in: replacing it would kill the agent half-way. The
 * cgroup names it under cgroup v1; under v2 the files that every engine mounts into a container do; the host name is
 * the short id unless somebody chose another. Only mounts at those three paths count: a host sees the mounts of all
 * its containers.
 */
export function isOwnContainer(id: string, traces: OwnTraces): boolean {
  const named = new Set([
    ...[...traces.cgroup.matchAll(/[/-]([0-9a-f]{64})(?:\.scope)?$/gm)].map((match) => match[1]),
    ...traces.mountinfo
      .split('\n')
      .map((line) => line.split(' '))
      .filter(([, , , , point]) => ENGINE_FILES.has(point ?? ''))
      .map(([, , , root]) => /\/([0-9a-f]{64})\//.exec(root ?? '')?.[1]),
  ]);
  if (named.has(id)) return true;
  return /^[0-9a-f]{12}$/.test(traces.hostname) && id.startsWith(traces.hostname);
}

const ENGINE_FILES = new Set(['/etc/hostname', '/etc/hosts', '/etc/resolv.conf']);

/** What this process knows of where it runs; empty where a system has no such files. */
export async function readOwnTraces(): Promise<OwnTraces> {
  const [cgroup, mountinfo] = await Promise.all([
    readFile('/proc/self/cgroup', 'utf8').catch(() => ''),
    readFile('/proc/self/mountinfo', 'utf8').catch(() => ''),
  ]);
  return { cgroup, mountinfo, hostname: hostname() };
}
