import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { shCommand } from './sh-command.ts';
import { shellWord } from './shell-word.ts';

const run = promisify(execFile);

const AWKWARD = "it's \\'quoted\\' \\\\ \\n 100% !! $HOME `id` \"twice\" ü";
const SCRIPT = [
  'say() {',
  '  printf "%s\\n" "$1"',
  '}',
  `for each in ${shellWord(AWKWARD)}; do say "$each"; done`,
  '! false && cat',
  'exit 7',
].join('\n');

async function answerOf(shell: string): Promise<object> {
  const running = run(shell, ['-c', shCommand(SCRIPT)]);
  running.child.stdin?.end('what is sent\n');
  return running.then(
    () => ({ code: 0 }),
    ({ code, stdout, stderr }: { code: number; stdout: string; stderr: string }) => ({
      code,
      stdout,
      stderr,
    }),
  );
}

test('a script is run as it is, with what is sent to it, and ends as it ends', async () => {
  expect(await answerOf('/bin/sh')).toEqual({ code: 7, stdout: `${AWKWARD}\nwhat is sent\n`, stderr: '' });
});

test('there is nothing in it that csh or fish reads otherwise', () => {
  const command = shCommand(SCRIPT);
  // A line's end, and history's sign, to csh; a backslash before a quote or another, to fish.
  expect(command).not.toMatch(/[\n\r!]|\\['\\]/);
  expect(command.split("'")).toHaveLength(5);
});

test.each(
  ['/bin/bash', '/bin/csh', '/bin/tcsh', '/usr/bin/fish', '/bin/zsh'].filter((path) => existsSync(path)),
)('%s runs it as well', async (shell) => {
  expect(await answerOf(shell)).toEqual(await answerOf('/bin/sh'));
});
