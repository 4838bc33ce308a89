import { spawnSync } from 'node:child_process';
import { chmod, cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';

const NOBODY = 65534;
const SYSTEM_PATH = '/usr/local/bin:/usr/bin:/bin';
let dir: string;

/** A checkout of root's, as far as its commands are concerned, that anybody may read. */
beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-not-root-'));
  await cp(fileURLToPath(new URL('../../scripts', import.meta.url)), join(dir, 'scripts'), {
    recursive: true,
  });
  await chmod(dir, 0o755);
});

afterAll(() => rm(dir, { recursive: true, force: true }));

const someNode = spawnSync('node', ['--version'], { env: { PATH: SYSTEM_PATH } }).status === 0;

test
  .runIf(process.platform === 'linux' && process.getuid?.() === 0 && someNode)
  .each([['demo'], ['demo:up']])(
  'npm run %s of somebody who is not root says so first, and no more',
  (command) => {
    const ran = spawnSync('node', ['scripts/run.mjs', command], {
      cwd: dir,
      env: { PATH: SYSTEM_PATH },
      uid: NOBODY,
      gid: NOBODY,
      encoding: 'utf8',
    });
    expect(ran).toMatchObject({ status: 1, stderr: '' });
    expect(ran.stdout).toMatch(/^towline: .* takes root: .*\n$/);
  },
);
