import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { err, ok, type Result } from '@towline/core/result';
import { execa } from 'execa';

/** The keys of this process' user, for a build to use and not to see. */
export interface SshKeys {
  /** An SSH agent's socket. */
  socket: string;
  close(): void;
}

/**
 * The SSH agent that this process was started with; else one of its own for a while, with its user's keys. It ends with
 * this process, however that ends. Errors: `no-ssh-key`.
 */
export async function openSshAgent({
  env = process.env,
  keyFiles = [],
}: {
  env?: NodeJS.ProcessEnv;
  /** Instead of those that its user has by their ordinary names. */
  keyFiles?: readonly string[];
} = {}): Promise<Result<SshKeys, { code: 'no-ssh-key'; message: string }>> {
  const { SSH_AUTH_SOCK } = env;
  if (SSH_AUTH_SOCK !== undefined && SSH_AUTH_SOCK !== '') return ok({ socket: SSH_AUTH_SOCK, close() {} });
  const folder = await mkdtemp(join(tmpdir(), 'towline-ssh-'));
  const remove = () => void rm(folder, { recursive: true, force: true }).catch(() => undefined);
  const socket = join(folder, 'agent.sock');
  // Its shell reads from us, and ends it when there is nothing more to read.
  const script = 'ssh-add -q "$@" </dev/null && echo ready && cat; kill "$SSH_AGENT_PID"';
  const child = execa('ssh-agent', ['-a', socket, 'sh', '-c', script, 'sh', ...keyFiles], {
    env: { ...env, SSH_ASKPASS_REQUIRE: 'never' },
    extendEnv: false,
    reject: false,
    buffer: false,
    stdin: 'pipe',
  });
  let said = '';
  child.stderr.on('data', (chunk: Buffer) => {
    said = (said + chunk.toString('utf8')).slice(-1_000);
  });
  const ready = new Promise<boolean>((resolve) => child.stdout.once('data', () => resolve(true)));
  const ended = child.then((exit) => {
    remove();
    if (exit.code === 'ENOENT') said = 'there is no ssh-agent on its machine';
    return false;
  });
  if (await Promise.race([ready, ended])) {
    return ok({
      socket,
      close() {
        child.stdin.end();
      },
    });
  }
  const why = said.trim().replace(/\s+/g, ' ').replace(/\.$/, '');
  return err({
    code: 'no-ssh-key',
    message: `The image wants the agent’s SSH key (ssh: true), and there is none to use${why === '' ? '' : ` (${why})`}. Make a key without a passphrase for the agent’s user (ssh-keygen), or start the agent with SSH_AUTH_SOCK set.`,
  });
}
