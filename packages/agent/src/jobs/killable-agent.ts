import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Host } from '@towline/test/sandbox';
import { AgentOnEngine } from './agent-on-engine.ts';
import { ServiceOnEngine } from './service-on-engine.ts';

/** An agent with a folder of its own, which a test kills and starts again. */
export interface KillableAgent {
  /** For names and requests; its jobs are not used: they are those of the agent. */
  on: ServiceOnEngine;
  agent: AgentOnEngine;
  /** Removes the containers as well. */
  close(): Promise<void>;
}

export async function openKillableAgent(host: Host): Promise<KillableAgent> {
  const on = await ServiceOnEngine.start(host);
  const dir = await mkdtemp(join(tmpdir(), 'tl-k-'));
  const agent = new AgentOnEngine(host, dir);
  return {
    on,
    agent,
    async close() {
      await agent.kill();
      await on.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
