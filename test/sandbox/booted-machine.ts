import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import { run } from './command.ts';
import { endDaemon, startDaemon } from './daemon.ts';
import { type Host, sandboxCgroup } from './host.ts';
import type { ProcessMark } from './process-mark.ts';
import { cgroupMounts, removeCgroup, removeFolder } from './remains.ts';

/**
 * A machine whose first process is this one's systemd: its processes, mounts and cgroups are its own, its network is this one's. It
 * sees this one's files as they are, and writes to memory.
 */
export interface BootedMachine {
  /** The words that start a program there. */
  inside(words: readonly string[]): string[];
  /** A command there: its stdout; throws with its stderr. */
  run(...words: string[]): Promise<string>;
  close(): Promise<void>;
}

const SYSTEMD = '/lib/systemd/systemd';

/** Whether one can be booted here. The failure says why not. */
export async function bootSupport(): Promise<Result<void>> {
  const cannot = (message: string) => err({ code: 'no-boot', message });
  if (process.getuid?.() !== 0) return cannot('it takes root');
  if (!existsSync(SYSTEMD)) return cannot('there is no systemd here: apt-get install systemd');
  if ((await unifiedCgroups()) === undefined) return cannot('no cgroup2 is mounted here');
  return ok(undefined);
}

/** Folders where it has nothing of this machine's: another's settings, sockets and history. */
const EMPTY = ['/run', '/tmp', '/root', '/opt', '/var/lib', '/var/log'];
/** What would be done to the kernel that both have, or to devices that it has not. */
const MASKED = [
  'dev-hugepages.mount',
  'sys-kernel-debug.mount',
  'sys-kernel-tracing.mount',
  'sys-fs-fuse-connections.mount',
  'systemd-binfmt.service',
  'systemd-journald-audit.socket',
  'systemd-modules-load.service',
  'systemd-sysctl.service',
  'systemd-udev-trigger.service',
  'systemd-udevd.service',
  'systemd-udevd-control.socket',
  'systemd-udevd-kernel.socket',
];

/** What becomes the machine. `$1` is its folder; then pairs: a path here, and where it is to be there. */
const BOOT = `set -e
machine=$1; shift; root=$machine/root
mount -t tmpfs -o mode=755 tmpfs "$machine"
mkdir "$machine/upper" "$machine/work" "$root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$machine/upper,workdir=$machine/work" "$root"
mount -t proc proc "$root/proc"
mount --bind "$root/proc/sys" "$root/proc/sys"
mount -o remount,bind,ro "$root/proc/sys"
mount -t sysfs -o ro sysfs "$root/sys"
mount -t cgroup2 cgroup2 "$root/sys/fs/cgroup"
mount -t tmpfs -o mode=755 tmpfs "$root/dev"
for device in null zero full random urandom tty; do
  : > "$root/dev/$device"; mount --bind "/dev/$device" "$root/dev/$device"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o newinstance,ptmxmode=0666 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777 tmpfs "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"; ln -s /proc/self/fd "$root/dev/fd"
for folder in ${EMPTY.join(' ')}; do mount -t tmpfs -o mode=755 tmpfs "$root$folder"; done
chmod 1777 "$root/tmp"
mkdir "$root/run/sshd"
for folder in "$root"/lib/systemd/system-generators "$root"/etc/systemd/system-generators; do
  [ ! -d "$folder" ] || mount -t tmpfs tmpfs "$folder"
done
rm -rf "$root"/etc/systemd/system/*.wants
for unit in ${MASKED.join(' ')}; do ln -sfn /dev/null "$root/etc/systemd/system/$unit"; done
: > "$root/etc/fstab"
while [ $# -gt 0 ]; do
  mkdir -p "$root$(dirname "$2")"
  if [ -d "$1" ]; then mkdir -p "$root$2"; else : > "$root$2"; fi
  mount --bind "$1" "$root$2"; shift 2
done
cd "$root"; mkdir -p mnt/outside; pivot_root . mnt/outside; cd /; umount -l /mnt/outside
exec env -i container=towline PATH=/usr/sbin:/usr/bin:/sbin:/bin ${SYSTEMD} --show-status=no systemd.unit=basic.target
`;

/** In the sandbox of a host, and gone with it at the latest. `shown`: what of this machine it has, and where. */
export async function bootMachine(
  { sandboxDir, sandboxId }: Host,
  shown: readonly { here: string; there: string }[],
): Promise<BootedMachine> {
  const name = `machine-${randomBytes(4).toString('hex')}`;
  const dir = join(sandboxDir, name);
  const cgroups = await unifiedCgroups();
  if (cgroups === undefined) throw new Error('No cgroup2 is mounted here.');
  const cgroup = join(sandboxCgroup(sandboxId), name);
  await mkdir(join(cgroups, cgroup), { recursive: true });
  await mkdir(join(dir, 'machine'), { recursive: true });
  const apart = ['--pid', '--fork', '--kill-child', '--mount', '--cgroup', '--uts', '--ipc'];
  const enter = 'echo 0 > "$0" && exec unshare "$@"';
  const pairs = shown.flatMap(({ here, there }) => [here, there]);
  const boot = ['sh', '-c', BOOT, 'sh', join(dir, 'machine'), ...pairs];
  let first = 0;
  const inside = (words: readonly string[]) => {
    const spaces = ['--mount', '--pid', '--uts', '--ipc', '--cgroup', '--root', '--wd'];
    const env = [
      'env',
      '-i',
      'HOME=/root',
      'PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    ];
    return ['nsenter', `--target=${first}`, ...spaces, ...env, ...words];
  };
  const there = async (...words: string[]) => {
    const [command = '', ...args] = inside(words);
    return await run(command, args);
  };
  const ready = async ({ pid }: ProcessMark) => {
    const children = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8').catch(() => '');
    first = Number(children.split(' ')[0]);
    return (
      first > 0 && (await there('systemctl', 'is-active', 'basic.target').catch(() => '')) === 'active\n'
    );
  };
  await startDaemon({
    sandboxDir,
    name,
    command: 'sh',
    args: ['-c', enter, join(cgroups, cgroup, 'cgroup.procs'), ...apart, '--propagation', 'slave', ...boot],
    logFile: join(dir, 'machine.log'),
    ready,
  });
  return {
    inside,
    run: there,
    async close() {
      await endDaemon(sandboxDir, name, 'SIGKILL');
      await removeCgroup(cgroup);
      await removeFolder(dir);
    },
  };
}

async function unifiedCgroups(): Promise<string | undefined> {
  return (await cgroupMounts()).find(({ type }) => type === 'cgroup2')?.point;
}
