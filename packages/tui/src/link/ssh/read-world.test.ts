import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { readWorld } from './read-world.ts';
import { sshRoute } from './route.ts';

test('an included file that is there and can’t be read is named, as by OpenSSH; one that is not there says nothing', async () => {
  const home = await mkdtemp(join(tmpdir(), 'tl-world-'));
  onTestFinished(() => rm(home, { recursive: true }));
  const at = (name: string) => join(home, '.ssh', name);
  await mkdir(at('folder'), { recursive: true });
  await symlink('nothing', at('broken'));
  await symlink('round', at('round'));
  await writeFile(at('work'), 'Host web\n  HostName web-1.example.com\n');
  const routeOf = async (...includes: string[]) => {
    await writeFile(at('config'), `${includes.map((each) => `Include ${each}`).join('\n')}\n`);
    return sshRoute({ kind: 'ssh', host: 'web' }, readWorld({ HOME: home }));
  };
  const found = await routeOf('none', 'none/either', 'folder', 'broken', 'work/file', 'w?rk');
  expect(found).toMatchObject({ value: { hops: [{ host: 'web-1.example.com' }] } });
  const message = `${at('round')} can't be read (ELOOP), which ${at('config')} includes. Make it readable for you, or take its Include away.`;
  expect(await routeOf('ro*', 'work')).toMatchObject({ error: { code: 'ssh-config', message } });
});
