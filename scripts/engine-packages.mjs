import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { NODE } from './dependencies.mjs';
import { ENV, ROOT, runProgram, say } from './program.mjs';

const POLICY = '/usr/sbin/policy-rc.d';
const POLICY_MARK = '# Towline, while it installs packages';

/**
 * Installs what private engines are made with, where it is missing, and where that can be done: as root, on Debian or
 * Ubuntu. Where it can't it says so and goes on: whoever needs an engine says the rest. Only the tests need Podman.
 */
export async function installEnginePackages({ podman }) {
  removePolicy();
  const missing = missingPackages(podman);
  if (missing.length === 0) return;
  const install = `apt-get install ${missing.join(' ')}`;
  if (process.platform !== 'linux' || process.getuid?.() !== 0) {
    say(`private engines need root on Linux, and these packages: ${missing.join(', ')}. As root: ${install}`);
    return;
  }
  if (!isDebian()) {
    say(`these are missing for private engines, by their Debian names: ${missing.join(', ')}. Install them.`);
    return;
  }
  say(`installing the packages for private engines: ${missing.join(', ')} (once)`);
  // Towline starts engines of its own; the packages are not to start theirs.
  if (!existsSync(POLICY)) writeFileSync(POLICY, `#!/bin/sh\n${POLICY_MARK}\nexit 101\n`, { mode: 0o755 });
  try {
    const env = { DEBIAN_FRONTEND: 'noninteractive', RUNLEVEL: '1' };
    const apt = (...args) =>
      runProgram('apt-get', ['-qq', '-o', 'DPkg::Lock::Timeout=120', '-o', 'Dpkg::Use-Pty=0', ...args], {
        env,
      });
    const code =
      (await apt('update')) || (await apt('install', '--yes', '--no-install-recommends', ...missing));
    if (code !== 0) {
      say(`the packages could not be installed; the reason is above. By hand: apt-get update && ${install}`);
      return;
    }
    await keepFromBoot(missing);
  } finally {
    removePolicy();
  }
}

/** By the same list that decides whether an engine can be had. */
function missingPackages(podman) {
  const out = execFileSync(NODE, ['test/sandbox/missing-packages.ts', ...(podman ? ['--podman'] : [])], {
    cwd: ROOT,
    env: ENV,
    encoding: 'utf8',
  });
  return out.split('\n').filter((line) => line !== '');
}

function isDebian() {
  if (!existsSync('/usr/bin/apt-get')) return false;
  const release = readFileSync('/etc/os-release', 'utf8');
  return /^ID(_LIKE)?=.*\b(debian|ubuntu)\b/m.test(release);
}

/** Services of packages that came with this set-up: nobody asked for them to run from the next boot on. */
async function keepFromBoot(installed) {
  if (!existsSync('/run/systemd/system')) return;
  const services = {
    'docker.io': ['docker.service', 'docker.socket'],
    containerd: ['containerd.service'],
    'docker-registry': ['docker-registry.service'],
    'openssh-server': ['ssh.service'],
    podman: ['podman.socket', 'podman.service', 'podman-restart.service', 'podman-auto-update.timer'],
  };
  const ours = installed.flatMap((name) => services[name] ?? []);
  if (ours.length > 0) await runProgram('systemctl', ['--quiet', 'disable', ...ours]);
}

function removePolicy() {
  try {
    if (readFileSync(POLICY, 'utf8').includes(POLICY_MARK)) rmSync(POLICY);
  } catch {
    // There is none.
  }
}
