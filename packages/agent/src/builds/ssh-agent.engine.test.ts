import { existsSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { openSshAgent } from './ssh-agent.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tl-ssh-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const env = (change: NodeJS.ProcessEnv = {}) => ({ PATH: process.env.PATH, ...change });

test('the SSH agent that there is is used', async () => {
  const used = await openSshAgent({ env: env({ SSH_AUTH_SOCK: '/run/agent.sock' }) });
  expect(used.ok && used.value.socket).toBe('/run/agent.sock');
});

test('without one, the user’s keys are offered for a while', async () => {
  const key = join(folder, 'id_ed25519');
  await execa('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', 'towline-test', '-f', key]);
  const keys = await openSshAgent({ env: env(), keyFiles: [key] });
  if (!keys.ok) throw new Error(keys.error.message);
  const { socket, close } = keys.value;
  const listed = await execa('ssh-add', ['-l'], { env: { SSH_AUTH_SOCK: socket } });
  expect(listed.stdout).toContain('towline-test');
  close();
  await vi.waitFor(() => expect(existsSync(socket)).toBe(false));
});

test('no key and no program are said', async () => {
  const none = await openSshAgent({ env: env(), keyFiles: [join(folder, 'none')] });
  expect(none).toMatchObject({
    ok: false,
    error: { code: 'no-ssh-key', message: expect.stringContaining('No such file') },
  });
  const missing = await openSshAgent({ env: { PATH: folder } });
  expect(missing).toMatchObject({ ok: false, error: { message: expect.stringContaining('no ssh-agent') } });
});
