import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { describeEngine, findEngine } from '@towline/core/engine';
import { ok, type Result } from '@towline/core/result';

type Env = Readonly<Record<string, string | undefined>>;

/** The machine, as far as finding its engines takes a look at it. */
export interface Machine {
  env: Env;
  home: string;
  exists(path: string): boolean;
}

/** What is kept beside the state of an engine's agent, so that its socket alone is enough to start it again. */
export interface EngineRecord {
  engine: string;
  /** The folder of its certificates, where `DOCKER_CERT_PATH` named one. */
  certPath?: string;
}

/** One engine's agent on this machine: one agent has one engine, one socket and one state folder. */
export interface LocalPlace {
  socketPath: string;
  stateDir: string;
  engine: EngineRecord;
  /** Whether somebody said which engine, so that an agent of another one is not what was asked for. */
  named: boolean;
}

const ENGINES = 'engines';

/** The place of the engine that `DOCKER_HOST` names, else of the default one. Errors: `engine-address`. */
export function localPlace(machine: Machine): Result<LocalPlace> {
  const { env, exists } = machine;
  const asked = findEngine({ env: withHome(machine), exists });
  if (!asked.ok) {
    const message = `DOCKER_HOST: ${asked.error.message}`;
    return { ok: false, error: { ...asked.error, message } };
  }
  const normal = defaultPlace(machine);
  const address = describeEngine(asked.value);
  const named = Boolean(env.DOCKER_HOST);
  if (address === normal.engine.engine) return ok({ ...normal, named });
  const folder = createHash('sha256').update(address).digest('hex').slice(0, 12);
  const { runtime, state } = folders(machine);
  const certPath = env.DOCKER_CERT_PATH;
  return ok({
    socketPath: join(runtime, ENGINES, folder, 'agent.sock'),
    stateDir: join(state, ENGINES, folder),
    engine: { engine: address, ...(certPath && { certPath }) },
    named,
  });
}

/** The place that a map file's socket belongs to; undefined where it is none that Towline starts agents at. */
export function placeOfSocket(socketPath: string, machine: Machine): LocalPlace | undefined {
  const normal = defaultPlace(machine);
  // Whichever agent was started there is what the map means.
  if (socketPath === normal.socketPath) return normal;
  const { runtime, state } = folders(machine);
  const folder = basename(dirname(socketPath));
  if (socketPath !== join(runtime, ENGINES, folder, 'agent.sock')) return undefined;
  const stateDir = join(state, ENGINES, folder);
  const engine = readRecord(stateDir);
  return engine === undefined ? undefined : { socketPath, stateDir, engine, named: true };
}

export function recordPath(stateDir: string): string {
  return join(stateDir, 'engine.json');
}

function readRecord(stateDir: string): EngineRecord | undefined {
  try {
    const read: unknown = JSON.parse(readFileSync(recordPath(stateDir), 'utf8'));
    if (typeof read !== 'object' || read === null || !('engine' in read)) return undefined;
    if (typeof read.engine !== 'string') return undefined;
    const certPath = 'certPath' in read && typeof read.certPath === 'string' ? read.certPath : undefined;
    return { engine: read.engine, ...(certPath !== undefined && { certPath }) };
  } catch {
    return undefined;
  }
}

/** Where the agent's own defaults put its socket and its state (`towline-agent --help`). */
function defaultPlace(machine: Machine): LocalPlace {
  const { DOCKER_HOST: _, ...env } = withHome(machine);
  const found = findEngine({ env, exists: machine.exists });
  if (!found.ok) throw new Error(`the default engine has no address: ${found.error.message}`);
  const { runtime, state } = folders(machine);
  return {
    socketPath: join(runtime, 'agent.sock'),
    stateDir: join(state, 'agent'),
    engine: { engine: describeEngine(found.value) },
    named: false,
  };
}

function withHome({ env, home }: Machine): Env {
  return { ...env, HOME: env.HOME ?? home };
}

function folders({ env, home }: Machine): { runtime: string; state: string } {
  const stateHome = env.XDG_STATE_HOME || join(home, '.local', 'state');
  return { runtime: join(env.XDG_RUNTIME_DIR || stateHome, 'towline'), state: join(stateHome, 'towline') };
}
