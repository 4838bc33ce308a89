import type { ObservedContainer, WatchEvent } from '@towline/core/protocol';
import type { Host } from '@towline/test/sandbox';
import { type EngineHttp, now } from './engine-http.ts';

/** Milliseconds from what happened, by the engine's own time, until somebody knows; a sample for each change. */
export interface WatchLatency {
  /** A client of the agent knows what the container is now. */
  agent: number[];
  /** A bare stream of the engine's events has told of it; what the container is now is not looked up yet. */
  engine: number[];
}

/** Where the harness hears what its link is told. */
export interface WatchTap {
  onWatch: (event: WatchEvent) => void;
}

/** Stops and starts a container by hand, `rounds` times. */
export async function measureWatch(
  place: { host: Host; engine: EngineHttp; image: string },
  tap: WatchTap,
  rounds: number,
): Promise<WatchLatency> {
  const { host, engine, image } = place;
  const id = (await host.docker('run', '-d', '--name', 'bench-watch', image)).trim();
  const latency: WatchLatency = { agent: [], engine: [] };
  let expected: { state: ObservedContainer['state']; action: string } | undefined;
  let told = { agent: Promise.withResolvers<number>(), engine: Promise.withResolvers<number>() };
  tap.onWatch = (event) => {
    if (
      event.type === 'container' &&
      event.container.id === id &&
      event.container.state === expected?.state
    ) {
      told.agent.resolve(now());
    }
  };
  const endEvents = await engine.events((event) => {
    if (event.id === id && event.action === expected?.action) told.engine.resolve(now());
  });
  const change = async (next: typeof expected, words: 'stop' | 'start', at: 'finishedAt' | 'startedAt') => {
    expected = next;
    told = { agent: Promise.withResolvers<number>(), engine: Promise.withResolvers<number>() };
    const [byAgent, byEngine] = await Promise.all([
      told.agent.promise,
      told.engine.promise,
      host.docker(words, 'bench-watch'),
    ]);
    const happened = (await engine.see(id))[at];
    latency.agent.push(byAgent - happened);
    latency.engine.push(byEngine - happened);
  };
  for (let round = 0; round < rounds; round++) {
    await change({ state: 'exited', action: 'die' }, 'stop', 'finishedAt');
    await change({ state: 'running', action: 'start' }, 'start', 'startedAt');
  }
  endEvents();
  tap.onWatch = () => {};
  return latency;
}
