import { existsSync } from 'node:fs';
import { copyFile, mkdir, open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { run } from './command.ts';
import { fillDisk } from './fill-disk.ts';
import { unmountUnder } from './remains.ts';

/** A small disk that can fail as disks do. */
export interface LosableDisk {
  /** From now on nothing can be written, by files that are open already neither. */
  makeReadOnly(): Promise<void>;
  /** What is written from now on where nothing was before gets to no disk: a sync says so, and nothing else does. */
  failSyncs(): Promise<void>;
  /** What was not synced is lost, and nothing can be read or written any more, until it is mounted again. */
  cutPower(): Promise<void>;
  /** As the machine's next start does. */
  mountAgain(): Promise<void>;
  close(): Promise<void>;
}

/** What the kernel writes back by itself is not lost. */
const COMMIT_SECONDS = 3600;
const ROOM_BYTES = 1024 * 1024;

/** The kernel's `EXT4_IOC_SHUTDOWN` with `EXT4_GOING_FLAGS_NOLOGFLUSH`, on the disk at the path that is given. */
const GO_DOWN =
  'open(my $at, "<", $ARGV[0]) or die "$!\n"; my $how = pack("L", 2); ioctl($at, 0x8004587D, $how) or die "$!\n"';

/** Whether there can be such disks: a container may have no loop devices. */
export function hasLoopDevices(): boolean {
  return existsSync('/dev/loop-control');
}

/**
 * Puts a filesystem with a journal of its own under a folder that is not there yet, where `hasLoopDevices`; it goes with the mounts under the sandbox that the folder is in, or with `close`.
 */
export async function mountLosableDisk(folder: string, bytes: number): Promise<LosableDisk> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const under = `${folder}.under`;
  await mkdir(under);
  // It has room for what was on the disk, and for that once more on the next one.
  await run('mount', ['-t', 'tmpfs', '-o', `size=${2 * bytes + ROOM_BYTES}`, 'tmpfs', under]);
  let times = 0;
  const image = () => join(under, `${times}.img`);
  const filler = join(under, 'filler');
  const file = await open(image(), 'w', 0o600);
  await file.truncate(bytes);
  await file.close();
  await run('mkfs.ext4', ['-q', '-F', '-m', '0', '-E', 'lazy_itable_init=1', image()]);
  // A full disk stays full where space is taken when something is written, and not when it gets to the disk.
  const options = `loop,nodelalloc,commit=${COMMIT_SECONDS}`;
  const mount = () => run('mount', ['-o', options, image(), folder]);
  await mount();
  return {
    async makeReadOnly() {
      // An ordinary remount is refused while a file is open for writing; a disk that fails does not ask.
      await run('mount', ['-o', 'remount,abort', folder]);
    },
    async failSyncs() {
      await fillDisk(filler, 0);
    },
    async cutPower() {
      await run('perl', ['-e', GO_DOWN, folder]);
    },
    async mountAgain() {
      await unmountUnder(folder);
      await rm(filler, { force: true });
      const before = image();
      times += 1;
      // What got to the disk, on another one: a mount namespace that was made meanwhile still has the first one mounted,
      // and with it what the kernel thinks of it.
      await copyFile(before, image());
      await rm(before);
      await mount();
    },
    async close() {
      await unmountUnder(folder);
      await unmountUnder(under);
    },
  };
}
