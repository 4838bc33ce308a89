import { err, ok, type Result } from '@towline/core/result';
import { findProgram, run } from './command.ts';

/** What a sandbox is made with, and the Debian package that each comes in. */
const PROGRAMS = [
  ['dockerd', 'docker.io'],
  ['containerd', 'containerd'],
  ['docker', 'docker.io'],
  ['docker-registry', 'docker-registry'],
  ['busybox', 'busybox-static'],
  ['ip', 'iproute2'],
  ['tc', 'iproute2'],
  ['iptables', 'iptables'],
  ['nsenter', 'util-linux'],
  ['unshare', 'util-linux'],
  ['git', 'git'],
  ['ssh', 'openssh-client'],
  ['sshd', 'openssh-server'],
  ['openssl', 'openssl'],
  ['mkfs.ext4', 'e2fsprogs'],
  ['perl', 'perl-base'],
] as const;

/** What a host with Podman is made with besides. Its runtime is the one that came with Docker. */
const PODMAN_PROGRAMS = [
  ['podman', 'podman'],
  ['conmon', 'conmon'],
  ['catatonit', 'catatonit'],
  ['/usr/lib/podman/netavark', 'netavark'],
  ['/usr/lib/podman/aardvark-dns', 'aardvark-dns'],
  ['runc', 'runc'],
  ['setpriv', 'util-linux'],
] as const;

/** By the names that Debian gives them; empty where everything is there. */
export async function missingPackages(): Promise<string[]> {
  return await packagesOf(PROGRAMS);
}

export async function missingPodmanPackages(): Promise<string[]> {
  return await packagesOf(PODMAN_PROGRAMS);
}

async function packagesOf(programs: readonly (readonly [string, string])[]): Promise<string[]> {
  const missing = new Set<string>();
  for (const [program, debianPackage] of programs) {
    if ((await findProgram(program)) === undefined) missing.add(debianPackage);
  }
  return [...missing];
}

/** Whether a host with Podman can be made, where private engines can. The failure says what to do. */
export async function podmanSupport(): Promise<Result<void>> {
  const missing = await missingPodmanPackages();
  if (missing.length === 0) return ok(undefined);
  return err({
    code: 'programs-missing',
    message: `Podman's hosts need programs that are not here: run \`npm run setup\`, or install them: apt-get install ${missing.join(' ')}`,
  });
}

/** Whether private engines can run here. The failure says what to do. */
export async function engineSupport(): Promise<Result<void>> {
  if (process.platform !== 'linux') {
    return err({
      code: 'not-linux',
      message: 'Private engines need Linux: run this in a Linux machine, as root.',
    });
  }
  if (process.getuid?.() !== 0) {
    return err({ code: 'not-root', message: 'Private engines need root: run this as root, or with sudo.' });
  }
  const missing = await missingPackages();
  if (missing.length > 0) {
    return err({
      code: 'programs-missing',
      message: `Private engines need programs that are not here: run \`npm run setup\`, or install them: apt-get install ${missing.join(' ')}`,
    });
  }
  const probe = `tl-probe-${process.pid}`;
  try {
    await run('ip', ['netns', 'add', probe]);
    await run('nsenter', [
      `--net=/run/netns/${probe}`,
      'unshare',
      '--mount',
      'ip',
      'link',
      'set',
      'lo',
      'up',
    ]);
    await run('nsenter', [`--net=/run/netns/${probe}`, 'iptables', '-t', 'nat', '-L', '-n']);
  } catch (error) {
    const reason = error instanceof Error ? error.message.trim().split('\n').at(-1) : String(error);
    return err({
      code: 'not-permitted',
      message: `Private engines need network and mount namespaces, which are not permitted here (${reason}): run this on a whole machine, or in a privileged container.`,
    });
  } finally {
    await run('ip', ['netns', 'delete', probe]).catch(() => undefined);
  }
  return ok(undefined);
}
