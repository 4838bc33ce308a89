import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasLoopDevices, mountLosableDisk, sharedSandbox } from '@towline/test/sandbox';
import { expect, test } from 'vitest';
import { BuildsOnEngine } from './builds-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const MB = 1024 * 1024;

test.skipIf(!hasLoopDevices())(
  'a run whose end can’t be written down is told to its end also afterwards',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tl-unwritten-'));
    const stateDir = join(dir, 'state');
    const disk = await mountLosableDisk(stateDir, 16 * MB);
    const on = await BuildsOnEngine.start(hosts.b, registry, { stateDir });
    try {
      const { definition, held } = await on.holding('create-image');
      const { command: _, ...rest } = definition;
      const id = await on.begin(rest);
      await held(id);
      await disk.makeReadOnly();
      await on.builds.cancel(id, 'ben');
      expect(await on.ended(id)).toMatchObject({ state: 'CANCELLED', cancelledBy: 'ben' });
      const told = (await Array.fromAsync(on.events(id))).map(({ type }) => type);
      expect(told).toContain('cancel-requested');
      expect(told.at(-1)).toBe('ended');
    } finally {
      await on.close();
      await disk.close();
      await rm(dir, { recursive: true, force: true });
    }
  },
);
