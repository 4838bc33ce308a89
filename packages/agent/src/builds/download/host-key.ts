import { execa } from 'execa';
import { knownHostsName } from './classify-failure.ts';
import { type DownloadFailure, type GitSource, serverName, serverOf } from './git-source.ts';

/** The failure of a server that is not known, with the key that it offers: git's ssh does not say which. */
export async function offeredKey(source: GitSource, env: NodeJS.ProcessEnv): Promise<DownloadFailure> {
  const server = serverOf(source.url);
  const name = serverName(source.url);
  const { host = '', port = '22' } = server ?? {};
  const scan = ['-T', '10', '-p', port, '--', host.replace(/^\[|\]$/g, '')];
  const keys = await execa('ssh-keyscan', scan, { env, extendEnv: false, reject: false, stdin: 'ignore' });
  const lines = (keys.stdout ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('#'));
  // The kind that ssh prefers.
  const key = lines.find((line) => line.includes(' ssh-ed25519 ')) ?? lines[0];
  const fingerprint = key === undefined ? undefined : await fingerprintOf(key, env);
  const known = source.credentials?.kind === 'ssh' ? source.credentials.knownHostsFile : undefined;
  const file = known ?? '~/.ssh/known_hosts';
  const offers = fingerprint === undefined ? '' : ` It offers ${fingerprint}.`;
  const add = `ssh-keyscan${port === '22' ? '' : ` -p ${port}`} ${host} >> ${file}`;
  return {
    code: 'host-key-unknown',
    message: `The host key of ${name} is not known to the agent.${offers} Compare that with what those who run the server say; if it is theirs, as the agent's user on its machine: ${add} (it becomes known there as ${knownHostsName(source.url)}).`,
    ...(fingerprint !== undefined && { fingerprint }),
  };
}

async function fingerprintOf(key: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  const args = ['-l', '-E', 'sha256', '-f', '-'];
  const found = await execa('ssh-keygen', args, { input: `${key}\n`, env, extendEnv: false, reject: false });
  return /SHA256:[\w+/]+/.exec(found.stdout ?? '')?.[0];
}
