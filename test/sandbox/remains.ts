import { existsSync } from 'node:fs';
import { readdir, readFile, readlink, rm, rmdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { endProcess, markProcess, type ProcessMark } from './process-mark.ts';

/** What a host leaves when its engine has ended, or was killed: processes, mounts, its namespace, its folder. */
export async function removeHostRemains(host: { namespace: string; folder: string }): Promise<void> {
  await endAll(await processesInNamespace(host.namespace));
  await unmountUnder(host.folder);
  if (existsSync(namespaceFile(host.namespace))) {
    await run('ip', ['netns', 'delete', host.namespace]).catch((error: unknown) => {
      // Two that sweep at once come upon the same remains.
      if (existsSync(namespaceFile(host.namespace))) throw error;
    });
  }
  await removeFolder(host.folder);
}

/** Ends what runs in a host's network and in the cgroup of its containers, except for some. */
export async function endHostProcesses(
  namespace: string,
  cgroup: string,
  spared: readonly (ProcessMark | undefined)[],
): Promise<void> {
  const inCgroup = (await cgroupMounts()).map(({ point }) => processesInCgroup(join(point, cgroup)));
  const found = await Promise.all([processesInNamespace(namespace), ...inCgroup]);
  await endAll(found.flat().filter(({ pid }) => !spared.some((mark) => mark?.pid === pid)));
}

/** Ends what still runs in the cgroups of a sandbox's containers, and removes these. */
export async function removeCgroup(name: string): Promise<void> {
  for (const { point } of await cgroupMounts()) {
    const folder = join(point, name);
    if (!existsSync(folder)) continue;
    await endAll(await processesInCgroup(folder));
    await removeCgroupFolder(folder);
  }
}

/** Removes a cgroup that nobody is in and that has nothing under it; any other stays. */
export async function removeEmptyCgroup(name: string): Promise<void> {
  for (const { point } of await cgroupMounts()) await rmdir(join(point, name)).catch(() => undefined);
}

export async function namespacesWith(prefix: string): Promise<string[]> {
  const names = await readdir('/run/netns').catch(() => []);
  return names.filter((name) => name.startsWith(prefix));
}

/** Unmounts everything at or under a folder, the deepest first. */
export async function unmountUnder(folder: string): Promise<void> {
  const points = (await mounts()).map((mount) => mount.point);
  const ours = points.filter((point) => point === folder || point.startsWith(`${folder}/`));
  for (const point of ours.sort((a, b) => b.length - a.length)) {
    await run('umount', ['--lazy', point]).catch(() => undefined);
  }
}

/** A folder of an engine; a process of it that is just ending may still write there. */
export async function removeFolder(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 });
}

async function processesInNamespace(namespace: string): Promise<ProcessMark[]> {
  const file = await stat(namespaceFile(namespace)).catch(() => undefined);
  if (file === undefined) return [];
  const found: ProcessMark[] = [];
  for (const entry of await readdir('/proc')) {
    if (!/^\d+$/.test(entry)) continue;
    const link = await readlink(`/proc/${entry}/ns/net`).catch(() => '');
    if (link !== `net:[${file.ino}]`) continue;
    const mark = await markProcess(Number(entry));
    if (mark !== undefined) found.push(mark);
  }
  return found;
}

async function processesInCgroup(folder: string): Promise<ProcessMark[]> {
  const found: ProcessMark[] = [];
  for (const inside of await foldersUnder(folder)) {
    const pids = await readFile(join(inside, 'cgroup.procs'), 'utf8').catch(() => '');
    for (const pid of pids.split('\n').filter((line) => line !== '')) {
      const mark = await markProcess(Number(pid));
      if (mark !== undefined) found.push(mark);
    }
  }
  return found;
}

async function endAll(marks: readonly ProcessMark[]): Promise<void> {
  await Promise.all(
    marks.filter((mark) => mark.pid !== process.pid).map((mark) => endProcess(mark, 'SIGKILL')),
  );
}

async function removeCgroupFolder(folder: string): Promise<void> {
  for (const inside of (await foldersUnder(folder)).reverse()) {
    // A cgroup can be removed a moment after its last process has ended.
    for (let attempt = 0; attempt < 50; attempt++) {
      const removed = await rmdir(inside).then(
        () => true,
        (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
      );
      if (removed) break;
      await new Promise((resolve) => setTimeout(resolve, 20));
    }
  }
}

/** The folder and all in it, outer ones first. */
async function foldersUnder(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const inner = entries.filter((entry) => entry.isDirectory()).map((entry) => join(folder, entry.name));
  const deeper = await Promise.all(inner.map(foldersUnder));
  return [folder, ...deeper.flat()];
}

export async function cgroupMounts(): Promise<Mount[]> {
  return (await mounts()).filter((mount) => mount.type.startsWith('cgroup'));
}

interface Mount {
  point: string;
  /** `cgroup`, of the first version, or `cgroup2`. */
  type: string;
}

async function mounts(): Promise<Mount[]> {
  const text = await readFile('/proc/self/mountinfo', 'utf8');
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => {
      const [before = '', after = ''] = line.split(' - ');
      // Spaces in a path are written as octal numbers there.
      const point = (before.split(' ')[4] ?? '').replace(/\\([0-7]{3})/g, (_, octal: string) =>
        String.fromCharCode(Number.parseInt(octal, 8)),
      );
      return { point, type: after.split(' ')[0] ?? '' };
    });
}

function namespaceFile(namespace: string): string {
  return join('/run/netns', namespace);
}
