import type { Job } from '@towline/core/job';
import type { ExecuteInput } from '@towline/core/protocol';
import { expect } from 'vitest';
import type { ServiceOnEngine } from './service-on-engine.ts';

/** Steps of the exchange of one that another hangs on, each with the container that it is of. */
export const FOLLOWED_STEPS = [
  'stop-old:side',
  'start-new:web',
  'create:side',
  'gate:side',
  'commit',
] as const;

/** A container, `web`, and one in its network that nobody chooses, `side`; for tests. */
export interface Followed {
  /** Exchanges `web` for another version. */
  input: ExecuteInput;
  /** The step's own id. */
  stepOf(at: (typeof FOLLOWED_STEPS)[number]): string;
  /** Both serve, old or new as the job says, and `side` hangs on what serves. */
  expectServing(job: Job): Promise<void>;
}

export async function runFollowed(on: ServiceOnEngine, image: string): Promise<Followed> {
  const [web, side] = [on.name('web'), on.name('side')];
  const run = async (name: string, ...words: string[]) => {
    await on.host.docker('run', '--detach', '--name', name, '--restart', 'always', ...words, `${image}:ok`);
    return (await on.inspect(name)).Id;
  };
  const webId = await run(web);
  const sideId = await run(side, '--network', `container:${web}`);
  const input = on.input([{ container: web, image, tag: 'ok2' }]);
  return {
    input,
    stepOf(at) {
      const [kind = '', word] = at.split(':');
      return `${kind}:${word === undefined ? input.server : on.name(word)}`;
    },
    async expectServing(job) {
      expect(['DONE', 'RESTORED'], JSON.stringify(job)).toContain(job.state);
      const [now, sideNow] = [await on.inspect(web), await on.inspect(side)];
      expect(now.Id === webId).toBe(job.state === 'RESTORED');
      expect(sideNow.Id === sideId).toBe(job.state === 'RESTORED');
      expect(now).toMatchObject({
        State: { Running: true },
        HostConfig: { RestartPolicy: { Name: 'always' } },
      });
      expect(sideNow).toMatchObject({
        State: { Running: true },
        HostConfig: { NetworkMode: `container:${now.Id}`, RestartPolicy: { Name: 'always' } },
      });
      // A network that ended with its container has no way out.
      expect(await on.host.docker('exec', side, 'ip', 'addr')).toContain('eth0');
      const kept = job.state === 'DONE' ? [`${side}.prev.${job.id}`, `${web}.prev.${job.id}`] : [];
      expect(await on.names()).toEqual([side, web, ...kept].toSorted());
    },
  };
}
