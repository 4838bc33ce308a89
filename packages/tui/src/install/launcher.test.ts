import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { launcherText } from './unit.ts';

const run = promisify(execFile);

test('an installed agent is started sparingly, and without that by a Node that does not know how', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'tl-launch er-'));
  const write = async (name: string, text: string) => {
    const path = join(dir, name);
    await writeFile(path, text);
    await chmod(path, 0o755);
    return path;
  };
  try {
    const agent = await write(
      'agent.cjs',
      'console.log(JSON.stringify([process.execArgv, process.argv.slice(2)]));',
    );
    const started = async (node: string) => {
      const launcher = await write('launcher', launcherText(node, agent));
      const { stdout, stderr } = await run(launcher, ['--socket', 'a b']);
      expect(stderr).toBe('');
      return JSON.parse(stdout);
    };
    const words = ['--socket', 'a b'];
    expect(await started(process.execPath)).toEqual([['--no-opt', '--no-maglev', '--no-sparkplug'], words]);
    const other = `#!/bin/sh\ncase "$*" in *--no-maglev*) echo bad option >&2; exit 9;; esac\nexec '${process.execPath}' "$@"\n`;
    expect(await started(await write('other node', other))).toEqual([[], words]);
  } finally {
    await rm(dir, { recursive: true });
  }
});
