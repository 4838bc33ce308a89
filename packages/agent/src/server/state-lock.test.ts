import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { lockState } from './state-lock.ts';

let dir: string;
let stateDir: string;

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'tl-lock-'));
  stateDir = join(dir, 'state');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

test('the folder is made for its user alone, is one agent’s, and is free again afterwards', async () => {
  const lock = await lockState(stateDir);
  expect(lock.ok).toBe(true);
  expect(((await stat(stateDir)).mode & 0o777).toString(8)).toBe('700');
  const second = await lockState(stateDir);
  expect(second).toMatchObject({ ok: false, error: { code: 'state-in-use' } });
  expect(second.ok ? '' : second.error.message).toContain(`process ${process.pid}`);
  if (lock.ok) await lock.value.release();
  expect(await readdir(stateDir)).toEqual([]);
  expect((await lockState(stateDir)).ok).toBe(true);
});

test.each([
  ['of a process that is gone', JSON.stringify({ pid: 4_194_305, started: '7' })],
  ['of a process whose number another one has', JSON.stringify({ pid: process.pid, started: '1' })],
  ['that was cut off when it was written', '{"pid":'],
  ['that is empty', ''],
])('a lock %s is replaced', async (_, text) => {
  await mkdir(stateDir);
  await writeFile(join(stateDir, 'agent.lock'), text);
  const lock = await lockState(stateDir);
  expect(lock.ok).toBe(true);
  expect(await readdir(stateDir)).toEqual(['agent.lock']);
});

test('a lock of a process that is dead, and that nobody took note of yet, is replaced', async () => {
  // The `sleep` that the shell becomes never asks what became of the shell's child.
  const parent = execa('sh', ['-c', 'sleep 60 & echo $!; exec sleep 60']);
  try {
    const [line] = await once(parent.stdout, 'data');
    const pid = Number(String(line));
    const stateOf = async () =>
      (await readFile(`/proc/${pid}/stat`, 'utf8')).split(') ')[1]?.split(' ') ?? [];
    const started = (await stateOf())[19];
    await mkdir(stateDir);
    await writeFile(join(stateDir, 'agent.lock'), JSON.stringify({ pid, started }));
    expect(await lockState(stateDir)).toMatchObject({ ok: false, error: { code: 'state-in-use' } });
    process.kill(pid, 'SIGKILL');
    await expect.poll(async () => (await stateOf())[0]).toBe('Z');
    expect((await lockState(stateDir)).ok).toBe(true);
  } finally {
    parent.kill('SIGKILL');
    await parent.catch(() => undefined);
  }
});

test('a lock that is somebody else’s by now is not taken away', async () => {
  const lock = await lockState(stateDir);
  const path = join(stateDir, 'agent.lock');
  await writeFile(path, 'another’s');
  if (lock.ok) await lock.value.release();
  expect(await readFile(path, 'utf8')).toBe('another’s');
});

test('a folder that can’t be made is refused with what to do', async () => {
  await writeFile(stateDir, 'a file');
  const refused = await lockState(stateDir);
  expect(refused).toMatchObject({ ok: false, error: { code: 'state-dir' } });
  expect(refused.ok ? '' : refused.error.message).toContain('--state-dir');
});
