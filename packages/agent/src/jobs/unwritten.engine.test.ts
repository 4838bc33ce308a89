import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hasLoopDevices, mountLosableDisk, sharedSandbox } from '@towline/test/sandbox';
import { expect, test } from 'vitest';
import { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const faulty = `${registry}/test/faulty`;

test.skipIf(!hasLoopDevices())(
  'a cancel that can’t be written down is answered when the old one serves, and the job is told to its end afterwards',
  async () => {
    const dir = await mkdtemp(join(tmpdir(), 'tl-unwritten-'));
    const disk = await mountLosableDisk(join(dir, 'state'), 8 * 1024 * 1024);
    const on = await ServiceOnEngine.start(hosts.b, { stateDir: join(dir, 'state') });
    try {
      const web = on.name('web');
      await on.host.docker('run', '--detach', '--name', web, `${faulty}:ok`);
      const before = await on.inspect(web);
      const id = await on.begin(
        on.input([{ container: web, image: faulty, tag: 'ok2', more: { settle: 600 } }]),
      );
      await on.reaches(id, `gate:${web}`);
      await disk.makeReadOnly();
      expect(await on.jobs.cancel(id, 'ben')).toEqual({ ok: true, value: undefined });
      expect(on.jobs.get(id)).toMatchObject({ state: 'CANCELLED', cancelledBy: 'ben' });
      expect(await on.names()).toEqual([web]);
      expect(await on.inspect(web)).toMatchObject({ Id: before.Id, State: { Running: true } });
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
