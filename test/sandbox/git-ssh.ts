import { userInfo } from 'node:os';
import { join } from 'node:path';
import { type Sshd, startSshd } from './sshd.ts';

/** A real sshd on loopback, with repositories. */
export interface GitSshServer extends Sshd {
  /** `ssh://USER@127.0.0.1:PORT/…/NAME.git`. */
  url(name: string): string;
}

export async function serveGitSsh(place: { sandboxDir: string; root: string }): Promise<GitSshServer> {
  const sshd = await startSshd(place);
  const { username } = userInfo();
  return {
    ...sshd,
    url: (repository) => `ssh://${username}@127.0.0.1:${sshd.port}${join(place.root, `${repository}.git`)}`,
  };
}
