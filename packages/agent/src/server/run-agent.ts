import { err, ok, type Result } from '@towline/core/result';
import { createBuildService } from '../builds/index.ts';
import {
  createBuildEngine,
  createDockerEngine,
  createEngineWatch,
  describeAddress,
  type EngineAddress,
} from '../engine/index.ts';
import { createJobService } from '../jobs/index.ts';
import { createPruneService } from '../prune/index.ts';
import { createRegistry } from '../registry/index.ts';
import { type ServerLog, startServer } from './agent-server.ts';
import { giveBackMemory } from './give-back.ts';
import { type IdleWatch, watchIdle } from './idle.ts';
import type { ListenPlan } from './listen-words.ts';
import { networkDoor } from './network-door.ts';
import { lockState } from './state-lock.ts';

/** So long after the last that was to be done memory is given back, in seconds. */
const REST_SECONDS = 10;

export interface RunAgentOptions {
  socketPath: string;
  /** Where it listens on the network as well. */
  listen?: ListenPlan | undefined;
  /** How often the files of TLS are looked at, in milliseconds. */
  lookMs?: number;
  stateDir: string;
  engine: EngineAddress;
  /** Ends by itself after this many seconds with no client, no job and no build; never unless given. */
  idleExitSeconds?: number | undefined;
  version: string;
  log: ServerLog;
}

export interface RunningAgent {
  /** Fulfilled when the agent has nothing left to do (`idleExitSeconds`). */
  idle: Promise<void>;
  /** Where it listens on the network. */
  address: { host: string; port: number } | undefined;
  /** Reads its TLS certificate, key and CA again. */
  reload(): Promise<void>;
  close(): Promise<void>;
}

/** One whole agent in this process. Errors: those of `lockState`, `networkDoor` and `startServer`, and `state-dir`. */
export async function runAgent(options: RunAgentOptions): Promise<Result<RunningAgent>> {
  const lock = await lockState(options.stateDir);
  if (!lock.ok) return lock;
  try {
    const agent = await runLocked(options);
    if (!agent.ok) {
      await lock.value.release();
      return agent;
    }
    return ok({
      ...agent.value,
      async close() {
        await agent.value.close();
        await lock.value.release();
      },
    });
  } catch (error) {
    await lock.value.release();
    if (!isSystemError(error)) throw error;
    return err({
      code: 'state-dir',
      message: `The agent can't use its state folder ${options.stateDir}: ${error.message}. Look after what is named there, or choose another with --state-dir.`,
    });
  }
}

/** What the system refused, such as a file that this user may not read: no bug, and a person can act on it. */
function isSystemError(error: unknown): error is Error {
  return error instanceof Error && 'syscall' in error;
}

async function doorOf({ stateDir, log, lookMs }: RunAgentOptions, plan: ListenPlan) {
  const door = await networkDoor({ plan, stateDir, log, ...(lookMs !== undefined && { lookMs }) });
  return door.ok ? ok({ door: door.value, stateDir }) : door;
}

async function runLocked(options: RunAgentOptions): Promise<Result<RunningAgent>> {
  const { log, stateDir, socketPath, version } = options;
  // Before anything is begun: a job of before would go on, and its agent end under it.
  const network = options.listen === undefined ? undefined : await doorOf(options, options.listen);
  if (network?.ok === false) return network;
  const startedAt = new Date().toISOString();
  const engine = createDockerEngine(options.engine);
  const insecure = async () => {
    const info = await engine.info();
    return info.ok ? info.value.insecureRegistries : [];
  };
  const registry = createRegistry({ insecure });
  const engineSocket = options.engine.kind === 'socket' ? options.engine.path : undefined;
  const buildEngine = createBuildEngine(options.engine);
  const builds = await createBuildService({ engine, buildEngine, registry, stateDir, log });
  const jobs = await createJobService({ engine, registry, stateDir, log, engineSocket, builds });
  for (const problem of [...jobs.problems(), ...builds.problems()]) log.warn({}, problem);

  const idle = Promise.withResolvers<void>();
  const watches: IdleWatch[] = [];
  const look = () => {
    for (const watch of watches) watch.look();
  };
  const server = await startServer({
    engine,
    watch: createEngineWatch(engine),
    registry,
    jobs,
    builds,
    prune: createPruneService({ engine, buildEngine, registry, jobs }),
    version,
    startedAt,
    engineAddress: describeAddress(options.engine),
    socketPath,
    network: network?.value,
    log,
    onConnections: look,
  });
  if (!server.ok) {
    await Promise.all([jobs.close(), builds.close()]);
    return server;
  }
  const working = () => jobs.activeCount() + builds.activeCount() > 0;
  watches.push(watchIdle(REST_SECONDS, working, giveBackMemory));
  const { idleExitSeconds } = options;
  if (idleExitSeconds !== undefined) {
    const busy = () => server.value.connections() > 0 || working();
    watches.push(watchIdle(idleExitSeconds, busy, idle.resolve));
  }
  const stopListening = [jobs.onJob(look), builds.onRun(look)];
  return ok({
    idle: idle.promise,
    address: server.value.address,
    reload: server.value.reload,
    async close() {
      for (const stop of stopListening) stop();
      for (const watch of watches) watch.stop();
      await server.value.close();
      await Promise.all([jobs.close(), builds.close()]);
    },
  });
}
