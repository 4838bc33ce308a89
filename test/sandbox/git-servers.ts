import { randomBytes } from 'node:crypto';
import { mkdir, mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { endDaemon, listDaemons } from './daemon.ts';
import { type GitHttpOptions, type GitHttpServer, serveGitHttp } from './git-http.ts';
import { createGitRepository, type GitRepository } from './git-repository.ts';
import { type GitSshServer, serveGitSsh } from './git-ssh.ts';
import { enter, strike } from './ledger.ts';
import { markProcess } from './process-mark.ts';
import { removeFolder } from './remains.ts';

/** A folder of bare repositories, and real git servers over it. */
export interface GitServers {
  dir: string;
  /** Makes a bare repository, `NAME.git` in every server. */
  repository(name: string): Promise<GitRepository>;
  http(options?: GitHttpOptions): Promise<GitHttpServer>;
  ssh(): Promise<GitSshServer>;
  /** Leaves nothing: no process, no folder. */
  close(): Promise<void>;
}

/** Git servers of their own for a test. A killed test's are swept by the next run, as its engines are. */
export async function createGitServers(): Promise<GitServers> {
  const id = randomBytes(4).toString('hex');
  const dir = await mkdtemp(join(tmpdir(), `tl-git-${id}-`));
  const owner = await markProcess(process.pid);
  await enter({ id, dir, ...(owner !== undefined && { owner }) });
  const root = join(dir, 'repositories');
  await mkdir(root);
  const open: { close(): Promise<void> }[] = [];
  async function opened<T extends { close(): Promise<void> }>(server: Promise<T>): Promise<T> {
    open.push(await server);
    return await server;
  }
  return {
    dir,
    repository: (name) => createGitRepository(join(root, `${name}.git`)),
    http: (options = {}) => opened(serveGitHttp(root, options)),
    ssh: () => opened(serveGitSsh({ sandboxDir: dir, root })),
    async close() {
      for (const server of open) await server.close();
      for (const name of await listDaemons(dir)) await endDaemon(dir, name);
      await removeFolder(dir);
      await strike(id);
    },
  };
}
