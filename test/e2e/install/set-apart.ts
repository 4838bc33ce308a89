import { readdir, readlink } from 'node:fs/promises';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Sshd, signalProcess, startSshd } from '@towline/test/sandbox';
import { execa } from 'execa';

/** A machine to install things on: an sshd that sees this one's files, and folders of its own in the places that matter. */
export interface ApartMachine {
  sshd: Sshd;
  /** Where a path of that machine is to be found from here. */
  path(there: string): string;
  /** A command there: its stdout. */
  run(...words: string[]): Promise<string>;
  /** The processes that see its folders, sshd's among them. */
  processes(): Promise<number[]>;
  /** Ends all of them. */
  close(): Promise<void>;
}

/** Empty at first, and gone with the last process there. */
const FOLDERS = ['/opt', '/run', '/var/lib', '/etc/systemd/system'];

/** Where a user's own agent has its socket there. */
export const RUNTIME_DIR = '/run/own';

/** `bin` comes first in the path there. */
export async function setApart(sandboxDir: string, bin: string): Promise<ApartMachine> {
  const mounts = FOLDERS.map((folder) => `{ [ ! -d ${folder} ] || mount -t tmpfs tmpfs ${folder}; }`);
  // What whoever runs the tests has bash do for every command over SSH may take longer than the command.
  const startup = join(userInfo().homedir, '.bashrc');
  mounts.push(`{ [ ! -f ${startup} ] || mount --bind /dev/null ${startup}; }`);
  const script = [...mounts, 'mkdir -p /run/sshd', 'exec "$@"'].join(' && ');
  const inside = (words: readonly string[]) => [
    'unshare',
    '--mount',
    '--propagation',
    'slave',
    ...['sh', '-c', script, 'sh', ...words],
  ];
  const sshd = await startSshd({
    sandboxDir,
    config: [`SetEnv PATH=${bin}:/usr/bin:/bin XDG_RUNTIME_DIR=${RUNTIME_DIR}`],
    machine: { inside },
  });
  const listener = await sshd.listener();
  const namespace = await readlink(`/proc/${listener}/ns/mnt`);
  const processes = async () => {
    const all = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const found = await Promise.all(
      all.map(async (pid) => {
        const its = await readlink(`/proc/${pid}/ns/mnt`).catch(() => '');
        return its === namespace ? [Number(pid)] : [];
      }),
    );
    return found.flat();
  };
  return {
    sshd,
    processes,
    async run(...words) {
      const [enter = '', ...args] = ['nsenter', `--mount=/proc/${listener}/ns/mnt`, ...words];
      return (await execa(enter, args)).stdout;
    },
    path: (there) => join(`/proc/${listener}/root`, there),
    async close() {
      for (const pid of await processes()) if (pid !== listener) signalProcess(pid, 'SIGKILL');
      await sshd.close();
    },
  };
}
