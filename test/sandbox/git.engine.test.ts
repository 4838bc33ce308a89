import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { run, SYSTEM_ENV } from './command.ts';
import { createGitServers } from './git-servers.ts';

test('a repository is the same by file, http and ssh, and its servers leave nothing', async () => {
  const servers = await createGitServers();
  const found: string[] = [];
  try {
    const shop = await servers.repository('shop');
    const commit = await shop.commit({ files: { 'a.txt': 'one\n' } });
    const http = await servers.http({ users: { ada: 'hunter2' } });
    const ssh = await servers.ssh();
    const env = {
      ...SYSTEM_ENV,
      GIT_SSH_COMMAND: `ssh -F none -o BatchMode=yes -o IdentitiesOnly=yes -i ${ssh.keyFile} -o UserKnownHostsFile=${ssh.knownHostsFile}`,
      GIT_TERMINAL_PROMPT: '0',
    };
    for (const url of [shop.url, http.url('shop').replace('://', '://ada:hunter2@'), ssh.url('shop')]) {
      found.push(await run('git', ['ls-remote', url, 'refs/heads/main'], env));
    }
    expect(found).toEqual(Array.from({ length: 3 }, () => `${commit}\trefs/heads/main\n`));
    await expect(run('git', ['ls-remote', http.url('shop')], env)).rejects.toThrow(/could not read Username/);
    expect(http.requests.at(-1)).toEqual({
      what: expect.stringContaining('/shop.git/info/refs'),
      user: undefined,
    });
  } finally {
    await servers.close();
  }
  expect(existsSync(servers.dir)).toBe(false);
  const left = async () => {
    const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
    const all = pids.map((pid) => readFile(join('/proc', pid, 'cmdline'), 'utf8').catch(() => ''));
    return (await Promise.all(all)).filter((words) => words.includes(servers.dir));
  };
  // What it served somebody ends after whoever was served.
  await expect.poll(left).toEqual([]);
});
