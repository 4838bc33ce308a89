import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

/** A root shell on Debian may have no `sbin` in its path; dockerd, ip, tc and iptables live there. */
export const SYSTEM_ENV: NodeJS.ProcessEnv = {
  ...process.env,
  PATH: `${process.env.PATH ?? ''}:/usr/local/sbin:/usr/sbin:/sbin:/usr/bin:/bin`,
};

const execute = promisify(execFile);

/** Its stdout. Throws an error whose message ends with what the program wrote to stderr. */
export async function run(
  command: string,
  args: readonly string[],
  env: NodeJS.ProcessEnv = SYSTEM_ENV,
): Promise<string> {
  const { stdout } = await execute(command, args, { env, maxBuffer: 64 * 1024 * 1024 });
  return stdout;
}

/** Where a program is in the path. */
export async function findProgram(name: string): Promise<string | undefined> {
  const found = await run('/bin/sh', ['-c', 'command -v "$1"', 'sh', name]).catch(() => '');
  return found.trim() === '' ? undefined : found.trim();
}
