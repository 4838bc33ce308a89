import type { UpdateOrder } from '@towline/core/job';
import { sharedSandbox } from '@towline/test/sandbox';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { AgentOnEngine } from './agent-on-engine.ts';
import { type KillableAgent, openKillableAgent } from './killable-agent.ts';
import type { ServiceOnEngine } from './service-on-engine.ts';

const { registry, hosts } = await sharedSandbox();
const host = hosts.b;
const faulty = `${registry}/test/faulty`;
let killable: KillableAgent;
let on: ServiceOnEngine;
let agent: AgentOnEngine;

beforeEach(async () => {
  killable = await openKillableAgent(host);
  ({ on, agent } = killable);
});
afterEach(() => killable.close());

/** After each step of the sequence that touches anything: the step before has ended when the next begins. */
const FAULTS: readonly (readonly [UpdateOrder, readonly string[]])[] = [
  ['stop-first', ['create', 'hold-restart', 'stop-old', 'start-new', 'gate', 'rename', 'commit']],
  [
    'start-first',
    ['create', 'start-new', 'gate', 'take-over', 'rename', 'drain', 'hold-restart', 'stop-old', 'commit'],
  ],
];

describe.each(FAULTS)('%s', (order, steps) => {
  test.each(steps)('killed at %s: one serves, by its names, and nothing is left over', async (kind) => {
    const name = on.name('web');
    const network = on.name('net');
    await host.docker('network', 'create', network);
    try {
      const words = ['--network', network, '--network-alias', 'shop', '--restart', 'always'];
      await host.docker('run', '--detach', '--name', name, ...words, `${faulty}:ok`);
      const before = await on.inspect(name);
      const more = { settle: 0.3, update: order };
      const input = on.input([{ container: name, image: faulty, tag: 'ok2', more }]);
      const step = kind === 'commit' ? `commit:${input.server}` : `${kind}:${name}`;
      const id = await agent.killAt(step, input);
      const job = await agent.restarted(id);
      expect(['DONE', 'RESTORED']).toContain(job.state);
      const now = await on.inspect(name);
      expect(now.Id === before.Id).toBe(job.state === 'RESTORED');
      expect(now).toMatchObject({
        State: { Running: true },
        HostConfig: { RestartPolicy: { Name: 'always' } },
      });
      expect(now.NetworkSettings.Networks[network].Aliases).toContain('shop');
      expect(await on.names()).toEqual(job.state === 'DONE' ? [name, `${name}.prev.${id}`] : [name]);
      if (job.state === 'DONE') {
        expect((await on.inspect(`${name}.prev.${id}`)).State.Running).toBe(false);
      }
    } finally {
      const names = await on.names();
      if (names.length > 0) await host.docker('rm', '--force', '--volumes', ...names);
      await host.docker('network', 'rm', network);
    }
  });
});
