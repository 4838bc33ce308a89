import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type CliPlace, createPlace, TOWLINE } from './towline-process.ts';

let place: CliPlace;

beforeAll(async () => {
  place = await createPlace();
});

afterAll(() => place.close());

test.each(['bash', 'zsh', 'fish'])('completion for %s is a script', async (shell) => {
  const ran = await place.run('completion', shell);
  expect(ran).toMatchObject({ code: 0, stderr: '' });
  expect(ran.stdout).toContain('towline complete --');
});

test('what the script asks is answered', async () => {
  expect((await place.run('complete', '--', 'sta')).stdout).toMatch(/^status\b/m);
  expect((await place.run('complete', '--', 'map', '')).stdout).toMatch(/^check\b/m);
});

test('where towline is a function of the shell, as in the README, the script completes that', async () => {
  // What the package bash-completion brings says which words are typed; compopt alone wants a key that was pressed.
  const script = `
    towline() { '${process.execPath}' '${TOWLINE}' "$@"; }
    _get_comp_words_by_ref() { words=(towline ro); cur=ro; }
    compopt() { :; }
    eval "$(towline completion bash)"
    "$(complete -p towline | grep -o '__[a-z_]*')"
    echo "\${COMPREPLY[@]}"`;
  expect(await execa('bash', ['--noprofile', '--norc', '-c', script])).toMatchObject({
    stdout: 'rollback',
    stderr: '',
  });
});

test('another shell is refused', async () => {
  expect((await place.run('completion', 'csh')).code).toBe(64);
});
