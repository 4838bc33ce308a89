import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fillDisk, hasLoopDevices, mountLosableDisk } from '@towline/test/sandbox';
import { expect, test } from 'vitest';
import { lockState } from './state-lock.ts';

test.skipIf(!hasLoopDevices())(
  'on a disk that is full the lock of an agent that was killed makes room for that of the next, and none is lost',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tl-lock-'));
    const stateDir = join(dir, 'state');
    const disk = await mountLosableDisk(stateDir, 4 * 1024 * 1024);
    const left = async () => (await readdir(stateDir)).toSorted();
    try {
      const path = join(stateDir, 'agent.lock');
      await writeFile(path, JSON.stringify({ pid: 4_194_305, started: '123456789' }));
      await fillDisk(join(stateDir, 'filler'), 0);
      const lock = await lockState(stateDir);
      expect(lock.ok).toBe(true);
      expect(await left()).toEqual(['agent.lock', 'filler', 'lost+found']);
      expect(JSON.parse(await readFile(path, 'utf8'))).toMatchObject({ pid: process.pid });
      expect(await lockState(stateDir)).toMatchObject({ ok: false, error: { code: 'state-in-use' } });
      expect(await left()).toEqual(['agent.lock', 'filler', 'lost+found']);
      if (lock.ok) await lock.value.release();
      await fillDisk(join(stateDir, 'filler'), 0);
      const none = await lockState(stateDir);
      expect(none).toMatchObject({ ok: false, error: { code: 'state-dir' } });
      expect(none.ok ? '' : none.error.message).toContain('no space left');
    } finally {
      await disk.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
);
